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

  @Test(arguments: [
    ("g () => () { a = A (missing) }", GraphError.Code.danglingValue),
    ("g () => (missing) {}", .danglingValue),
    ("g () => () { a = A (a) }", .cycle),
    ("g () => () { a = A (b) b = B (a) }", .cycle),
    ("g () => () { a = If <t = t () => (s) { s = Neg (a) }> () }", .cycle),
    ("g () => () { a = If <t = t () => (s) { s = Neg (s) }> () }", .cycle),
  ])
  func invariants(_ text: String, _ code: GraphError.Code) throws {
    let graph = try Graph(text: text)
    let error = try #require(throws: GraphError.self) { try graph.checkInvariants() }
    #expect(error.code == code)
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
