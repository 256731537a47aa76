package import GraphIR
import Tensors

/// The k greatest or least elements along an axis, and their places as `int64`.
///
/// Attributes: `axis` (-1); `largest` (1) and `sorted` (1) from 11 on; `k` before 10, an input since.
/// Shapes: X [before, axis, behind]; K [1]; values, indices [before, k, behind].
/// Precision: exact; always sorted; of equal elements the one in front comes first; NaN counts as
/// greatest.
package struct TopK: Operator {
  let axis: Int
  let takesLargest: Bool
  let attribute: Int?

  package static let signature = OperatorSignature("TopK", inputs: 1...2, outputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: -1)
    takesLargest = try node.flag("largest", default: true)
    attribute = opset < 10 ? try node.integer("k") : nil
    if attribute == nil, node.inputs.count < 2 || node.inputs[1] == nil {
      throw OperatorError(.arity, "expected 2 inputs, got \(node.inputs.count)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    var type = inputs[0]!.type
    try expect("TopK", supports: type.elementType, type.elementType.isNumeric)
    let axis = try normalizedAxis(axis, rank: type.shape.count)
    var count = attribute
    if count == nil { count = try inputs[1]!.integers("k")?.first }
    guard let k = count else { return .dependsOnContents }
    guard k >= 0, k <= type.shape[axis] else {
      throw OperatorError(
        .invalidValue, "k: expected at most \(type.shape[axis]), got \(k)")
    }
    type.shape[axis] = k
    return .types([type, ArrayType(.int64, type.shape)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat([inputs[0]], outputs) { (inputs, outputs) throws(OperatorError) in
      switch inputs[0]!.elementType {
      case .float: try select(Float.self, inputs[0]!, outputs[0], outputs[1])
      default:
        try select(inputs[0]!.elementType.numeric, inputs[0]!, outputs[0], outputs[1])
      }
    }
  }

  private func select<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, _ values: MutableTensorView,
    _ indices: MutableTensorView
  ) throws(OperatorError) {
    let axis = try normalizedAxis(axis, rank: x.shape.count)
    let (extent, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
    let k = values.shape[axis]
    guard values.count > 0 else { return }
    let (numbers, places) = (values.start(as: Element.self), indices.start(as: Int64.self))
    for line in 0..<(values.count / k) {
      let (outer, rest) = (line / inner, line % inner)
      let start = x.start(as: Element.self) + outer * extent * inner + rest
      let order = (0..<extent).sorted { a, b in
        let (x, y) = (start[a * inner], start[b * inner])
        if x.isNotANumber || y.isNotANumber {
          guard x.isNotANumber != y.isNotANumber else { return a < b }
          return x.isNotANumber == takesLargest
        }
        return x == y ? a < b : (x > y) == takesLargest
      }
      for (rank, place) in order.prefix(k).enumerated() {
        numbers[(outer * k + rank) * inner + rest] = start[place * inner]
        places[(outer * k + rank) * inner + rest] = Int64(place)
      }
    }
  }
}
