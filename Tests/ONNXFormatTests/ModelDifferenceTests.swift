import GraphIR
import ONNXFormat
import Tensors
import Testing

@Suite struct ModelDifferenceTests {
  /// y = x · w + b, with an attribute, metadata, declared types and an operator nobody knows.
  private static let text = """
    <ir_version: 10, opset_import: ["" : 18, "example.org" : 1], producer_name: "p">
    g (float[N, 2] x) => (float[N, 2] y)
    <float[2, 2] w = {1, 2, 3, 4}, float[2] b = {5, 6}>
    {
      m = MatMul(x, w)
      s = example.org.Whirl<axis: int = 1, name: string = "n">(m)
      y = Add(s, b)
    }
    """

  private let model: Model

  init() throws { model = try Model(text: Self.text) }

  /// An edit, and what is to be found of it.
  struct Edit: Sendable, CustomTestStringConvertible {
    let place: String
    let change: ModelDifference.Change
    let apply: @Sendable (inout Model) throws -> Void

    var testDescription: String { place }
  }

  private static func replacing(_ a: String, _ b: String) -> @Sendable (inout Model) throws -> Void
  {
    { model in
      let edited = text.split(separator: a, omittingEmptySubsequences: false)
      #expect(edited.count > 1)
      model = try Model(text: edited.joined(separator: b))
    }
  }

  static let edits = [
    Edit(
      place: "producer_name", change: .changed(from: "\"p\"", to: "\"q\""),
      apply: { $0.producerName = "q" }),
    Edit(place: "producer_name", change: .removed("\"p\""), apply: { $0.producerName = nil }),
    Edit(place: "doc_string", change: .added("\"d\""), apply: { $0.docString = "d" }),
    Edit(
      place: "opset_import['example.org'].version", change: .changed(from: "1", to: "2"),
      apply: { $0.opsetImports[1].version = 2 }),
    Edit(place: "opset_import", change: .reordered, apply: { $0.opsetImports.reverse() }),
    Edit(
      place: "metadata_props['k']", change: .added("\"v\""),
      apply: { $0.metadata.append(MetadataEntry(key: "k", value: "v")) }),
    Edit(
      place: "field 99", change: .changed(from: "0 bytes", to: "1 bytes"),
      apply: { $0.preserved.append(PreservedField(number: 99, wireType: 0, payload: [7])) }),
    Edit(
      place: "graph.node['s'].attribute['axis'].i", change: .changed(from: "1", to: "-1"),
      apply: replacing("axis: int = 1", "axis: int = -1")),
    Edit(
      place: "graph.node['s'].input", change: .changed(from: "[\"m\"]", to: "[\"x\"]"),
      apply: replacing("(m)", "(x)")),
    Edit(
      place: "graph.output['y'].type.tensor_type.shape.dim[1].dim_value",
      change: .changed(from: "2", to: "3"), apply: replacing("2] y", "3] y")),
    Edit(
      place: "graph.initializer['w']",
      change: .changed(from: "float[2, 2]", to: "2 of 4 elements differ, by at most 4.5"),
      apply: replacing("{1, 2, 3, 4}", "{1, 6.5, 3.5, 4}")),
    Edit(
      place: "graph.initializer['b']",
      change: .changed(from: "float[2]", to: "1 of 2 elements differ, by at most inf"),
      apply: replacing("{5, 6}", "{5, nan}")),
  ]

  @Test func aModelDoesNotDifferFromItself() {
    #expect(ONNXFile.differences(between: model, and: model) == [])
  }

  @Test(arguments: edits) func findsExactly(edit: Edit) throws {
    var edited = model
    try edit.apply(&edited)
    let found = ONNXFile.differences(between: model, and: edited)
    #expect(found.map(\.place) == [edit.place])
    #expect(found.map(\.change) == [edit.change])
  }

  @Test func nodesThatCameAndWent() throws {
    let edited = try Model(
      text: Self.text.split(separator: "s = example.org.Whirl")[0]
        + "s = Relu(m)\n y = Add(s, b)\n}"
    )
    let found = ONNXFile.differences(between: model, and: edited).map(\.place)
    #expect(found.contains("graph.node['s'].op_type"))
    #expect(found.contains("graph.node['s'].domain"))
    #expect(found.contains("graph.node['s'].attribute['axis']"))
    let renamed = try Model(
      text: Self.text.split(separator: "m = MatMul", omittingEmptySubsequences: false)
        .joined(separator: "t = MatMul"))
    let first = ONNXFile.differences(between: model, and: renamed).prefix(2)
    #expect(first.map(\.place) == ["graph.node['m']", "graph.node['t']"])
    #expect(first.map(\.change) == [.removed("MatMul"), .added("MatMul")])
  }

  @Test func aNameThatLooksLikeARepeatedOneIsItsOwn() {
    var repeating = model
    repeating.metadata = ["a", "a", "a#2", "a#2"].map { MetadataEntry(key: $0, value: "v") }
    #expect(ONNXFile.differences(between: repeating, and: repeating).isEmpty)
  }

  /// Whatever a reader takes for another message must show, and nothing else.
  @Test func everyBitThatCountsIsFound() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("model.onnx")
    try ONNXFile.write(model, to: path, overwriting: false)
    let original = try bytes(of: path)
    let a = try ONNXFile.read(path: path)
    var compared = 0
    for position in original.indices {
      for bit in 0..<8 {
        var mutated = original
        mutated[position] ^= 1 << UInt8(bit)
        let file = try folder.write(mutated, as: "mutated.onnx")
        guard let b = try? ONNXFile.read(path: file) else { continue }
        try ONNXFile.write(b, to: folder.path("written.onnx"), overwriting: true)
        let isEqual = try bytes(of: folder.path("written.onnx")) == original
        let found = ONNXFile.differences(between: a, and: b)
        #expect(found.isEmpty == isEqual, "byte \(position), bit \(bit)")
        compared += 1
      }
    }
    #expect(compared > original.count)
  }
}
