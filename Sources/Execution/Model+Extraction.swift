import GraphIR

extension Model {
  /// The part of the model that computes `fetches` from `feeds`, as a model of its own.
  ///
  /// - Parameters:
  ///   - feeds: names of values, inside the graph or its inputs.
  ///   - fetches: names of values; each becomes an output.
  /// - Throws: `ExecutionError.unknownValue` for a name without value, `.unfedInput` where the fetches
  ///   need more than the feeds.
  func extract(feeds: [String], fetches: [String]) throws(ExecutionError) -> Model {
    func resolve(_ names: [String]) throws(ExecutionError) -> [ValueID] {
      var result: [ValueID] = []
      for name in names {
        guard let value = graph.value(named: name), graph[value].producer != nil else {
          throw ExecutionError(.unknownValue, "the graph has no value '\(name)'")
        }
        result.append(value)
      }
      return result
    }
    let sources = try resolve(feeds)
    let targets = try resolve(fetches)
    let isSource = Set(sources)
    let kept = Set(graph.nodes(from: isSource, to: targets))
    var part = Graph(name: graph.name)
    var map: [ValueID: ValueID] = [:]
    func mapped(_ value: ValueID) -> ValueID {
      if let known = map[value] { return known }
      let new = part.intern(graph[value].name)
      map[value] = new
      return new
    }
    do {
      for value in sources {
        let declaration = graph[value].declaration ?? ValueDeclaration(type: nil)
        try part.addInput(mapped(value), declaration)
      }
      var reads = targets
      for id in try graph.topologicalOrder() where kept.contains(id) {
        var node = graph[id]
        reads += node.inputs.compactMap(\.self) + graph.captures(of: id)
        node.inputs = node.inputs.map { $0.map(mapped) }
        node.outputs = node.outputs.map { $0.map(mapped) }
        try part.append(node)
      }
      var seen = isSource
      for value in reads where graph.producer(of: value) == nil && seen.insert(value).inserted {
        guard let stored = graph.initializer(value) else {
          throw ExecutionError(
            .unfedInput, "'\(fetches.joined(separator: "', '"))' needs input '\(graph[value].name)'"
          )
        }
        try part.addInitializer(mapped(value), stored)
      }
    } catch let error as GraphError {
      throw ExecutionError(.invalidGraph, error.message)
    } catch let error as ExecutionError {
      throw error
    } catch {
      preconditionFailure("\(error)")
    }
    for value in targets { part.addOutput(mapped(value), graph[value].declaration) }
    var result = self
    result.graph = part
    return result
  }

  /// Names of the inputs that a caller must give.
  var requiredInputs: [String] {
    graph.inputs.filter { graph.initializer($0) == nil }.map { graph[$0].name }
  }
}
