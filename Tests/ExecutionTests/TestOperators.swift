import GraphIR
import Operators
import Tensors

/// Operators of the tests' own domain, written as plainly as possible.
let testRegistry = OperatorRegistry([
  PlainAdd.self, PlainMatMul.self, PlainTranspose.self, PlainFlatten.self, PlainTail.self,
  PlainMean.self, PlainFill.self, PlainPositive.self,
])

let testDomain = "test"

private func floats(_ view: TensorView) -> [Float] {
  var result: [Float] = []
  var index = [Int](repeating: 0, count: view.shape.count)
  let base = view.buffer.assumingMemoryBound(to: Float.self)
  for _ in 0..<view.count {
    var place = view.layout.offset
    for axis in index.indices { place += index[axis] * view.strides[axis] }
    result.append(base[place])
    for axis in index.indices.reversed() {
      index[axis] += 1
      if index[axis] < view.shape[axis] { break }
      index[axis] = 0
    }
  }
  return result
}

private func store(_ values: [Float], _ target: MutableTensorView) {
  for (index, value) in values.enumerated() { target.elements(of: Float.self)[index] = value }
}

private func signature(_ name: String, _ inputs: Int) -> OperatorSignature {
  OperatorSignature(name, domain: testDomain, inputs: inputs...inputs)
}

/// Elementwise a + b of equal shapes; may write over either, and reads any strides of b.
struct PlainAdd: Operator {
  static let signature = ExecutionTests.signature("Add", 2)
  init(_ node: Node, opset: Int) {}
  func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    guard inputs[0]!.type.shape == inputs[1]!.type.shape else {
      throw OperatorError(
        .shapeMismatch,
        "expected equal shapes, got \(inputs[0]!.type.shape) and \(inputs[1]!.type.shape)")
    }
    return .types([inputs[0]!.type])
  }
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) {
    store(zip(floats(inputs[0]!), floats(inputs[1]!)).map { $0 + $1 }, outputs[0])
  }
  func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 1 }
  var overwritableInputs: [Int] { [0, 1] }
}

/// [m, k] × [k, n], rows of a taken together from all leading axes; spoils all scratch it asked for.
struct PlainMatMul: Operator {
  static let signature = ExecutionTests.signature("MatMul", 2)
  init(_ node: Node, opset: Int) {}
  func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (a, b) = (inputs[0]!.type.shape, inputs[1]!.type.shape)
    guard a.last == b.first, b.count == 2 else {
      throw OperatorError(.shapeMismatch, "inner dimensions differ, got \(a) and \(b)")
    }
    return .types([ArrayType(.float, a.dropLast() + [b[1]])])
  }
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) {
    for index in scratch.indices { scratch[index] = 0xFF }
    let (a, b) = (floats(inputs[0]!), floats(inputs[1]!))
    let (k, n) = (inputs[1]!.shape[0], inputs[1]!.shape[1])
    let result = outputs[0].elements(of: Float.self)
    for row in 0..<(k == 0 ? 0 : a.count / k) {
      for column in 0..<n {
        var sum: Float = 0
        for inner in 0..<k { sum += a[row * k + inner] * b[inner * n + column] }
        result[row * n + column] = sum
      }
    }
  }
  func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int { 200 }
  func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    outputs[0].count * inputs[1]!.shape[0]
  }
}

/// Reverses the axes.
struct PlainTranspose: ViewOperator {
  static let signature = ExecutionTests.signature("Transpose", 1)
  init(_ node: Node, opset: Int) {}
  func infer(_ inputs: [Operand?]) -> Inference {
    .types([ArrayType(inputs[0]!.type.elementType, inputs[0]!.type.shape.reversed())])
  }
  func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    [input.transposed(Array(input.shape.indices.reversed()))]
  }
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) {
    let layout = inputs[0]!.layout
    let view = TensorView(
      .float, layout.transposed(Array(layout.shape.indices.reversed())), in: inputs[0]!.buffer)
    store(floats(view), outputs[0])
  }
}

/// Two axes exchanged in extent only: a reshape from [a, b] to [b, a].
struct PlainFlatten: ViewOperator {
  static let signature = ExecutionTests.signature("Reshape", 1)
  init(_ node: Node, opset: Int) {}
  func infer(_ inputs: [Operand?]) -> Inference {
    .types([ArrayType(inputs[0]!.type.elementType, inputs[0]!.type.shape.reversed())])
  }
  func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    input.reshaped(input.shape.reversed()).map { [$0] }
  }
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) { store(floats(inputs[0]!), outputs[0]) }
}

/// All rows but the first.
struct PlainTail: ViewOperator {
  static let signature = ExecutionTests.signature("Slice", 1)
  init(_ node: Node, opset: Int) {}
  func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    var type = inputs[0]!.type
    guard type.shape[0] > 0 else { throw OperatorError(.shapeMismatch, "expected a row, got none") }
    type.shape[0] -= 1
    return .types([type])
  }
  func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    var view = input
    view.shape[0] -= 1
    view.offset += view.strides[0]
    return [view]
  }
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) {
    let view = inputs[0]!
    store(Array(floats(view).dropFirst(view.count / view.shape[0])), outputs[0])
  }
}

/// Each element less the mean of its column: samples look at one another.
struct PlainMean: Operator {
  static let signature = ExecutionTests.signature("Center", 1)
  init(_ node: Node, opset: Int) {}
  func infer(_ inputs: [Operand?]) -> Inference { .types([inputs[0]!.type]) }
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) {
    let values = floats(inputs[0]!)
    let rows = inputs[0]!.shape[0]
    let columns = values.count / max(rows, 1)
    store(
      values.indices.map { index in
        let column = index % columns
        let sum = (0..<rows).reduce(Float(0)) { $0 + values[$1 * columns + column] }
        return values[index] - sum / Float(rows)
      }, outputs[0])
  }
}

/// Ones of the shape that the input's contents give.
struct PlainFill: Operator {
  static let signature = ExecutionTests.signature("Fill", 1)
  init(_ node: Node, opset: Int) {}
  func infer(_ inputs: [Operand?]) -> Inference {
    guard let shape = inputs[0]!.value?.integers else { return .dependsOnContents }
    return .types([ArrayType(.float, shape)])
  }
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) { store([Float](repeating: 1, count: outputs[0].count), outputs[0]) }
}

/// The positive elements, in order.
struct PlainPositive: DataDependentOperator {
  static let signature = ExecutionTests.signature("Positive", 1)
  init(_ node: Node, opset: Int) {}
  func infer(_ inputs: [Operand?]) -> Inference { .dependsOnContents }
  func evaluate(_ inputs: [Tensor?]) -> [Tensor] {
    [Tensor(inputs[0]!.elements(as: Float.self).filter { $0 > 0 })]
  }
}
