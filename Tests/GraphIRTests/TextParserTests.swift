import GraphIR
import Tensors
import Testing

@Suite struct TextParserTests {
  static let model = """
    <
      ir_version: 8,
      opset_import: ["" : 17, "local" : 1],
      producer_name: "a \\"name\\"\\n"
    >
    "main graph" (float[N, 2] x, bool c, float[2] w) => (float[] y, z)
    <
      float[2] w = {1.0, -inf},
      int4[3] packed = {-8, 7, 1},
      uint8[2] bytes = {0, 255},
      string[1] words = {"a\\u{1b}b"},
      float[N, ?] inner
    >
    {
      ["encoder/0"] inner = local.Scale:v2 <gain = 1.5, axes = [1, -1], none: ints = []> (x, "")
      y, "" = If <then_branch = yes () => (float[2] t)
        {
          t = Add (inner, w)
        }, value = float[2] {1.0, nan}> (c)
      z = Constant <value = int64 {-3}, text = "s"> ()
    }
    <
      domain: "local",
      opset_import: ["" : 17]
    >
    Scale <gain, shift = 0.5> (x) => (y)
    {
      y = Mul <alpha: float = @gain> (x, x)
    }

    """

  @Test func printsWhatItParses() throws {
    #expect(try Model(text: Self.model).text(full: true) == Self.model)
  }

  @Test func sparseTensorsComeBack() throws {
    let text = """
      g () => (y)
      <
        float6e2m3[5] six = {0, 63, 33, 1, 42},
        sparse_tensor(float[2, 3]) s = float[2] {1.0, 2.0} at int64[2] {0, 5},
        sparse_tensor(float[4]) none = float[0] {}
      >
      {
        y = Constant <value = sparse_tensor(int8[2, 2]) int8[1] v {3} at int64[1, 2] {1, 0}, \
      values: sparse_tensors = [sparse_tensor(float[4]) float[0] {}], body: graph = "a b" () => (z)
          {
            z = Neg (s)
          }> ()
      }

      """
    let graph = try Graph(text: text)
    #expect(graph.text(full: true) == text)
    #expect(graph.sparseInitializers.map { graph[$0].name } == ["s", "none"])
  }

  @Test func whatHasNoWordsIsAComment() throws {
    var model = try Model(text: Self.model)
    let text = model.text(full: true)
    var info = TrainingInfo()
    info.algorithm = try Graph(text: "step () => (n) { n = Neg (z) }")
    info.updateBindings = [MetadataEntry(key: "w", value: "n")]
    model.trainingInfo = [info]
    model.graph.quantizationAnnotations = [
      QuantizationAnnotation(
        tensorName: "z", parameters: [MetadataEntry(key: "SCALE_TENSOR", value: "w")])
    ]
    let commented = model.text(full: true)
    #expect(commented.contains("# \"z\" is quantised by [\"SCALE_TENSOR\": \"w\"]"))
    #expect(commented.contains("#     n = Neg (z)"))
    #expect(try Model(text: commented).text(full: true) == text)
  }

  @Test func understandsWhatItReads() throws {
    let model = try Model(text: Self.model)
    #expect(model.opset(of: "") == 17)
    #expect(model.producerName == "a \"name\"\n")
    let graph = model.graph
    let node = graph[graph.order[0]]
    #expect(node.domain == "local" && node.operatorType == "Scale" && node.overload == "v2")
    #expect(node.ints("axes") == [1, -1] && node.float("gain") == 1.5)
    #expect(node.inputs.count == 2 && node.inputs[1] == nil)
    #expect(graph.captures(of: graph.order[1]).map { graph[$0].name } == ["inner", "w"])
    let packed = try #require(graph.value(named: "packed").flatMap(graph.constant))
    #expect(packed.shape == [3] && packed.byteCount == 2)
  }

  @Test func largeTensorsAreLeftOut() throws {
    var graph = Graph(name: "g")
    let weight = graph.intern("w")
    try graph.addInitializer(weight, StoredTensor(Tensor([Float](repeating: 1, count: 17))))
    #expect(graph.text().contains("float[17] w = ..."))
    #expect(throws: TextError.self) { try Graph(text: graph.text()) }
    #expect(try Graph(text: graph.text(full: true)).text(full: true) == graph.text(full: true))
  }

  @Test(arguments: [
    ("g (float[2] x) => (y) { y = A(x) ", 1, 34, "expected a word"),
    ("g (float[2 x) => (y) {}", 1, 12, "expected ']'"),
    ("g () => ()\n{ y = A() y = B() }", 2, 19, "value 'y' is produced more than once"),
    ("g (float[2] w = {1}) => () {}", 1, 17, "expected elements for float[2]"),
    ("g (uint8[1] w = {256}) => () {}", 1, 17, "expected elements for uint8[1]"),
    ("g () => () { y = A <a = []> () }", 1, 27, "an empty list needs its type"),
    ("g () => () { y = A <a = [1, \"b\"]> () }", 1, 33, "expected elements of one type in a list"),
    ("\"g", 1, 1, "a string without its closing quotation mark"),
  ])
  func faultsHaveAPlace(_ text: String, _ line: Int, _ column: Int, _ message: String) throws {
    let error = try #require(throws: TextError.self) { try Graph(text: text) }
    #expect("\(error)" == "\(line):\(column): \(message)")
  }

  @Test func truncationNeverTraps() {
    for end in Self.model.utf8.indices {
      let text = String(decoding: Self.model.utf8[..<end], as: UTF8.self)
      #expect((try? Model(text: text)) == nil || text.contains("z = Constant"))
    }
  }

  @Test func nestingIsBounded() {
    let text = String(repeating: "g () => () { y = If <b = ", count: 1000)
    #expect(throws: TextError.self) { try Graph(text: text) }
  }
}
