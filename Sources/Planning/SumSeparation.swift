package import GraphIR
import Operators

/// A graph in which additions stand by themselves that runtimes fuse with what follows them.
///
///     SkipLayerNormalization(x, skip, γ, β, b) = LayerNormalization(x + skip + b, γ, β)
///     FusedConv(x, W, b, z)                    = activation(Conv(x, W, b) + z)
///     QLinearAdd(a, b)                         = QuantizeLinear(DequantizeLinear(a) + DequantizeLinear(b))
///
/// The sum is then a value, which may be a point of a residual stream. What no replacement has touched
/// is put together again by `restore`.
///
/// Source: the contributed operators of onnxruntime, domain `com.microsoft`.
package struct SumSeparation: Sendable {
  /// The graph with additions by themselves; values keep their identities.
  package private(set) var graph: Graph
  private var groups: [Group] = []

  /// Whether nothing was fused.
  package var isEmpty: Bool { groups.isEmpty }

  /// - Parameter opset: the imported version of the default operator set.
  package init(_ graph: Graph, opset: Int) throws(GraphError) {
    self.graph = graph
    var patch = GraphPatch("separate-sums", of: graph)
    var parts: [(id: NodeID, parts: Parts)] = []
    for (id, node) in graph.nodes where node.canonicalDomain == "com.microsoft" {
      var split = Parts(node, opset: opset, patch)
      guard split.separate(in: graph) else { continue }
      patch = split.patch
      for part in split.nodes { patch.insert(part.node, before: id) }
      patch.remove(id)
      parts.append((id, split))
    }
    guard !parts.isEmpty else { return }
    try self.graph.apply(patch)
    for (_, split) in parts { groups.append(Group(split, in: self.graph)) }
  }

  /// Puts each operator together again whose parts are all there and read one another.
  ///
  /// - Parameter graph: `self.graph` after replacements.
  package func restore(in graph: inout Graph) throws(GraphError) {
    var patch = GraphPatch("restore-sums", of: graph)
    for group in groups {
      guard let node = group.whole(in: graph), let last = group.last(in: graph) else { continue }
      patch.insert(node, before: last)
      for part in group.parts { patch.remove(part.id) }
    }
    try graph.apply(patch)
  }
}

/// One operator taken apart.
private struct Group: Sendable {
  struct Part: Sendable {
    let id: NodeID
    /// Which of the operator's inputs each input is; `nil` for a value from another part.
    let origins: [Int?]
    let inputs: [ValueID?]
  }

  let node: Node
  let parts: [Part]
  let inner: [ValueID]
  let sum: ValueID
  let exposesSum: Bool

  init(_ split: Parts, in graph: Graph) {
    node = split.node
    parts = split.nodes.map { part in
      let output = part.node.outputs.compactMap(\.self)[0]
      return Part(
        id: graph.producer(of: output)!, origins: part.origins, inputs: part.node.inputs)
    }
    inner = split.inner
    sum = split.sum!
    exposesSum = split.exposesSum
  }

  /// The part that stands last.
  func last(in graph: Graph) -> NodeID? {
    let ids = Set(parts.map(\.id))
    return graph.order.last(where: ids.contains)
  }

  /// The operator as it is to stand in `graph`; `nil` where something has come between its parts, or
  /// reads what only they had.
  func whole(in graph: Graph) -> Node? {
    var result = node
    let own = Set(parts.map(\.id))
    for part in parts {
      guard graph.contains(part.id) else { return nil }
      for (index, input) in graph[part.id].inputs.enumerated() {
        if let origin = part.origins[index] {
          result.inputs[origin] = input
        } else if input != part.inputs[index] {
          return nil
        }
      }
    }
    for value in inner where !own.isSuperset(of: graph[value].users) || graph[value].outputCount > 0
    {
      guard value == sum, exposesSum else { return nil }
      while result.outputs.count < 4 { result.outputs.append(nil) }
      result.outputs[3] = sum
    }
    return result
  }
}

/// The parts of one operator in the making.
private struct Parts {
  enum Source {
    case input(Int)
    case inner(ValueID)
  }

  let node: Node
  let opset: Int
  var patch: GraphPatch
  var nodes: [(node: Node, origins: [Int?])] = []
  /// Values that only the parts have.
  var inner: [ValueID] = []
  var sum: ValueID?
  /// Whether the operator can give the sum too.
  var exposesSum = false

  init(_ node: Node, opset: Int, _ patch: GraphPatch) {
    self.node = node
    self.opset = opset
    self.patch = patch
  }

