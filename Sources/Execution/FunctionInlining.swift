import GraphIR
import Operators
import Tensors

extension Model {
  /// The model with every call of a model-local function replaced by the function's body.
  ///
  /// Values keep their identities; those of a body get the call's name in front of theirs.
  ///
  /// - Throws: `ExecutionError.invalidGraph` where calls nest deeper than 64 levels or unfold into more
  ///   than 100000 nodes, `.unsupportedOperators` where a body means other versions of its operators
  ///   than the model.
  func inliningFunctions(registry: OperatorRegistry) throws(ExecutionError) -> Model {
    guard !functions.isEmpty else { return self }
    var known: [ExactText: Int] = [:]
    _ = try unfoldedCount(of: graph, depth: 0, &known)
    var result = self
    try inlineCalls(in: &result.graph, registry)
    result.functions = []
    return result
  }

  /// Replaces the calls in a graph and in those inside its nodes, until none is left.
  private func inlineCalls(
    in graph: inout Graph, _ registry: OperatorRegistry
  ) throws(ExecutionError) {
    for _ in 0...Self.deepestNesting {
      var patch = GraphPatch("inline-functions", of: graph)
      for (id, node) in graph.nodes {
        guard let function = function(calledBy: node) else { continue }
        try check(function, registry)
        try inline(function, at: id, node, into: &patch)
      }
      guard !patch.isEmpty else { break }
      do { try graph.apply(patch) } catch {
        throw ExecutionError(.invalidGraph, error.description)
      }
    }
    try graph.mapNodes { (node) throws(ExecutionError) in
      try node.mapGraphs { (inner) throws(ExecutionError) in try inlineCalls(in: &inner, registry) }
    }
  }

  private static let deepestNesting = 64

  /// Nodes of a graph once all its calls are unfolded, those of graphs inside it too, counted without
  /// unfolding them.
  ///
  /// - Parameter known: the counts of functions that were met before, by domain, name and overload.
  private func unfoldedCount(
    of graph: Graph, depth: Int, _ known: inout [ExactText: Int]
  ) throws(ExecutionError) -> Int {
    guard depth <= Self.deepestNesting else {
      throw ExecutionError(
        .invalidGraph, "functions call each other more than \(Self.deepestNesting) levels deep")
    }
    var count = 0
    for (_, node) in graph.nodes {
      for inner in node.attributes.flatMap(\.graphs) {
        count += try unfoldedCount(of: inner, depth: depth, &known)
      }
      if let function = function(calledBy: node) {
        let key = ExactText(
          "\(node.canonicalDomain)\0\(node.operatorType)\0\(node.overload ?? "")")
        if known[key] == nil {
          known[key] = try unfoldedCount(of: function.body, depth: depth + 1, &known)
        }
        count += known[key] ?? 0
      } else {
        count += 1
      }
      guard count <= 100_000 else {
        throw ExecutionError(.invalidGraph, "functions unfold into more than 100000 nodes")
      }
    }
    return count
  }

  private func function(calledBy node: Node) -> Function? {
    let called = [node.operatorType, node.canonicalDomain, node.overload ?? ""].map(ExactText.init)
    return functions.first {
      [$0.name ?? "", $0.domain ?? "", $0.overload ?? ""].map(ExactText.init) == called
    }
  }

  /// Operators of a body must mean what they mean in the model.
  private func check(_ function: Function, _ registry: OperatorRegistry) throws(ExecutionError) {
    let name = function.name ?? ""
    for (_, node) in function.body.nodes {
      let domain = node.canonicalDomain
      let version = function.opsetImports.first {
        ($0.domain == "ai.onnx" ? "" : $0.domain ?? "") == domain
      }?.version
      guard let version, let own = opset(of: domain), Int(version) != own else { continue }
      let types = [Int(version), own].map {
        registry.type(domain: domain, name: node.operatorType, opset: $0).map(ObjectIdentifier.init)
      }
      guard types[0] == types[1] else {
        throw ExecutionError(
          .unsupportedOperators, place: node.label,
          "function '\(name)' uses opset \(version) of domain '\(domain)', the model \(own)")
      }
    }
  }

  private func inline(
    _ function: Function, at id: NodeID, _ call: Node, into patch: inout GraphPatch
  ) throws(ExecutionError) {
    let body = function.body
    var map: [ValueID: ValueID?] = [:]
    for (position, input) in body.inputs.enumerated() {
      map[input] = .some(position < call.inputs.count ? call.inputs[position] : nil)
    }
    var copies: [(from: ValueID, to: ValueID)] = []
    for (position, output) in body.outputs.enumerated() where position < call.outputs.count {
      guard let target = call.outputs[position] else { continue }
      if map[output] == nil { map[output] = .some(target) } else { copies.append((output, target)) }
    }
    let prefix = call.name.flatMap { $0.isEmpty ? nil : $0 } ?? call.operatorType
    func mapped(_ value: ValueID?) -> ValueID? {
      guard let value else { return nil }
      if let known = map[value] { return known }
      let new = patch.newValue("\(prefix)/\(body[value].name)")
      map[value] = .some(new)
      return new
    }
    for (inner, node) in body.nodes {
      var copy = node
      copy.name = "\(prefix)/\(node.name ?? node.operatorType)"
      copy.inputs = node.inputs.map(mapped)
      copy.outputs = node.outputs.map(mapped)
      copy.resolveReferences { name in
        let given = call.attributes.first { $0.name == name }
        return (given ?? function.attributeDefaults.first { $0.name == name })?.value
      }
      var captures: [String: ValueID] = [:]
      for value in body.captures(of: inner) {
        guard let outer = mapped(value) else {
          throw ExecutionError(
            .invalidGraph, place: call.label,
            "needs input '\(body[value].name)', which '\(node.operatorType)' inside reads")
        }
        captures[body[value].name] = outer
      }
      patch.insert(copy, before: id, capturing: captures)
    }
    for (from, to) in copies {
      guard let source = mapped(from) else { continue }
      patch.insert(Node("Identity", inputs: [source], outputs: [to]), before: id)
    }
    patch.remove(id)
  }
}

extension Node {
  /// Gives attributes that refer to the call's their values, in graphs inside the node too; takes away
  /// those that have none.
  fileprivate mutating func resolveReferences(_ value: (String) -> AttributeValue?) {
    attributes = attributes.compactMap { attribute in
      guard case .reference(let name, _) = attribute.value else { return attribute }
      return value(name).map { Attribute(attribute.name, $0) }
    }
    mapGraphs { graph in graph.mapNodes { node in node.resolveReferences(value) } }
  }
}
