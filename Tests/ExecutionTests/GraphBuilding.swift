import GraphIR
import Operators
import Tensors

/// A graph in the making: every operator is of the tests' own domain.
struct GraphBuilding {
  var graph = Graph(name: "test")

  mutating func input(_ name: String, _ shape: [Dimension]) throws {
    try graph.addInput(
      graph.intern(name), ValueDeclaration(type: .tensor(TensorType(.float, shape))))
  }

  mutating func constant(_ name: String, _ tensor: Tensor) throws {
    try graph.addInitializer(graph.intern(name), StoredTensor(tensor))
  }

  mutating func node(_ type: String, _ inputs: [String], _ output: String) throws {
    try graph.append(
      Node(
        type, domain: testDomain, name: output, inputs: inputs.map { graph.intern($0) },
        outputs: [graph.intern(output)]))
  }

  mutating func output(_ name: String) { graph.addOutput(graph.intern(name), nil) }

  var model: Model {
    var model = Model(graph: graph, opset: 20)
    model.opsetImports.append(OpsetImport(domain: testDomain, version: 1))
    return model
  }
}

/// Every value of the graph, evaluated node by node on tensors of their own.
func evaluateNaively(
  _ model: Model, _ feeds: [String: Tensor], registry: OperatorRegistry = testRegistry
) throws -> [String: Tensor] {
  var known = feeds
  for value in model.graph.initializers {
    known[model.graph[value].name] = model.graph.initializer(value)!.tensor
  }
  for id in try model.graph.topologicalOrder() {
    let node = model.graph[id]
    let operation = try registry.instantiate(
      node, opset: model.opset(of: node.canonicalDomain) ?? 1)
    let inputs = node.inputs.map { $0.map { known[model.graph[$0].name]! } }
    for (output, tensor) in zip(node.outputs, try operation.evaluate(tensors: inputs)) {
      if let output { known[model.graph[output].name] = tensor }
    }
  }
  return known
}

/// Numbers that differ from one another, small enough for sums to be exact.
func pattern(_ shape: [Int], seed: Int = 1) -> Tensor {
  let count = shape.reduce(1, *)
  return Tensor((0..<count).map { Float(($0 * 7 + seed * 13) % 11) - 5 }, shape: shape)
}
