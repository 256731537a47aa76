import GraphIR
import Tensors
import Testing

@Suite struct TrainingInfoTests {
  private static let text = """
    <ir_version: 10, opset_import: ["" : 18]>
    g (float[2] x) => (float[2] y)
    <float[2] w = {1, 2}>
    {
      h = Mul(x, w)
      y = Relu(h)
    }
    """

  /// A step that reads `read` of the model's graph and updates its initializer `updated`.
  private func step(reading read: String, updating updated: String) throws -> TrainingInfo {
    var graph = Graph(name: "step")
    try graph.addInitializer(
      graph.intern("rate"), StoredTensor(name: "rate", Tensor([Float(0.1)])))
    try graph.append(
      Node(
        "Mul", inputs: [graph.intern(read), graph.intern("rate")],
        outputs: [graph.intern("new")]))
    graph.addOutput(graph.intern("new"), nil)
    var info = TrainingInfo()
    info.algorithm = graph
    info.updateBindings = [
      MetadataEntry(key: updated, value: "new"), MetadataEntry(key: "rate", value: "new"),
    ]
    return info
  }

  @Test(arguments: [("h", "w", 0), ("gone", "w", 1), ("h", "gone", 1)])
  func goesWithTheValuesItSpeaksOf(read: String, updated: String, removed: Int) throws {
    var model = try Model(text: Self.text)
    model.trainingInfo = [try step(reading: read, updating: updated)]
    #expect(model.removeStaleTrainingInfo() == removed)
    #expect(model.trainingInfo.count == 1 - removed)
  }
}
