import GraphIR
import Tensors
import Testing

@Suite struct GraphTests {
  private static func chain() throws -> Graph {
    try Graph(
      text: """
        g (float[2] x, bool c) => (float[2] y) <float[2] w = {1, 2}> {
          a = Add (x, w)
          b = Relu (a)
          y = If <then_branch = t () => (float[2] s) { s = Neg (b) }> (c)
        }
        """)
  }

  private static func value(_ name: String, in graph: Graph) throws -> ValueID {
    try #require(graph.value(named: name))
  }

  @Test func aReplacedOutputKeepsItsName() throws {
    var graph = try Self.chain()
    let last = graph.order[2]
    let output = graph.outputs[0]
    var patch = GraphPatch("replace-if", of: graph)
    let new = patch.newValue("negated")
    let b = try Self.value("b", in: graph)
    patch.insert(Node("Neg", inputs: [b], outputs: [new]), before: last)
    patch.replace(output, with: new)
    patch.remove(last)
    try graph.apply(patch)
    try graph.checkInvariants()
    #expect(graph.outputs.map { graph[$0].name } == ["y"])
    #expect(graph.nodes.map(\.node.operatorType) == ["Add", "Relu", "Neg"])
  }

  @Test func capturesAreRenamedInSubgraphs() throws {
    var graph = try Self.chain()
    let b = try Self.value("b", in: graph)
    var patch = GraphPatch("replace-relu", of: graph)
    let new = patch.newValue("absolute")
    let a = try Self.value("a", in: graph)
    patch.insert(Node("Abs", inputs: [a], outputs: [new]), before: graph.order[1])
    patch.replace(b, with: new)
    patch.remove(graph.order[1])
    try graph.apply(patch)
    try graph.checkInvariants()
    #expect(graph.text().contains("s = Neg (absolute)"))
  }

  @Test func aStalePatchChangesNothing() throws {
    var graph = try Self.chain()
    var stale = GraphPatch("late", of: graph)
    stale.remove(graph.order[2])
    var first = GraphPatch("early", of: graph)
    _ = first.addInitializer("extra", Tensor([Float(1)]))
    try graph.apply(first)
    let before = graph.text(full: true)
    let error = try #require(throws: GraphError.self) { try graph.apply(stale) }
    #expect(error.code == .stalePatch)
    #expect(graph.text(full: true) == before)
  }

  @Test func aNeededProducerStays() throws {
    var graph = try Self.chain()
    var patch = GraphPatch("remove", of: graph)
    patch.remove(graph.order[1])
    let before = graph.text(full: true)
    let error = try #require(throws: GraphError.self) { try graph.apply(patch) }
    #expect(error.code == .removedProducer)
    #expect(graph.text(full: true) == before)
  }

  @Test func anOutputIsNotReplacedByAnInput() throws {
    var graph = try Self.chain()
    var patch = GraphPatch("bypass", of: graph)
    patch.replace(graph.outputs[0], with: graph.inputs[0])
    let error = try #require(throws: GraphError.self) { try graph.apply(patch) }
    #expect(error.code == .interfaceChanged)
  }

  @Test func deadPartsGo() throws {
    var graph = try Graph(
      text: """
        g (float[2] x) => (y) <float[2] w = {1, 2}> {
          y = Relu (x)
          a = Add (x, w)
          b = Neg (a)
        }
        """)
    let removed = graph.removeDeadParts()
    #expect(removed.nodes == 2 && removed.initializers == 1)
    #expect(graph.nodes.map(\.node.operatorType) == ["Relu"])
  }

  @Test func quantizationGoesWithItsTensor() throws {
    var graph = try Graph(
      text: """
        g (float[2] x) => (y) <float s = {1}, float t = {2}, float u = {3}> {
          y = Relu (x)
          a = Neg (x)
        }
        """)
    for (tensor, scale) in [("y", "s"), ("a", "t"), ("elsewhere", "u")] {
      let entry = MetadataEntry(key: "SCALE_TENSOR", value: scale)
      graph.quantizationAnnotations.append(
        QuantizationAnnotation(tensorName: tensor, parameters: [entry]))
    }
    let removed = graph.removeDeadParts()
    #expect(removed.nodes == 1 && removed.initializers == 1)
    #expect(graph.quantizationAnnotations.map(\.tensorName) == ["y", "elsewhere"])
    #expect(graph.initializers.map { graph[$0].name } == ["s", "u"])
  }

