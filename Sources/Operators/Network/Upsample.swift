package import GraphIR
import Tensors

/// Resampling by factors: what `Resize` became.
///
/// Inputs: X; since version 9 scales.
/// Attributes: mode (nearest); before version 9 scales.
/// Shapes: Y [⌊extent · scale⌋ …].
/// Types: those of Resize; scales must be known before evaluation.
/// Source: ONNX Upsample-7, 9; deprecated from 10 on, where it means what it meant.
package struct Upsample: Operator {
  package static let signature = OperatorSignature("Upsample", since: 7, inputs: 1...2)

  private let resize: ResizeOperator
  /// The factors where they are an attribute.
  private let scales: Tensor?

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let mode = try node.text("mode", default: "nearest")
    // Version 10 of Resize is Upsample under its later name.
    resize = try ResizeOperator(
      Node("Resize", inputs: [], outputs: [], attributes: [Attribute("mode", mode)]), opset: 10)
    switch node[attribute: "scales"] {
    case .floats(let values)? where opset < 9: scales = Tensor(values)
    case nil where opset >= 9: scales = nil
    default:
      throw OperatorError(
        .invalidAttribute,
        opset < 9
          ? "expected attribute 'scales', a list of floats" : "unexpected attribute 'scales'")
    }
    let expected = opset < 9 ? 1 : 2
    guard node.inputs.count == expected else {
      throw OperatorError(.arity, "expected \(expected) inputs, got \(node.inputs.count)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    try resize.infer(inputs + (scales.map { [Operand($0)] } ?? []))
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    resize.scratchByteCount(inputs, outputs)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try resize.evaluate(
      inputs + (scales.map { [TensorView($0)] } ?? []), outputs, scratch: scratch)
    withExtendedLifetime(scales) {}
  }
}
