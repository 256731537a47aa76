package import GraphIR
import Tensors

/// Y = every `steps`-th element of X from `starts` up to `ends`, along each of `axes`.
///
/// Attributes: `starts`, `ends`, `axes` before version 10; inputs since, with `steps`.
/// Shapes: X [any]; starts, ends, axes, steps [n]. Negative starts and ends count from the end, and all
/// are cut to the axis; a negative step walks backwards, from the first element where its start lies
/// before it. Axes are the first n where absent, steps 1.
package struct Slice: ViewOperator {
  let attributes: [[Int]?]?

  package static let signature = OperatorSignature("Slice", inputs: 1...5)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    guard opset < 10 else {
      guard node.inputs.count >= 3 else {
        throw OperatorError(.arity, "expected 3 to 5 inputs, got \(node.inputs.count)")
      }
      attributes = nil
      return
    }
    attributes = [
      try node.integers("starts") ?? [], try node.integers("ends") ?? [],
      try node.integers("axes"), nil,
    ]
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable(type)
    guard let layout = try slice(Layout(contiguous: type.shape), inputs) else {
      return .dependsOnContents
    }
    return .types([ArrayType(type.elementType, layout.shape)])
  }

  /// The part of a layout that the slice shows, or `nil` where it is not known.
  private func slice(_ input: Layout, _ inputs: [Operand?]) throws(OperatorError) -> Layout? {
    var lists: [[Int]?] = [nil, nil, nil, nil]
    if let attributes {
      lists = attributes
    } else {
      for (index, noun) in ["starts", "ends", "axes", "steps"].enumerated() {
        guard index + 1 < inputs.count, let operand = inputs[index + 1] else { continue }
        guard let list = try operand.integers(noun) else { return nil }
        lists[index] = list
      }
    }
    guard let starts = lists[0], let ends = lists[1] else {
      throw OperatorError(.arity, "starts or ends are missing")
    }
    let axes = try normalizedAxes(lists[2] ?? Array(starts.indices), rank: input.shape.count)
    let steps = lists[3] ?? [Int](repeating: 1, count: starts.count)
    guard starts.count == ends.count, starts.count == axes.count, starts.count == steps.count
    else {
      throw OperatorError(
        .shapeMismatch,
        "lengths of starts, ends, axes and steps differ, got \(starts.count), \(ends.count), "
          + "\(axes.count) and \(steps.count)")
    }
    var result = input
    for (index, axis) in axes.enumerated() {
      guard steps[index] != 0 else { throw OperatorError(.invalidValue, "a step is 0") }
      let extent = input.shape[axis]
      // A step beyond the extent takes one element, as the extent itself does.
      let step = min(max(steps[index], -max(extent, 1)), max(extent, 1))
      let last = step > 0 ? extent : extent - 1
      func cut(_ place: Int, from first: Int) -> Int {
        max(min(place < 0 ? place + extent : place, last), first)
      }
      let start = cut(starts[index], from: 0)
      let end = cut(ends[index], from: step > 0 ? 0 : -1)
      let span = extent == 0 ? 0 : step > 0 ? end - start : start - end
      result.shape[axis] = span <= 0 ? 0 : (span - 1) / abs(step) + 1
      // Only where there are no elements can these wrap around.
      result.strides[axis] = result.strides[axis] &* step
      if span > 0 { result.offset = result.offset &+ start &* input.strides[axis] }
    }
    return result
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    guard let layout = try? slice(input, operands) else { return nil }
    return [layout]
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try copyViews(inputs, outputs)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }
}