  @Test(arguments: [
    ("g () => () { a = A (missing) }", GraphError.Code.danglingValue, "node[0]"),
    ("g () => (missing) {}", .danglingValue, "output[0]"),
    ("g () => () { b = B () a = A (a) }", .cycle, "node[1]"),
    ("g () => () { a = A (b) b = B (a) }", .cycle, "node[0]"),
    ("g () => () { a = If <t = t () => (s) { s = Neg (a) }> () }", .cycle, "node[0]"),
    (
      "g () => () { a = If <n = 1, t = t () => (s) { s = Neg (s) }> () }", .cycle,
      "node[0].attribute[1].g.node[0]"
    ),
    (
      "g () => () { a = If <t = t () => (missing) {}> () }", .danglingValue,
      "node[0].attribute[0].g.output[0]"
    ),
    (
      "g () => () { a = If <ts: graphs = [t () => (s) { s = A () }, t () => (s) { s = A (no) }]> () }",
      .danglingValue, "node[0].attribute[0].graphs[1].node[0]"
    ),
  ])
  func invariants(_ text: String, _ code: GraphError.Code, _ place: String) throws {
    let graph = try Graph(text: text)
    let error = try #require(throws: GraphError.self) { try graph.checkInvariants() }
    #expect(error.code == code && error.place == place)
  }

  /// As onnxruntime has it: names of nodes' results hide nothing, others may.
  @Test(
    arguments: [
      (
        "g (x) => () { a = If <t = t () => (x) { x = A () }> () }", "node[0].attribute[0].g.node[0]"
      ),
      (
        "g () => () <float[1] w = {1}> { a = If <t = t () => (w) { w = A () }> () }",
        "node[0].attribute[0].g.node[0]"
      ),
      (
        "g () => () { b = B () a = If <t = t () => (b) { c = C () b = A () }> () }",
        "node[1].attribute[0].g.node[1]"
      ),
      (
        "g (x) => () { a = If <t = t () => (s) { s = If <t = u () => (x) { x = A () }> () }> () }",
        "node[0].attribute[0].g.node[0].attribute[0].g.node[0]"
      ),
      ("g () => () { a = If <t = t () => (b) { b = A () }> () b = B () }", nil),
      ("g () => () { a = If <t = t () => (a) { a = A () }> () }", nil),
      ("g (x) => () { a = Loop <t = t (x) => (x) {}> (x) }", nil),
      ("g (x) => () { a = If <t = t () => (x) <float[1] x = {1}> {}> () }", nil),
    ] as [(String, String?)])
  func shadowing(_ text: String, _ place: String?) throws {
    let graph = try Graph(text: text)
    try graph.checkInvariants()
    guard let place else { return try graph.checkShadowing() }
    let error = try #require(throws: GraphError.self) { try graph.checkShadowing() }
    #expect(error.code == .shadowedValue && error.place == place)
  }

  /// Each of many subgraphs is checked without a look at all that surrounds it.
  @Test func manySubgraphsTakeLinearTime() throws {
    var graph = Graph(name: "g")
    for index in 0..<20_000 {
      let value = graph.intern("v\(index)")
      let inner = try Graph(text: "t () => (s) { s = Neg (v\(index)) }")
      try graph.append(Node("A", inputs: [], outputs: [value]))
      try graph.append(
        Node("If", inputs: [], outputs: [nil], attributes: [Attribute("t", .graph(inner))]))
    }
    let duration = try ContinuousClock().measure {
      try graph.checkInvariants()
      try graph.checkShadowing()
    }
    // Quadratic time would be minutes.
    #expect(duration < .seconds(5))
  }

  @Test func orderKeepsWhatIsInOrder() throws {
    let graph = try Graph(
      text: "g (x) => (d) { b = B (a) c = C (x) a = A (x) d = D (b, c) }")
    let order = try graph.topologicalOrder()
    #expect(order.map { graph[$0].operatorType } == ["C", "A", "B", "D"])
    let sorted = try Graph(text: "g (x) => (c) { b = B (x) a = A (x) c = C (a, b) }")
    #expect(try sorted.topologicalOrder() == sorted.order)
  }

  @Test func orderOfAReversedChainTakesLinearTime() throws {
    var graph = Graph(name: "g")
    let count = 100_000
    for index in (0..<count).reversed() {
      let (input, output) = (graph.intern("v\(index)"), graph.intern("v\(index + 1)"))
      try graph.append(Node("Relu", inputs: [input], outputs: [output]))
    }
    try graph.addInput(graph.intern("v0"), ValueDeclaration(type: nil))
    let start = ContinuousClock.now
    let order = try graph.topologicalOrder()
    let duration = ContinuousClock.now - start
    #expect(order == graph.order.reversed())
    // Quadratic time would be minutes.
    #expect(duration < .seconds(5))
  }
}
