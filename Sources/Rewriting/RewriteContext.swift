package import GraphIR
package import Operators
package import Tensors

/// What rules may rely on beside the graph itself.
package struct RewriteContext: Sendable {
  /// Versions of the operator sets, by domain.
  package var opsets: [String: Int]
  /// Types of values, where they are known. Rules work without: they then only match what holds for
  /// every shape.
  package var types: [ValueID: ArrayType]
  /// Contents that are constant beyond what the graph itself stores.
  package var values: [ValueID: Tensor]

  package init(
    opsets: [String: Int], types: [ValueID: ArrayType] = [:], values: [ValueID: Tensor] = [:]
  ) {
    self.opsets = opsets
    self.types = types
    self.values = values
  }

  /// What the model says of itself.
  package init(_ model: Model) {
    self.init(
      opsets: Dictionary(
        model.opsetImports.map { entry in
          let domain = entry.domain == "ai.onnx" ? "" : entry.domain ?? ""
          return (domain, model.opset(of: domain) ?? 1)
        }, uniquingKeysWith: { first, _ in first }))
  }

  /// The version of the default domain's operator set.
  var opset: Int { opsets[""] ?? 1 }

  /// The element type of a value, where it is known or declared.
  func elementType(of value: ValueID, in graph: Graph) -> ElementType? {
    types[value]?.elementType ?? graph[value].declaration?.type?.tensor?.elementType
  }

  /// The contents of a value that no input can change.
  func constant(_ value: ValueID, in graph: Graph) -> Tensor? {
    if let known = values[value] { return known }
    if graph[value].producer == .initializer { return graph.constant(value) }
    guard let id = graph.producer(of: value), graph[id].is("Constant") else { return nil }
    return graph.constant(value) ?? (try? Constant(graph[id], opset: opset))?.value
  }

  /// The float contents of a constant of `rank` axes.
  func floats(_ value: ValueID?, rank: Int, in graph: Graph) -> Tensor? {
    guard let value, let tensor = constant(value, in: graph), tensor.elementType == .float,
      tensor.shape.count == rank
    else { return nil }
    return tensor
  }

  /// The number that a constant of one element holds, seen through `Identity` and `Cast`.
  func scalar(_ value: ValueID?, in graph: Graph) -> Double? {
    guard var value else { return nil }
    while constant(value, in: graph) == nil {
      guard let id = graph.producer(of: value), graph[id].is("Cast") || graph[id].is("Identity"),
        let input = graph[id].inputs.first ?? nil
      else { return nil }
      value = input
    }
    guard let tensor = constant(value, in: graph), tensor.count == 1, tensor.shape.count <= 1
    else { return nil }
    switch tensor.elementType {
    case .float: return Double(tensor.elements(as: Float.self)[0])
    case .double: return tensor.elements(as: Double.self)[0]
    default: return tensor.integers.map { Double($0[0]) }
    }
  }
}
