package import GraphIR
import Tensors

/// Y = the place of the greatest or least element along an axis, as `int64`.
///
/// Attributes: `axis` (0); `keepdims` (1); `select_last_index` (0) from 12 on: which of equal ones.
/// Shapes: X [before, axis, behind]; Y [before, 1, behind] or [before, behind].
/// Precision: exact; a NaN counts as the extreme one.
package struct ArgOperator<Definition: ArgDefinition>: Operator {
  let axis: Int
  let keepsAxis: Bool
  let selectsLast: Bool

  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, inputs: 1...1)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: 0)
    keepsAxis = try node.flag("keepdims", default: true)
    selectsLast = try node.flag("select_last_index", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(Definition.name, supports: type.elementType, type.elementType.isNumeric)
    let axis = try normalizedAxis(axis, rank: type.shape.count)
    var shape = type.shape
    guard shape[axis] > 0 else {
      throw OperatorError(.invalidShape, "axis \(axis) of \(shape) is empty")
    }
    if keepsAxis { shape[axis] = 1 } else { shape.remove(at: axis) }
    return .types([try ArrayType(.int64, shape).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      switch inputs[0]!.elementType {
      case .float: try search(Float.self, inputs[0]!, outputs[0])
      default: try search(inputs[0]!.elementType.numeric, inputs[0]!, outputs[0])
      }
    }
  }

  private func search<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView
  ) throws(OperatorError) {
    let axis = try normalizedAxis(axis, rank: x.shape.count)
    let (extent, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
    let places = y.start(as: Int64.self)
    for index in 0..<y.count {
      let start = x.start(as: Element.self) + index / inner * extent * inner + index % inner
      var best = 0
      for place in 1..<max(extent, 1) {
        let (candidate, leader) = (start[place * inner], start[best * inner])
        let wins =
          leader.isNotANumber
          ? selectsLast && candidate.isNotANumber
          : candidate.isNotANumber || Definition.precedes(candidate, leader)
            || (selectsLast && candidate == leader)
        if wins { best = place }
      }
      places[index] = Int64(best)
    }
  }
}

/// Which element an `ArgOperator` looks for.
package protocol ArgDefinition: Sendable {
  static var name: String { get }
  static func precedes<Element: Comparable>(_ x: Element, _ y: Element) -> Bool
}

/// The greatest element.
package enum ArgMax: ArgDefinition {
  package static let name = "ArgMax"
  package static func precedes<Element: Comparable>(_ x: Element, _ y: Element) -> Bool { x > y }
}

/// The least element.
package enum ArgMin: ArgDefinition {
  package static let name = "ArgMin"
  package static func precedes<Element: Comparable>(_ x: Element, _ y: Element) -> Bool { x < y }
}
