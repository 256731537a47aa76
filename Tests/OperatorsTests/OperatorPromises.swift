import Operators
import Tensors

/// What an operator promises beside its results, tried out on one set of inputs: that inference needs
/// no contents or says so, that views show what evaluation computes, and that strided inputs and an
/// output over an input's memory change nothing.
struct OperatorPromises {
  let operation: any Operator
  let inputs: [Tensor?]
  /// What plain evaluation gave.
  let results: [Tensor]

  init(_ operation: any Operator, _ inputs: [Tensor?], _ results: [Tensor]) {
    self.operation = operation
    self.inputs = inputs
    self.results = results
  }

  /// The promises that do not hold.
  func broken() throws -> [String] {
    guard !(operation is any DataDependentOperator), results.allSatisfy({ $0.strings == nil })
    else { return [] }
    var broken = inference().map { [$0] } ?? []
    broken += views() + (try overwriting())
    for index in inputs.indices { broken += try strides(index) }
    return broken
  }

  /// Inference without contents agrees with the results or says that it needs contents.
  private func inference() -> String? {
    do {
      let types = try operation.infer(inputs.map { $0.map { Operand(ArrayType($0)) } })
      guard case .types(let types) = types, types != results.map({ ArrayType($0) })
      else { return nil }
      return "inferred \(types) without contents"
    } catch { return "inference without contents fails: \(error)" }
  }

  private func views() -> [String] {
    guard let operation = operation as? any ViewOperator, let input = inputs[0],
      !input.elementType.isPacked,
      let views = operation.views(
        of: Layout(contiguous: input.shape), inputs.map { $0.map { Operand($0) } })
    else { return [] }
    var broken = views.count == results.count ? [] : ["\(views.count) views"]
    for (layout, result) in zip(views, results) {
      let packed = TensorView(input.elementType, layout, in: TensorView(input).buffer).packed
      if layout.shape != result.shape || packed != Array(result.region.bytes) {
        broken.append("the view \(layout) differs")
      }
    }
    return broken
  }

  private func overwriting() throws -> [String] {
    var broken: [String] = []
    for index in operation.overwritableInputs {
      guard index < inputs.count, let input = inputs[index], let first = results.first,
        ArrayType(input).byteCount == ArrayType(first).byteCount
      else { continue }
      let memory = Array(input.region.bytes)
      let output = try evaluate { views, outputs in
        outputs[0].buffer.copyMemory(from: memory, byteCount: memory.count)
        views[index] = TensorView(
          input.elementType, Layout(contiguous: input.shape),
          in: UnsafeRawPointer(outputs[0].buffer))
      }
      if output != results.map({ Array($0.region.bytes) }) {
        broken.append("overwriting input \(index) changes the result")
      }
    }
    return broken
  }

  private func strides(_ index: Int) throws -> [String] {
    guard let input = inputs[index], input.strings == nil, input.count > 0,
      (input.elementType.bitWidth ?? 0) % 8 == 0
    else { return [] }
    let size = input.elementType.bitWidth! / 8
    let rank = input.shape.count
    let packed = Layout(contiguous: input.shape)
    // Reversed axes, every axis backwards, and a gap behind each element.
    let order = Array((0..<rank).reversed())
    let transposed = Layout(contiguous: input.shape.reversed()).transposed(order)
    let backwards = Layout(
      shape: input.shape, strides: packed.strides.map { -$0 }, offset: input.count - 1)
    let gapped = Layout(
      shape: input.shape, strides: packed.strides.map { 2 * $0 }, offset: 1)
    var broken: [String] = []
    for layout in [transposed, backwards, gapped]
    where operation.acceptsStrides(layout, at: index) {
      let bytes = TensorView(input).scattered(to: layout, capacity: 2 * input.count, size: size)
      let output = try bytes.withUnsafeBytes { memory in
        try evaluate { views, _ in
          views[index] = TensorView(input.elementType, layout, in: memory.baseAddress!)
        }
      }
      if output != results.map({ Array($0.region.bytes) }) {
        broken.append("input \(index) strided as \(layout) changes the result")
      }
    }
    return broken
  }

  /// Evaluates on the inputs as `change` has altered them.
  private func evaluate(
    _ change: (inout [TensorView?], [MutableTensorView]) -> Void
  ) throws -> [[UInt8]] {
    let types = results.map { ArrayType($0) }
    let buffers = types.map {
      UnsafeMutableRawBufferPointer.allocate(byteCount: max($0.byteCount, 1), alignment: 64)
    }
    defer { for buffer in buffers { buffer.deallocate() } }
    let outputs = zip(types, buffers).map {
      MutableTensorView($0.elementType, $0.shape, in: $1.baseAddress!)
    }
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: operation.scratchByteCount(inputs.map { $0.map { ArrayType($0) } }, types),
      alignment: 64)
    defer { scratch.deallocate() }
    var views = inputs.map { $0.map { TensorView($0) } }
    change(&views, outputs)
    try operation.evaluate(views, outputs, scratch: scratch)
    withExtendedLifetime(inputs) {}
    return zip(types, buffers).map { Array($1.prefix($0.byteCount)) }
  }
}

extension TensorView {
  /// The bytes of the elements in row-major order.
  fileprivate var packed: [UInt8] {
    let size = elementType.bitWidth! / 8
    return places(of: layout).flatMap { place in
      (0..<size).map { (buffer + place * size + $0).load(as: UInt8.self) }
    }
  }

  /// The bytes of a buffer in which the elements of this view lie as `target` says.
  fileprivate func scattered(to target: Layout, capacity: Int, size: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xFF, count: (capacity + 1) * size)
    for (place, element) in zip(places(of: target), 0...) {
      for byte in 0..<size {
        bytes[place * size + byte] = (bytePointer + element * size + byte).load(as: UInt8.self)
      }
    }
    return bytes
  }

  private func places(of layout: Layout) -> [Int] {
    var places = [layout.offset]
    for (extent, stride) in zip(layout.shape, layout.strides) {
      places = places.flatMap { place in (0..<extent).map { place + $0 * stride } }
    }
    return places
  }
}