  /// Takes the operator apart, if it is one that adds two values that are not stored.
  mutating func separate(in graph: Graph) -> Bool {
    switch node.operatorType {
    case "SkipLayerNormalization":
      separateNormalization(in: graph, bias: 4, "LayerNormalization", parameters: [2, 3])
    case "SkipSimplifiedLayerNormalization":
      separateNormalization(
        in: graph, bias: 3, opset >= 23 ? "RMSNormalization" : "SimplifiedLayerNormalization",
        parameters: [2])
    case "FusedConv": separateConvolution(in: graph)
    case "QLinearAdd": separateQuantized(in: graph)
    default: false
    }
  }

  private func input(_ index: Int) -> ValueID? {
    index < node.inputs.count ? node.inputs[index] : nil
  }

  private func output(_ index: Int) -> ValueID? {
    index < node.outputs.count ? node.outputs[index] : nil
  }

  private mutating func separateNormalization(
    in graph: Graph, bias: Int, _ normalization: String, parameters: [Int]
  ) -> Bool {
    let statistics = [output(1), output(2)].compactMap(\.self)
    guard let normed = output(0), input(0) != nil, input(1) != nil, input(2) != nil,
      statistics.allSatisfy({ graph[$0].isUnused }),
      OperatorRegistry.standard.type(domain: "", name: normalization, opset: opset) != nil
    else { return false }
    exposesSum = output(3) == nil
    let sum = output(3) ?? newValue("\(graph[normed].name).sum")
    if input(bias) == nil {
      add("Add", [.input(0), .input(1)], sum)
    } else {
      let unbiased = newValue("\(graph[normed].name).unbiased")
      add("Add", [.input(0), .input(1)], unbiased)
      add("Add", [.inner(unbiased), .input(bias)], sum)
    }
    self.sum = sum
    let scales = parameters.filter { input($0) != nil }.map { Source.input($0) }
    // Stated, since the defaults of both operators differ.
    let epsilon = Attribute("epsilon", node.float("epsilon") ?? 1e-12)
    add(normalization, [.inner(sum)] + scales, normed, [epsilon])
    return true
  }

  private static let activations: Set<String> = ["Relu", "Tanh", "Sigmoid", "LeakyRelu"]

  private mutating func separateConvolution(in graph: Graph) -> Bool {
    let activation = node.string("activation") ?? ""
    guard let result = output(0), let addend = input(3), graph.constant(addend) == nil,
      input(0) != nil, input(1) != nil,
      activation.isEmpty || Self.activations.contains(activation)
    else { return false }
    let name = graph[result].name
    let convolved = newValue("\(name).convolved")
    let shape = node.attributes.filter { !$0.name.hasPrefix("activation") }
    let weights = [0, 1, 2].filter { input($0) != nil }.map { Source.input($0) }
    add("Conv", weights, convolved, shape)
    let sum = activation.isEmpty ? result : newValue("\(name).sum")
    add("Add", [.inner(convolved), .input(3)], sum)
    self.sum = sum
    guard !activation.isEmpty else { return true }
    var attributes: [Attribute] = []
    if activation == "LeakyRelu", case .floats(let numbers)? = node[attribute: "activation_params"],
      let alpha = numbers.first
    {
      attributes.append(Attribute("alpha", alpha))
    }
    add(activation, [.inner(sum)], result, attributes)
    return true
  }

  private mutating func separateQuantized(in graph: Graph) -> Bool {
    guard let result = output(0), opset >= 10, node.inputs.count == 8,
      node.inputs.allSatisfy({ $0 != nil }),
      [0, 3].allSatisfy({ graph.constant(node.inputs[$0]!) == nil })
    else { return false }
    let name = graph[result].name
    let (a, b) = (newValue("\(name).a"), newValue("\(name).b"))
    add("DequantizeLinear", [.input(0), .input(1), .input(2)], a)
    add("DequantizeLinear", [.input(3), .input(4), .input(5)], b)
    let sum = newValue("\(name).sum")
    add("Add", [.inner(a), .inner(b)], sum)
    self.sum = sum
    add("QuantizeLinear", [.inner(sum), .input(6), .input(7)], result)
    return true
  }

  private mutating func newValue(_ name: String) -> ValueID {
    let value = patch.newValue(name)
    inner.append(value)
    return value
  }

  private mutating func add(
    _ operatorType: String, _ sources: [Source], _ output: ValueID, _ attributes: [Attribute] = []
  ) {
    var inputs: [ValueID?] = []
    var origins: [Int?] = []
    for source in sources {
      switch source {
      case .input(let index):
        inputs.append(node.inputs[index])
        origins.append(index)
      case .inner(let value):
        inputs.append(value)
        origins.append(nil)
      }
    }
    // The addition is what people look for under the operator's name.
    let name = operatorType == "Add" ? node.name : node.name.map { "\($0)/\(operatorType)" }
    nodes.append(
      (
        Node(operatorType, name: name, inputs: inputs, outputs: [output], attributes: attributes),
        origins
      ))
  }
}
