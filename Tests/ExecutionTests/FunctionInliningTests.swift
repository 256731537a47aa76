import GraphIR
import Operators
import Tensors
import Testing

@testable import Execution

/// A function of the tests' own domain: its inputs, the calls it makes, and its outputs.
private func function(
  _ name: String, _ inputs: [String], _ calls: [(type: String, inputs: [String], output: String)],
  _ outputs: [String]
) throws -> Function {
  var body = Graph(name: name)
  for input in inputs {
    try body.addInput(body.intern(input), ValueDeclaration(type: nil))
  }
  for call in calls {
    try body.append(
      Node(
        call.type, domain: testDomain, inputs: call.inputs.map { body.intern($0) },
        outputs: [body.intern(call.output)]))
  }
  for output in outputs { body.addOutput(body.intern(output), nil) }
  var function = Function(body: body)
  function.name = name
  function.domain = testDomain
  function.opsetImports = [OpsetImport(domain: testDomain, version: 1)]
  return function
}

/// y = type(x), of a model that has these functions.
private func model(calling type: String, _ functions: [Function]) throws -> Model {
  var building = GraphBuilding()
  try building.input("x", [.size(2), .size(2)])
  try building.node(type, ["x"], "y")
  building.output("y")
  var model = building.model
  model.functions = functions
  return model
}

private func doubling() throws -> Function {
  try function("Double", ["a"], [("Add", ["a", "a"], "b")], ["b"])
}

@Suite struct FunctionInliningTests {
  private let x = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])

  private func result(_ model: Model) throws -> [Float] {
    let executor = try Executor(model: model, registry: testRegistry)
    return try #require(try executor.run(["x": x])["y"]).elements(as: Float.self)
  }

  @Test func aCallGivesWhatItsBodyGives() throws {
    #expect(try result(model(calling: "Double", [doubling()])) == [2, 4, 6, 8])
  }

  @Test func functionsCallFunctions() throws {
    let twice = try function(
      "Quadruple", ["a"], [("Double", ["a"], "h"), ("Double", ["h"], "b")], ["b"])
    let model = try model(calling: "Quadruple", [twice, doubling()])
    #expect(try result(model) == [4, 8, 12, 16])
    let inlined = try model.inliningFunctions(registry: testRegistry)
    #expect(inlined.functions.isEmpty)
    #expect(inlined.graph.nodes.map(\.node.operatorType) == ["Add", "Add"])
  }

  @Test func anOutputMayBeAnInput() throws {
    let model = try model(calling: "Same", [function("Same", ["a"], [], ["a"])])
    let inlined = try model.inliningFunctions(registry: testRegistry)
    let nodes = inlined.graph.nodes.map(\.node)
    #expect(nodes.map(\.operatorType) == ["Identity"])
    #expect(nodes[0].inputs.map { $0.map { inlined.graph[$0].name } } == ["x"])
    #expect(nodes[0].outputs.map { $0.map { inlined.graph[$0].name } } == ["y"])
  }

  @Test func attributesOfABodyComeFromTheCallOrTheDefault() throws {
    var body = try function("Scaled", ["a"], [("Warp", ["a"], "b")], ["b"])
    for (id, node) in body.body.nodes {
      var node = node
      node.attributes = [
        Attribute("given", .reference("own", kind: 1)),
        Attribute("default", .reference("other", kind: 1)),
        Attribute("absent", .reference("third", kind: 1)),
      ]
      var patch = GraphPatch("refer", of: body.body)
      patch.insert(node, before: id)
      patch.remove(id)
      try body.body.apply(patch)
    }
    body.attributeDefaults = [Attribute("own", .float(1)), Attribute("other", .float(2))]
    var graph = Graph(name: "test")
    try graph.addInput(graph.intern("x"), ValueDeclaration(type: nil))
    try graph.append(
      Node(
        "Scaled", domain: testDomain, inputs: [graph.intern("x")], outputs: [graph.intern("y")],
        attributes: [Attribute("own", .float(3))]))
    graph.addOutput(graph.intern("y"), nil)
    var model = Model(graph: graph, opset: 20)
    model.opsetImports.append(OpsetImport(domain: testDomain, version: 1))
    model.functions = [body]
    let inlined = try model.inliningFunctions(registry: testRegistry)
    let node = try #require(inlined.graph.nodes.map(\.node).first)
    #expect(node.attributes.map(\.name) == ["given", "default"])
    #expect(node.float("given") == 3)
    #expect(node.float("default") == 2)
  }

  @Test func functionsThatCallThemselvesAreRefused() throws {
    let loop = try function("Loop", ["a"], [("Loop", ["a"], "b")], ["b"])
    let error = #expect(throws: ExecutionError.self) {
      _ = try result(model(calling: "Loop", [loop]))
    }
    #expect(error?.code == .invalidGraph)
    #expect(error?.message == "functions call each other more than 64 levels deep")
  }

  @Test func aBodyOfAnotherVersionIsRefused() throws {
    var body = try doubling()
    body.opsetImports[0].version = 9
    let registry = OperatorRegistry([PlainAddUntilEight.self, PlainMatMul.self])
    let model = try model(calling: "Double", [body])
    let error = #expect(throws: ExecutionError.self) {
      _ = try model.inliningFunctions(registry: registry)
    }
    #expect(error?.code == .unsupportedOperators)
    #expect(
      error?.message == "function 'Double' uses opset 9 of domain 'test', the model 1")
  }
}

/// An operator that later operator sets no longer have.
private struct PlainAddUntilEight: Operator {
  static let signature = OperatorSignature(
    "Add", domain: testDomain, since: 1, through: 8, inputs: 2...2)
  init(_ node: Node, opset: Int) {}
  func infer(_ inputs: [Operand?]) -> Inference { .types([inputs[0]!.type]) }
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) {}
}
