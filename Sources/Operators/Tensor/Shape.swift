package import GraphIR
import Tensors

/// Y = the extents of X, as `int64`.
///
/// Attributes: `start` (0) and `end` (the rank) from 15 on: which axes, negative ones counting from the
/// end, both cut to the rank.
/// Shapes: X [any]; Y [end - start].
package struct Shape: Operator {
  let start: Int
  let end: Int?

  package static let signature = OperatorSignature("Shape", inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    start = try node.integer("start", default: 0)
    end = node[attribute: "end"] == nil ? nil : try node.integer("end")
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([ArrayType(.int64, [range(inputs[0]!.type.shape.count).count])])
  }

  private func range(_ rank: Int) -> Range<Int> {
    func cut(_ axis: Int) -> Int { min(max(axis < 0 ? axis + rank : axis, 0), rank) }
    let lower = cut(start)
    return lower..<max(lower, cut(end ?? rank))
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let shape = inputs[0]!.shape
    let extents = outputs[0].elements(of: Int64.self)
    for (index, axis) in range(shape.count).enumerated() { extents[index] = Int64(shape[axis]) }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { true }
}

/// Y = the number of elements of X, as `int64`.
///
/// Shapes: X [any]; Y [].
package struct Size: Operator {
  package static let signature = OperatorSignature("Size", inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([ArrayType(.int64, [])])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    outputs[0].elements(of: Int64.self)[0] = Int64(inputs[0]!.count)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { true }
}
