package import GraphIR
import Tensors

/// Y = X with its axes in another order.
///
/// Attributes: `perm`: the axis of X that each axis of Y is; reversed where absent.
/// Shapes: X [any]; Y [the extents of X, permuted].
package struct Transpose: ViewOperator {
  package let permutation: [Int]?

  package static let signature = OperatorSignature("Transpose", inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    permutation = try node.integers("perm")
    guard let permutation, permutation.sorted() != Array(permutation.indices) else { return }
    throw OperatorError(.invalidAttribute, "perm \(permutation) is no permutation")
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable(type)
    if let permutation, permutation.count != type.shape.count {
      throw OperatorError(
        .invalidAttribute, "perm \(permutation) does not fit rank \(type.shape.count)")
    }
    return .types([ArrayType(type.elementType, order(type.shape.count).map { type.shape[$0] })])
  }

  private func order(_ rank: Int) -> [Int] { permutation ?? (0..<rank).reversed() }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    [input.transposed(order(input.shape.count))]
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try copyViews(inputs, outputs)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { true }
}
