package import GraphIR
import Tensors

/// Y0 … Yn = consecutive pieces of X along an axis.
///
/// Attributes: `axis` (0); `split`, the pieces' lengths, before version 13, an input since;
/// `num_outputs` from 18 on. Without lengths the pieces are equal, from 18 on but for a shorter last.
/// Shapes: X [any]; split [n].
package struct Split: ViewOperator {
  package let axis: Int
  let lengths: [Int]?
  let takesInput: Bool
  let allowsShorterLast: Bool
  let outputCount: Int

  package static let signature = OperatorSignature(
    "Split", since: 2, inputs: 1...2, outputs: 1...Int.max)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: 0)
    takesInput = opset >= 13
    allowsShorterLast = opset >= 18
    lengths = takesInput ? nil : try node.integers("split")
    outputCount = node.outputs.count
    let declared = try node.integer("num_outputs", default: outputCount)
    guard declared == outputCount else {
      throw OperatorError(
        .invalidAttribute, "num_outputs: expected \(outputCount), got \(declared)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable(type)
    if takesInput, let operand = inputs.input(1),
      try operand.integers("split") == nil
    {
      return .dependsOnContents
    }
    let axis = try normalizedAxis(axis, rank: type.shape.count)
    return .types(
      try pieces(type.shape[axis], inputs).map { length in
        var piece = type
        piece.shape[axis] = length
        return piece
      })
  }

  /// The pieces' lengths along an axis of `extent`.
  private func pieces(_ extent: Int, _ inputs: [Operand?]) throws(OperatorError) -> [Int] {
    let given = takesInput && inputs.count > 1 ? try inputs[1]?.integers("split") : lengths
    guard let given else {
      let length = extent / outputCount + (extent % outputCount == 0 ? 0 : 1)
      let (others, overflow) = length.multipliedReportingOverflow(by: outputCount - 1)
      let last = overflow ? -1 : extent - others
      guard last == length || (allowsShorterLast && last >= 0) else {
        throw OperatorError(
          .shapeMismatch, "cannot split an axis of \(extent) into \(outputCount) equal pieces")
      }
      return [Int](repeating: length, count: outputCount - 1) + [last]
    }
    guard given.count == outputCount, given.allSatisfy({ $0 >= 0 && $0 <= extent }),
      given.reduce(0, &+) == extent
    else {
      throw OperatorError(
        .shapeMismatch,
        "cannot split an axis of \(extent) into \(outputCount) pieces of \(given)")
    }
    return given
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    if takesInput, operands.count > 1, let split = operands[1], split.value == nil { return nil }
    guard let axis = try? normalizedAxis(axis, rank: input.shape.count),
      let lengths = try? pieces(input.shape[axis], operands)
    else { return nil }
    var views: [Layout] = []
    var place = input.offset
    for length in lengths {
      var view = input
      view.shape[axis] = length
      view.offset = place
      views.append(view)
      place = place &+ length &* input.strides[axis]
    }
    return views
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try copyViews(inputs, outputs)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }
}
