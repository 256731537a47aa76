/// One way in which two models are not the same.
package struct ModelDifference: Sendable, Hashable {
  /// A step from a message into one of its parts.
  package struct Step: Sendable, Hashable {
    /// The field, as the specification calls it.
    package let field: String
    /// Which element of a repeated field: its name, or its index where it has none.
    package let element: String?
  }

  package enum Change: Sendable, Hashable {
    /// The second model has the part, the first has not.
    case added(String)
    /// The first model has the part, the second has not.
    case removed(String)
    case changed(from: String, to: String)
    /// The same elements, kept in another place or another field.
    case moved(from: String, to: String)
    /// The same parts in another order.
    case reordered
  }

  /// From the model to the part.
  package let path: [Step]
  package let change: Change

  /// The path as the specification would write it, such as `graph.node['y'].attribute['axis']`.
  package var place: String {
    path.map { step in
      guard let element = step.element else { return step.field }
      return Int(element) == nil ? "\(step.field)['\(element)']" : "\(step.field)[\(element)]"
    }.joined(separator: ".")
  }
}
