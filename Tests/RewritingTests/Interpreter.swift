import GraphIR
import Operators
import Rewriting
import Tensors
import Testing

/// A model evaluated node by node on whole tensors, in the graph's order.
func evaluate(_ model: Model, _ inputs: [Tensor]) throws -> [Tensor] {
  let graph = model.graph
  var values: [ValueID: Tensor] = [:]
  for (value, tensor) in zip(graph.inputs, inputs) { values[value] = tensor }
  for value in graph.initializers { values[value] = graph.initializer(value)?.tensor }
  for id in try graph.topologicalOrder() {
    let node = graph[id]
    let operation = try OperatorRegistry.standard.instantiate(
      node, opset: model.opset(of: node.canonicalDomain) ?? 1)
    let operands = try node.inputs.map { value in try value.map { try #require(values[$0]) } }
    let results = try operation.evaluate(tensors: operands)
    for case (let output?, let tensor) in zip(node.outputs, results) { values[output] = tensor }
  }
  return try graph.outputs.map { try #require(values[$0]) }
}

extension Model {
  /// The model with `rules` applied to it.
  func applying(_ rules: [any RewriteRule]) throws -> Model {
    var model = self
    try RuleDriver(rules).run(&model.graph, RewriteContext(self))
    try model.graph.checkInvariants()
    return model
  }

  /// The operators of the nodes, in order; attributes that tell fused operators apart behind a colon.
  var operators: [String] {
    graph.nodes.map { _, node in
      let detail = node.string("activation") ?? node.string("approximate")
      return node.operatorType + (detail.map { ":\($0)" } ?? "")
    }
  }
}

extension Tensor {
  /// Numbers between -1 and 1 that look random and are the same in every run.
  static func noise(_ shape: [Int], seed: UInt64 = 1) -> Tensor {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return Tensor(
      (0..<shape.reduce(1, *)).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) / 0x1p31
      }, shape: shape)
  }
}

/// Expects that `rules` change nothing of what the model computes.
///
/// - Parameter tolerance: relative to the largest element of each output.
func expectEqual(
  _ model: Model, _ rewritten: Model, _ inputs: [Tensor], tolerance: Float,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let expected = try evaluate(model, inputs)
  let results = try evaluate(rewritten, inputs)
  for (a, b) in zip(expected, results) {
    #expect(a.shape == b.shape, sourceLocation: sourceLocation)
    let x = a.elements(as: Float.self)
    let y = b.elements(as: Float.self)
    let scale = x.map { abs($0) }.max() ?? 0
    let difference = zip(x, y).map { abs($0 - $1) }.max() ?? 0
    #expect(difference <= tolerance * scale, sourceLocation: sourceLocation)
  }
}
