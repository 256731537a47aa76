import GraphIR
import Operators
import Tensors

/// Questions about a graph with concrete types, in which constants carry no data.
struct Dataflow {
  let graph: Graph
  let types: [ValueID: ArrayType]
  private let constants: Set<ValueID>
  private let positions: [NodeID: Int]

  init(_ graph: Graph, types: [ValueID: ArrayType], constants: Set<ValueID>) {
    self.graph = graph
    self.types = types
    self.constants = constants
    self.positions = Dictionary(
      uniqueKeysWithValues: graph.order.enumerated().map { ($0.element, $0.offset) })
  }

  func isConstant(_ value: ValueID) -> Bool {
    constants.contains(value) || graph[value].producer == .initializer
  }

  /// Where the node stands in the graph's order.
  func position(of node: NodeID) -> Int { positions[node] ?? -1 }

  /// Where the value's producer stands; inputs stand before all nodes.
  func position(of value: ValueID) -> Int {
    graph.producer(of: value).map { position(of: $0) } ?? -1
  }

  /// The operator whose result the value is.
  func operatorType(producing value: ValueID) -> String? {
    graph.producer(of: value).map { graph[$0].operatorType }
  }

  /// What the node reads that is not constant.
  func reads(_ node: NodeID) -> [ValueID] {
    (graph[node].inputs.compactMap(\.self) + graph.captures(of: node)).filter { !isConstant($0) }
  }

  /// The nodes that read `value` to compute something that is not constant, each once, in order.
  func users(of value: ValueID) -> [NodeID] {
    Set(graph[value].users)
      .filter { graph[$0].outputs.contains { $0.map { !isConstant($0) } ?? false } }
      .sorted { position(of: $0) < position(of: $1) }
  }

  /// The value that `value` is, seen through nodes that hand it on. What was quantised and dequantised
  /// is what it was before, so that a root of floating point is of floating point too.
  func root(of value: ValueID) -> ValueID {
    var value = value
    while let id = graph.producer(of: value), graph[id].isTransparent,
      let input = graph[id].inputs.first ?? nil
    {
      if isFloat(input) == isFloat(value) {
        value = input
      } else if graph[id].operatorType == "DequantizeLinear", let quantizer = quantizer(of: input),
        let original = graph[quantizer].inputs.first ?? nil, isFloat(original) == isFloat(value)
      {
        value = original
      } else {
        break
      }
    }
    return value
  }

  private func isFloat(_ value: ValueID) -> Bool? { types[value]?.elementType.isFloatingPoint }

  /// The node that quantised what `value` is.
  private func quantizer(of value: ValueID) -> NodeID? {
    var value = value
    while let id = graph.producer(of: value) {
      if graph[id].operatorType == "QuantizeLinear" { return id }
      guard graph[id].is("Identity"), let input = graph[id].inputs.first ?? nil else { return nil }
      value = input
    }
    return nil
  }

  /// The nodes between `source` and `target`: those that depend on the one and that the other needs.
  ///
  /// Empty where `target` does not depend on `source`. The graph's nodes are in topological order.
  func nodes(between source: ValueID, and target: ValueID) -> [NodeID] {
    let start = position(of: source)
    var needed = Set<NodeID>()
    var stack = [target]
    while let value = stack.popLast() {
      guard value != source, let id = graph.producer(of: value), position(of: id) > start,
        needed.insert(id).inserted
      else { continue }
      stack += reads(id)
    }
    var reached: Set<ValueID> = [source]
    var result: [NodeID] = []
    for id in needed.sorted(by: { position(of: $0) < position(of: $1) })
    where reads(id).contains(where: reached.contains) {
      result.append(id)
      reached.formUnion(graph[id].outputs.compactMap(\.self))
    }
    return result
  }

  /// Values of `value`'s shape that all its uses pass through, by elementwise and reducing nodes only:
  /// nearest first. The last is the output of a normalisation or activation that follows `value`.
  func exits(of value: ValueID) -> [ValueID] {
    var result: [ValueID] = []
    var done = Set<NodeID>()
    var live: Set<ValueID> = [value]
    while true {
      guard live.allSatisfy({ graph[$0].outputCount == 0 }) else { return result }
      let next = live.flatMap { users(of: $0) }.filter { !done.contains($0) }
        .min { position(of: $0) < position(of: $1) }
      guard let next, graph[next].isPointwiseOrReduction, done.count < 64,
        reads(next).allSatisfy({ live.contains($0) })
      else { return result }
      done.insert(next)
      live.formUnion(graph[next].outputs.compactMap(\.self).filter { !graph[$0].isUnused })
      live = live.filter { read in
        graph[read].outputCount > 0 || !users(of: read).allSatisfy { done.contains($0) }
      }
      if live.count == 1, let only = live.first, only != value,
        types[only]?.shape == types[value]?.shape
      {
        result.append(only)
      }
    }
  }

  /// Whether `value` becomes the argument of a softmax by elementwise nodes and reshapes only.
  func feedsSoftmax(_ value: ValueID) -> Bool {
    var seen: Set<ValueID> = [value]
    var stack = [value]
    while let value = stack.popLast() {
      for user in users(of: value) {
        let node = graph[user]
        if node.is("Softmax") || node.is("LogSoftmax") { return true }
        guard Self.scoreOperators.contains(node.operatorType) else { continue }
        for case let output? in node.outputs where seen.insert(output).inserted {
          stack.append(output)
        }
      }
    }
    return false
  }

  private static let scoreOperators: Set<String> = [
    "Add", "Sub", "Mul", "Div", "Where", "Cast", "Identity", "Reshape", "Transpose", "Max", "Min",
    "Clip", "Unsqueeze", "Squeeze", "Expand", "Concat", "Slice",
  ]
}
