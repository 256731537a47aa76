package import GraphIR
import Tensors

/// Y = X with elements added, or with negative counts removed, at the ends of its axes.
///
/// Attributes: `mode` ("constant", "edge", "reflect", "wrap" from 19 on); before version 11 `pads` and
/// `value`, inputs since, `axes` with them from 18 on.
/// Shapes: X [any]; pads [2n], the begins and then the ends of n axes, all where `axes` are absent;
/// value [].
package struct Pad: MovementOperator {
  /// What the added elements are.
  enum Mode: String { case constant, edge, reflect, wrap }

  let mode: Mode
  let attributes: (pads: [Int], value: Float)?

  package static let signature = OperatorSignature("Pad", since: 2, inputs: 1...4)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let name = try node.text("mode", default: "constant")
    guard let mode = Mode(rawValue: name) else {
      throw OperatorError(.invalidAttribute, "mode '\(name)' is unknown")
    }
    self.mode = mode
    attributes =
      opset >= 11
      ? nil : (try node.integers("pads") ?? [], try node.number("value", default: 0))
    if attributes == nil, node.inputs.count < 2 || node.inputs[1] == nil {
      throw OperatorError(.arity, "expected 2 to 4 inputs, got \(node.inputs.count)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    var type = inputs[0]!.type
    try expectMovable(type)
    if let value = inputs.input(2) {
      try expectSameType(type, value.type)
      guard value.type.count == 1 else {
        throw OperatorError(.shapeMismatch, "expected one element, got \(value.type.shape)")
      }
    }
    if attributes != nil {
      try expect("Pad", supports: type.elementType, type.elementType.isFloatingPoint)
    }
    guard let (begins, ends) = try pads(type.shape.count, inputs) else { return .dependsOnContents }
    for axis in type.shape.indices {
      let (some, first) = type.shape[axis].addingReportingOverflow(begins[axis])
      let (extent, second) = some.addingReportingOverflow(ends[axis])
      guard !first, !second, extent >= 0,
        max(begins[axis].magnitude, ends[axis].magnitude) < 1 << 48,
        mode == .constant || extent == 0 || type.shape[axis] > 0
      else {
        throw OperatorError(.invalidShape, "cannot pad \(type.shape) by \(begins) and \(ends)")
      }
      type.shape[axis] = extent
    }
    return .types([try type.checked()])
  }

  /// The elements to add before and behind each axis, or `nil` where they are not known.
  private func pads(
    _ rank: Int, _ inputs: [Operand?]
  ) throws(OperatorError) -> (begins: [Int], ends: [Int])? {
    var pads = attributes?.pads ?? []
    var axes = Array(0..<rank)
    if attributes == nil {
      guard let given = try inputs[1]?.integers("pads") else { return nil }
      pads = given
      if let operand = inputs.input(3) {
        guard let given = try operand.integers("axes") else { return nil }
        axes = try normalizedAxes(given, rank: rank)
      }
    }
    guard pads.count == 2 * axes.count else {
      throw OperatorError(.shapeMismatch, "pads: expected \(2 * axes.count), got \(pads.count)")
    }
    var (begins, ends) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
    for (index, axis) in axes.enumerated() {
      (begins[axis], ends[axis]) = (pads[index], pads[axes.count + index])
    }
    return (begins, ends)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    let operands = inputs.map { $0.map { Operand($0.type, value: $0.smallContents) } }
    guard y.count > 0, let (begins, _) = try pads(x.shape.count, operands) else { return }
    let size = y.elementType.movableByteCount!
    let value = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
    defer { value.deallocate() }
    if let input = inputs.input(2) {
      value.copyMemory(from: input.bytePointer, byteCount: size)
    } else {
      UnsafeMutableRawBufferPointer(start: value, count: size)
        .initializeMemory(as: UInt8.self, repeating: 0)
    }
    if let number = attributes?.value {
      let scalar = MutableTensorView(y.elementType, [], in: value)
      try computingInFloat([], [scalar]) { (_, outputs) throws(OperatorError) in
        if y.elementType == .double {
          outputs[0].start(as: Double.self)[0] = Double(number)
        } else {
          outputs[0].start(as: Float.self)[0] = number
        }
      }
    }
    guard let last = x.shape.indices.last else { return x.copy(into: y) }
    // The place in X of each place in Y along each axis, -1 for an added constant.
    let sources = x.shape.indices.map { axis in
      (0..<y.shape[axis]).map { source($0 - begins[axis], extent: x.shape[axis]) }
    }
    let strides = Layout.packedStrides(of: x.shape)
    let width = y.shape[last]
    // What the last axis shows of X as it lies there.
    let start = min(max(begins[last], 0), width)
    let kept = start..<max(start, min(begins[last] + x.shape[last], width))
    var place = [Int](repeating: 0, count: last)
    for row in 0..<(y.count / width) {
      let target = y.buffer + row * width * size
      var offset: Int? = 0
      for axis in place.indices {
        let source = sources[axis][place[axis]]
        offset = source < 0 ? nil : offset.map { $0 + source * strides[axis] }
        if offset == nil { break }
      }
      if let offset {
        let source = x.bytePointer + offset * size
        if !kept.isEmpty {
          (target + kept.lowerBound * size).copyMemory(
            from: source + sources[last][kept.lowerBound] * size, byteCount: kept.count * size)
        }
        for range in [0..<kept.lowerBound, kept.upperBound..<width] {
          for column in range {
            let place = sources[last][column]
            (target + column * size).copyMemory(
              from: place < 0 ? UnsafeRawPointer(value) : source + place * size, byteCount: size)
          }
        }
      } else {
        for column in 0..<width {
          (target + column * size).copyMemory(from: value, byteCount: size)
        }
      }
      advance(&place, in: y.shape)
    }
  }

  private func source(_ place: Int, extent: Int) -> Int {
    if place >= 0 && place < extent { return place }
    switch mode {
    case .constant: return -1
    case .edge: return min(max(place, 0), extent - 1)
    case .wrap: return ((place % extent) + extent) % extent
    case .reflect:
      guard extent > 1 else { return 0 }
      let period = 2 * (extent - 1)
      let folded = ((place % period) + period) % period
      return folded < extent ? folded : period - folded
    }
  }
}

/// Moves to the next place in row-major order, from the last to the first.
func advance(_ place: inout [Int], in shape: [Int]) {
  for axis in place.indices.reversed() {
    place[axis] += 1
    if place[axis] < shape[axis] { return }
    place[axis] = 0
  }
}
