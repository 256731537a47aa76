package import GraphIR
import Tensors

/// Y = X with a new axis of extent 1.
///
/// Shapes: X [any]; axis one int32, its place in Y, a negative one counting from the end of Y.
/// Types: any whose elements fill whole bytes, up to eight.
/// Source: onnxruntime's ExpandDims-1.
package struct ExpandDims: ViewOperator {
  package static let signature = OperatorSignature(
    "ExpandDims", domain: MicrosoftDomain.name, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable(type)
    guard let axis = try axis(rank: type.shape.count, inputs[1]) else { return .dependsOnContents }
    var shape = type.shape
    shape.insert(1, at: axis)
    return .types([ArrayType(type.elementType, shape)])
  }

  private func axis(rank: Int, _ operand: Operand?) throws(OperatorError) -> Int? {
    guard operand!.type.count == 1 else {
      throw OperatorError(.shapeMismatch, "axis: expected one element, got \(operand!.type)")
    }
    guard let axis = try operand!.integers("axis")?.first else { return nil }
    return try normalizedAxis(axis, rank: rank + 1)
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    guard let axis = try? axis(rank: input.shape.count, operands[1]) else { return nil }
    var view = input
    view.shape.insert(1, at: axis)
    view.strides.insert(0, at: axis)
    return [view]
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) { try copyViews(inputs, outputs) }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }
  package var overwritableInputs: [Int] { [0] }
}
