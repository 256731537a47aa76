import GraphIR
import Operators
import Tensors

extension Model {
  /// The model with every call of a model-local function replaced by the function's body.
  ///
  /// Values keep their identities; those of a body get the call's name in front of theirs.
  ///
  /// - Throws: `ExecutionError.invalidGraph` where calls nest deeper than 64 levels or unfold into more
  ///   than 100000 nodes, `.unsupportedOperators` where a body holds subgraphs or means other
  ///   versions of its operators than the model.
  func inliningFunctions(registry: OperatorRegistry) throws(ExecutionError) -> Model {
    guard !functions.isEmpty else { return self }
    var known: [ExactText: Int] = [:]
    _ = try unfoldedCount(of: graph, depth: 0, &known)
    var result = self
    for _ in 0..<64 {
      var patch = GraphPatch("inline-functions", of: result.graph)
      for (id, node) in result.graph.nodes {
        guard let function = function(calledBy: node) else { continue }
        try check(function, registry)
        inline(function, at: id, node, into: &patch)
      }
      if patch.isEmpty {
        result.functions = []
        return result
      }
      do { try result.graph.apply(patch) } catch {
        throw ExecutionError(.invalidGraph, error.description)
      }
    }
    throw ExecutionError(.invalidGraph, "functions call each other more than 64 levels deep")
  }

  /// Nodes of a graph once all its calls are unfolded, counted without unfolding them.
  ///
  /// - Parameter known: the counts of functions that were met before, by domain, name and overload.
  private func unfoldedCount(
    of graph: Graph, depth: Int, _ known: inout [ExactText: Int]
  ) throws(ExecutionError) -> Int {
    guard depth <= 64 else {
      throw ExecutionError(.invalidGraph, "functions call each other more than 64 levels deep")
    }
    var count = 0
    for (_, node) in graph.nodes {
      guard let function = function(calledBy: node) else {
        count += 1
        continue
      }
      let key = ExactText(
        "\(node.canonicalDomain)\0\(node.operatorType)\0\(node.overload ?? "")")
      if let size = known[key] {
        count += size
      } else {
        let size = try unfoldedCount(of: function.body, depth: depth + 1, &known)
        known[key] = size
        count += size
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
      guard node.attributes.allSatisfy({ $0.graphs.isEmpty }) else {
        throw ExecutionError(
          .unsupportedOperators, place: node.label, "function '\(name)' holds subgraphs")
      }
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
  ) {
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
    for (_, node) in body.nodes {
      var copy = node
      copy.name = "\(prefix)/\(node.name ?? node.operatorType)"
      copy.inputs = node.inputs.map(mapped)
      copy.outputs = node.outputs.map(mapped)
      copy.attributes = node.attributes.compactMap { attribute in
        guard case .reference(let name, _) = attribute.value else { return attribute }
        let given = call.attributes.first { $0.name == name }
        guard
          let value = (given ?? function.attributeDefaults.first { $0.name == name })?.value
        else { return nil }
        return Attribute(attribute.name, value)
      }
      patch.insert(copy, before: id)
    }
    for (from, to) in copies {
      guard let source = mapped(from) else { continue }
      patch.insert(Node("Identity", inputs: [source], outputs: [to]), before: id)
    }
    patch.remove(id)
  }
}
