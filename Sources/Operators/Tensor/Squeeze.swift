package import GraphIR
import Tensors

/// Y = X without axes of extent 1.
///
/// Attributes: `axes` before version 13; an input since. All axes of extent 1 where absent.
/// Shapes: X [any]; axes [n], negative ones counting from the end.
package struct Squeeze: ViewOperator {
  let axes: AxesArgument

  package static let signature = OperatorSignature("Squeeze", inputs: 1...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axes = try AxesArgument(node, isInput: opset >= 13)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable(type)
    guard let removed = try removedAxes(type.shape, inputs) else { return .dependsOnContents }
    for axis in removed where type.shape[axis] != 1 {
      throw OperatorError(.shapeMismatch, "cannot squeeze axis \(axis) of \(type.shape)")
    }
    let kept = type.shape.indices.filter { !removed.contains($0) }
    return .types([ArrayType(type.elementType, kept.map { type.shape[$0] })])
  }

  private func removedAxes(
    _ shape: [Int], _ inputs: [Operand?]
  ) throws(OperatorError) -> [Int]? {
    switch try axes.resolve(inputs) {
    case .absent: shape.indices.filter { shape[$0] == 1 }
    case .unknown: nil
    case .axes(let axes): try normalizedAxes(axes, rank: shape.count)
    }
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    guard let removed = try? removedAxes(input.shape, operands) else { return nil }
    let kept = input.shape.indices.filter { !removed.contains($0) }
    return [
      Layout(
        shape: kept.map { input.shape[$0] }, strides: kept.map { input.strides[$0] },
        offset: input.offset)
    ]
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try copyViews(inputs, outputs)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }
  package var overwritableInputs: [Int] { [0] }
}

/// Y = X with new axes of extent 1.
///
/// Attributes: `axes` before version 13; an input since. They are places in Y.
/// Shapes: X [any]; axes [n], negative ones counting from the end of Y.
package struct Unsqueeze: ViewOperator {
  let axes: AxesArgument

  package static let signature = OperatorSignature("Unsqueeze", inputs: 1...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axes = try AxesArgument(node, isInput: opset >= 13)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable(type)
    switch try axes.resolve(inputs) {
    case .absent: throw OperatorError(.invalidAttribute, "axes are missing")
    case .unknown: return .dependsOnContents
    case .axes(let axes):
      return .types([ArrayType(type.elementType, try insert(axes, into: type.shape, 1))])
    }
  }

  private func insert(
    _ axes: [Int], into list: [Int], _ element: Int
  ) throws(OperatorError) -> [Int] {
    var result = list
    for axis in try normalizedAxes(axes, rank: list.count + axes.count).sorted() {
      result.insert(element, at: axis)
    }
    return result
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    guard case .axes(let axes)? = try? axes.resolve(operands),
      let shape = try? insert(axes, into: input.shape, 1),
      let strides = try? insert(axes, into: input.strides, 0)
    else { return nil }
    return [Layout(shape: shape, strides: strides, offset: input.offset)]
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try copyViews(inputs, outputs)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }
  package var overwritableInputs: [Int] { [0] }
}

/// Axes that are an attribute in early versions of an operator and its second input in later ones.
struct AxesArgument: Sendable {
  /// What is known of the axes.
  enum Resolved {
    case axes([Int])
    case absent
    /// Given by an input that is not constant.
    case unknown
  }

  let isInput: Bool
  let attribute: [Int]?

  init(_ node: Node, isInput: Bool) throws(OperatorError) {
    self.isInput = isInput
    attribute = isInput ? nil : try node.integers("axes")
  }

  func resolve(_ inputs: [Operand?]) throws(OperatorError) -> Resolved {
    if !isInput { return attribute.map { .axes($0) } ?? .absent }
    guard let operand = inputs.input(1) else { return .absent }
    return try operand.integers("axes").map { .axes($0) } ?? .unknown
  }
}
