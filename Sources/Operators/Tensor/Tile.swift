package import GraphIR
import Tensors

/// Y = X, repeated along each axis as often as the counts say.
///
/// Shapes: X [any]; repeats [rank of X].
package struct Tile: MovementOperator {
  package static let signature = OperatorSignature("Tile", since: 6, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    var type = inputs[0]!.type
    try expectMovable(type)
    guard let repeats = try inputs[1]!.integers("repeats") else { return .dependsOnContents }
    guard repeats.count == type.shape.count else {
      throw OperatorError(
        .shapeMismatch, "repeats: expected \(type.shape.count), got \(repeats.count)")
    }
    for axis in repeats.indices {
      let (extent, overflow) = type.shape[axis].multipliedReportingOverflow(by: repeats[axis])
      guard !overflow, repeats[axis] >= 0 else {
        throw OperatorError(.invalidShape, "cannot repeat \(type.shape) by \(repeats)")
      }
      type.shape[axis] = extent
    }
    return .types([try type.checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    guard y.count > 0 else { return }
    let strides = Layout.packedStrides(of: x.shape)
    let layout = Layout(
      shape: x.shape.indices.flatMap { [y.shape[$0] / x.shape[$0], x.shape[$0]] },
      strides: strides.flatMap { [0, $0] }, offset: x.layout.offset)
    TensorView(x.elementType, layout, in: x.buffer).copy(
      into: MutableTensorView(x.elementType, layout.shape, in: y.buffer))
  }
}
