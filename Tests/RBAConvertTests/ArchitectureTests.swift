import ArrayFormats
import Foundation
import GraphIR
import ONNXFormat
import Operators
import Planning
import Tensors
import Testing

@testable import RBAConvert

/// A kind of network people deploy, and what is to be found in it.
struct Architecture: Sendable, CustomTestStringConvertible {
  let name: String
  /// Of the data, samples first.
  var data: [Int] = [16, 3, 4]
  let points: [String]
  let kinds: [String]
  /// What is replaced, the operators that go with it, and those that come.
  let span: String
  let change: [String: Int]
  /// Operators that must be there to run it.
  var needs: [String] = []
  let build: @Sendable () -> NetworkText

  var testDescription: String { name }

  var isRunnable: Bool {
    needs.allSatisfy {
      OperatorRegistry.standard.type(
        domain: $0.hasPrefix("com.microsoft.") ? "com.microsoft" : "",
        name: String($0.split(separator: ".").last!), opset: 17) != nil
    }
  }
}

/// Where block pruning by patterns of operators does nothing: each is found and converted.
@Suite struct ArchitectureTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String) throws -> String {
    let path = folder.path("model.onnx")
    try ONNXFile.write(try Model(text: text), to: path, overwriting: false)
    return path
  }

  static func noise(_ shape: [Int]) -> Tensor {
    var state: UInt64 = 7
    return Tensor(
      (0..<shape.reduce(1, *)).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) / 0x1p31
      }, shape: shape)
  }

  private func convert(
    _ path: String, _ data: [Int], _ spans: String, form: String = "linear",
    notes: Notes = Notes()
  ) throws -> (report: ConversionReport, model: Model) {
    let npy = folder.path("data.npy")
    try NpyFile.write(Self.noise(data), path: npy, overwriting: true)
    let output = folder.path("out.onnx")
    let report = try Conversion(
      input: path, output: output, overwriting: true, recordsProvenance: false,
      data: DataRequest(paths: [npy]), selection: SelectionOptions(spans: spans, form: form),
      machine: Machine(threads: 1)
    ).run(notes.diagnostics)
    #expect(report.output == output)
    let written = try LoadedModel(path: output).model
    try written.graph.checkInvariants()
    return (report, written)
  }

  private static func counts(_ model: Model) -> [String: Int] {
    Dictionary(model.graph.nodes.map { ($0.node.operatorType, 1) }, uniquingKeysWith: +)
  }

  @Test(arguments: architectures) func streamsAreFound(_ architecture: Architecture) throws {
    guard architecture.needs.allSatisfy({ $0.hasPrefix("com.") }) || architecture.isRunnable else {
      return
    }
    let loaded = try LoadedModel(path: write(architecture.build().text))
    let structure = try ModelStructure(loaded)
    let stream = try #require(structure.streams.first)
    #expect(structure.streams.count == 1)
    #expect(stream.points.map { structure.graph[$0].name } == architecture.points)
    #expect(stream.steps.map(\.kind.rawValue) == architecture.kinds)
    // What was taken apart and not touched is put together again.
    var restored = structure.model
    try structure.restore(&restored.graph)
    if loaded.model.functions.isEmpty { #expect(restored.text() == loaded.model.text()) }
  }

  @Test(arguments: architectures.filter(\.isRunnable))
  func spansAreReplaced(_ architecture: Architecture) throws {
    let path = try write(architecture.build().text)
    let (report, written) = try convert(path, architecture.data, architecture.span)
    let loaded = try LoadedModel(path: path)
    let before = Self.counts(try ModelStructure(loaded).restored)
    let change = Self.counts(written).merging(before.mapValues { -$0 }, uniquingKeysWith: +)
    #expect(change.filter { $0.value != 0 } == architecture.change)
    #expect(report.parameters.after == written.graph.parameterCount)
    #expect(report.outputs.allSatisfy { $0.relativeError < 0.5 })
    #expect(written.graph.outputs.map { written.graph[$0].name } == loaded.outputNames)
  }

  /// Bypassed blocks leave a graph of the same kind.
  @Test(arguments: architectures.filter(\.isRunnable))
  func spansAreBypassed(_ architecture: Architecture) throws {
    let path = try write(architecture.build().text)
    let report = try convert(path, architecture.data, architecture.span, form: "identity").report
    #expect(report.parameters.after < report.parameters.before)
  }

  static let architectures: [Architecture] = [
    Architecture(
      name: "pre-norm, normalisation in parts", points: ["h0", "h1", "h2", "h3", "h4"],
      kinds: ["attention", "mlp", "attention", "mlp"], span: "0.5:1",
      change: [
        "ReduceMean": -2, "Sub": -1, "Mul": -2, "Add": -2, "Div": -1, "Sqrt": -1, "MatMul": -1,
        "Relu": -1,
      ]
    ) {
      var net = NetworkText("N, 3, 4")
      net.opset = 14
      var h = net.apply("Add", "x", net.weight([3, 4]), to: "h0")
      for index in 1...4 {
        let normed = net.norm(h)
        let branch = index % 2 == 1 ? net.attention(normed) : net.mlp(normed)
        h = net.apply("Add", h, branch, to: "h\(index)")
      }
      net.outputs = ["float[N, 3, 4] \(net.norm(h))"]
      return net
    },
    Architecture(
      name: "post-norm", points: ["h0", "h1", "h2", "h3", "h4"],
      kinds: ["attention", "mlp", "attention", "mlp"], span: "1.5:2",
      change: [
        "ReduceMean": -2, "Sub": -1, "Mul": -2, "Add": -2, "Div": -1, "Sqrt": -1, "MatMul": -1,
        "Relu": -1,
      ]
    ) {
      var net = NetworkText("N, 3, 4")
      var h = net.norm("x", to: "h0")
      for index in 1...4 {
        let branch = index % 2 == 1 ? net.attention(h) : net.mlp(h)
        h = net.norm(net.apply("Add", branch, h), to: "h\(index)")
      }
      net.outputs = ["float[N, 3, 4] \(h)"]
      return net
    },
    Architecture(
      name: "ResNet", data: [16, 4, 5, 5], points: ["h0", "h1", "h2"],
      kinds: ["convolution", "convolution"], span: "0:1",
      change: ["Conv": -1, "Add": -1, "Relu": -2]
    ) {
      var net = NetworkText("N, 4, 5, 5")
      var h = net.apply("Relu", net.conv("x"), to: "h0")
      for index in 1...2 {
        let branch = net.conv(net.apply("Relu", net.conv(h)))
        h = net.apply("Relu", net.apply("Add", branch, h), to: "h\(index)")
      }
      net.outputs = ["float[N, 4, 1, 1] \(net.apply("GlobalAveragePool", h))"]
      return net
    },
    Architecture(
      name: "channels last, convolved behind transpositions", data: [16, 5, 5, 4],
      points: ["x", "h1", "h2"], kinds: ["convolution", "convolution"], span: "0:1",
      change: ["Conv": -1, "Transpose": -2, "MatMul": 1]
    ) {
      var net = NetworkText("N, 5, 5, 4")
      var h = "x"
      for index in 1...2 {
        let inner = net.conv(net.apply("Transpose <perm = [0, 3, 1, 2]>", h))
        h = net.apply(
          "Add", net.apply("Transpose <perm = [0, 2, 3, 1]>", inner), h, to: "h\(index)")
      }
      net.outputs = ["float[N, 5, 5, 4] \(net.apply("Tanh", h))"]
      return net
    },
    Architecture(
      name: "blocks inside a local function", points: ["x", "a", "b"], kinds: ["mlp", "mlp"],
      span: "0:1", change: ["MatMul": -1, "Relu": -1]
    ) {
      var net = NetworkText("N, 3, 4")
      net.domains = ", \"local\" : 1"
      net.functions = """
        <domain: "local", opset_import: ["" : 17]>
        Block (h, w1, w2) => (y)
        {
          a = MatMul (h, w1)
          r = Relu (a)
          b = MatMul (r, w2)
          y = Add (h, b)
        }
        """
      net.apply("local.Block", "x", net.weight([4, 8]), net.weight([8, 4]), to: "a")
      net.apply("local.Block", "a", net.weight([4, 8]), net.weight([8, 4]), to: "b")
      net.outputs = ["float[N, 3, 4] \(net.apply("Tanh", "b"))"]
      return net
    },
    Architecture(
      name: "batch second inside, as in CLIP", points: ["h0", "h1", "h2"], kinds: ["mlp", "mlp"],
      span: "0:1", change: ["MatMul": -1, "Relu": -1]
    ) {
      var net = NetworkText("N, 3, 4")
      var h = net.apply("Transpose <perm = [1, 0, 2]>", "x", to: "h0")
      for index in 1...2 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
      net.outputs = ["float[N, 3, 4] \(net.apply("Transpose <perm = [1, 0, 2]>", h))"]
      return net
    },
    Architecture(
      name: "batch fixed at 1", points: ["x", "h1", "h2"], kinds: ["mlp", "mlp"], span: "0:1",
      change: ["MatMul": -1, "Relu": -1]
    ) {
      var net = NetworkText("1, 3, 4")
      var h = "x"
      for index in 1...2 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
      net.outputs = ["float[1, 3, 4] \(net.apply("Tanh", h))"]
      return net
    },
    Architecture(
      name: "batch fixed at 3", data: [17, 2, 4], points: ["x", "h1", "h2"],
      kinds: ["mlp", "mlp"], span: "0:1", change: ["MatMul": -1, "Relu": -1]
    ) {
      var net = NetworkText("3, 2, 4")
      var h = "x"
      for index in 1...2 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
      net.outputs = ["float[3, 2, 4] \(net.apply("Tanh", h))"]
      return net
    },
    Architecture(
      name: "batch fixed at 2 but inside, any number of tokens", data: [16, 3, 4],
      points: ["x", "h1", "h2", "h3"], kinds: ["mlp", "mlp", "mlp"], span: "1:2",
      change: ["MatMul": -1, "Relu": -1]
    ) {
      var net = NetworkText("2, T, 4")
      var h = "x"
      for index in 1...3 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
      net.outputs = ["float[2, T, 4] \(net.apply("Tanh", h))", "float[batch, T, 4] h1"]
      return net
    },
    Architecture(
      name: "no batch, tokens fixed, one result", data: [48, 4], points: ["x", "h1", "h2"],
      kinds: ["mlp", "mlp"], span: "0:1", change: ["MatMul": -2, "Gemm": 1, "Relu": -1, "Add": -1]
    ) {
      var net = NetworkText("6, 4")
      var h = "x"
      for index in 1...2 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
      net.outputs = ["float[4] \(net.apply("ReduceMean <axes = [0], keepdims = 0>", h))"]
      return net
    },
    Architecture(
      name: "no batch, any number of tokens", data: [48, 4], points: ["x", "h1", "h2"],
      kinds: ["attention", "attention"], span: "0:1",
      change: ["MatMul": -6, "Gemm": 1, "Softmax": -1, "Transpose": -1, "Add": -1]
    ) {
      var net = NetworkText("T, 4")
      var h = "x"
      for index in 1...2 {
        let scores = net.apply(
          "MatMul", net.apply("MatMul", h, net.weight([4, 4])),
          net.apply("Transpose", net.apply("MatMul", h, net.weight([4, 4]))))
        let mixed = net.apply(
          "MatMul", net.apply("Softmax", scores), net.apply("MatMul", h, net.weight([4, 4])))
        let branch = net.apply("MatMul", mixed, net.weight([4, 4]))
        h = net.apply("Add", branch, h, to: "h\(index)")
      }
      net.outputs = ["float[T, 4] \(net.apply("Tanh", h))"]
      return net
    },
    Architecture(
      name: "fused post-norm", points: ["x", "h1", "h2", "h3"], kinds: ["mlp", "mlp", "mlp"],
      span: "1:2", change: ["MatMul": -1, "Relu": -1, "Add": 1, "SkipLayerNormalization": -1],
      needs: ["com.microsoft.SkipLayerNormalization"]
    ) {
      var net = NetworkText("N, 3, 4")
      net.domains = ", \"com.microsoft\" : 1"
      var h = "x"
      for index in 1...3 {
        let branch = net.mlp(h)
        h = net.apply(
          "com.microsoft.SkipLayerNormalization <epsilon = 1e-5>", branch, h, net.weight([4], 1),
          net.weight([4]), net.weight([4]), to: "h\(index)")
      }
      net.outputs = ["float[N, 3, 4] \(net.apply("Tanh", h))"]
      return net
    },
    Architecture(
      name: "fused pre-norm", points: ["x", "h1", "h2", "n3.sum"], kinds: ["mlp", "mlp", "mlp"],
      span: "1:2",
      // The first step's normalised sum has lost its reader too, so that only the sum is left.
      change: [
        "MatMul": -1, "Relu": -1, "Add": 2, "SkipLayerNormalization": -2, "LayerNormalization": 1,
      ],
      needs: ["com.microsoft.SkipLayerNormalization"]
    ) {
      var net = NetworkText("N, 3, 4")
      net.domains = ", \"com.microsoft\" : 1"
      var normed = net.apply(
        "LayerNormalization <axis = -1>", "x", net.weight([4], 1), net.weight([4]), to: "n0")
      var h = "x"
      for index in 1...3 {
        let branch = net.mlp(normed)
        normed = net.apply(
          "com.microsoft.SkipLayerNormalization <epsilon = 1e-5>", h, branch, net.weight([4], 1),
          net.weight([4]),
          to: index < 3 ? "n\(index), m\(index), s\(index), h\(index)" : "n\(index)")
        normed = "n\(index)"
        h = "h\(index)"
      }
      net.outputs = ["float[N, 3, 4] n3"]
      return net
    },
    Architecture(
      name: "fused convolution with addend", data: [16, 4, 5, 5], points: ["h0", "h1", "h2"],
      kinds: ["convolution", "convolution"], span: "0:1",
      change: ["FusedConv": -1, "Relu": -1], needs: ["com.microsoft.FusedConv"]
    ) {
      var net = NetworkText("N, 4, 5, 5")
      net.domains = ", \"com.microsoft\" : 1"
      var h = net.apply("Relu", net.conv("x"), to: "h0")
      for index in 1...2 {
        let inner = net.apply("Relu", net.conv(h))
        h = net.apply(
          "com.microsoft.FusedConv <pads = [1, 1, 1, 1], activation = \"Relu\">", inner,
          net.weight([4, 4, 3, 3]), net.weight([4]), h, to: "h\(index)")
      }
      net.outputs = ["float[N, 4, 1, 1] \(net.apply("GlobalAveragePool", h))"]
      return net
    },
    Architecture(
      name: "quantised between operators", points: ["v3", "v16", "v29"], kinds: ["mlp", "mlp"],
      span: "0:1",
      change: ["QuantizeLinear": -2, "MatMul": -1, "Relu": -1, "DequantizeLinear": -3],
      needs: ["DequantizeLinear", "QuantizeLinear"]
    ) {
      quantized { net, a, b, scale, zero in
        let (x, y) = (
          net.apply("DequantizeLinear", a, scale, zero),
          net.apply("DequantizeLinear", b, scale, zero)
        )
        return net.apply("QuantizeLinear", net.apply("Add", x, y), scale, zero)
      }
    },
    Architecture(
      name: "quantised operators", points: ["v3", "v14.sum", "v24.sum"], kinds: ["mlp", "mlp"],
      span: "0:1",
      change: [
        "QuantizeLinear": -1, "MatMul": -1, "Relu": -1, "DequantizeLinear": -1, "QLinearAdd": -1,
        "Add": 1,
      ], needs: ["DequantizeLinear", "QuantizeLinear", "com.microsoft.QLinearAdd"]
    ) {
      quantized { net, a, b, scale, zero in
        net.apply("com.microsoft.QLinearAdd", a, scale, zero, b, scale, zero, scale, zero)
      }
    },
  ]

  /// Blocks whose values are quantised and dequantised on the way, for each reader anew.
  static func quantized(
    sum: (inout NetworkText, _ a: String, _ b: String, _ scale: String, _ zero: String) -> String
  ) -> NetworkText {
    var net = NetworkText("N, 3, 4")
    net.domains = ", \"com.microsoft\" : 1"
    let scale = net.constant("float", "0.05")
    let zero = net.constant("uint8", "128")
    func quantize(_ value: String) -> String { net.apply("QuantizeLinear", value, scale, zero) }
    func dequantize(_ value: String) -> String { net.apply("DequantizeLinear", value, scale, zero) }
    var h = quantize(net.apply("Relu", "x"))
    for _ in 1...2 {
      let hidden = net.apply("MatMul", dequantize(h), net.weight([4, 4]))
      let branch = net.apply(
        "MatMul", dequantize(quantize(net.apply("Relu", hidden))), net.weight([4, 4]))
      h = sum(&net, quantize(branch), h, scale, zero)
    }
    net.outputs = ["float[N, 3, 4] \(dequantize(h))"]
    return net
  }

  // MARK: Shared weights

  @Test func replacingOneApplicationOfALayerLeavesTheOthersTheirWeights() throws {
    var net = NetworkText("N, 3, 4")
    let (w1, w2) = (net.weight([4, 8]), net.weight([8, 4]))
    var h = "x"
    for index in 1...12 {
      let hidden = net.apply("Relu", net.apply("MatMul", h, w1))
      h = net.apply("Add", net.apply("MatMul", hidden, w2), h, to: "h\(index)")
    }
    net.outputs = ["float[N, 3, 4] \(net.apply("Tanh", h))"]
    let (report, written) = try convert(try write(net.text), [16, 3, 4], "4:5")
    #expect(report.spans[0].parametersRemoved == 0)
    // Both matrices stay; a map of 4 · 4 + 4 comes.
    #expect(report.parameters.after == report.parameters.before + 20)
    let users = try [w1, w2].map {
      written.graph[try #require(written.graph.value(named: $0))].users.count
    }
    #expect(users == [11, 11])
  }

  // MARK: What cannot be evaluated

  private func withSideOutput(_ outputs: [String]) -> NetworkText {
    var net = NetworkText("N, 3, 4")
    net.domains = ", \"example.org\" : 1"
    var h = "x"
    for index in 1...2 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
    net.apply("Tanh", h, to: "y")
    net.apply("Tanh", h, to: "seen")
    net.apply("example.org.Whirl", "seen", to: "z")
    net.outputs = outputs
    return net
  }

  @Test func outputsThatCanBeComputedAreCompared() throws {
    let notes = Notes()
    let net = withSideOutput(["float[N, 3, 4] y", "float[N, 3, 4] z"])
    let (report, written) = try convert(try write(net.text), [16, 3, 4], "0:1", notes: notes)
    #expect(report.outputs.map(\.name) == ["y", "seen"])
    #expect(report.unsupported == ["example.org::Whirl (opset 1)": 1])
    #expect(
      notes.lines == [
        "unsupported operators: 1 × example.org::Whirl (opset 1); "
          + "example.org::Whirl (opset 1): first at node Whirl",
        "not compared, since they cannot be computed or are no numbers: outputs 'z'; "
          + "compared instead: 'y', 'seen'",
      ])
    #expect(written.graph.outputs.count == 2)
  }

  @Test func whereNoOutputCanBeComputedTheLastValuesAreCompared() throws {
    let net = withSideOutput(["float[N, 3, 4] z"])
    let report = try convert(try write(net.text), [16, 3, 4], "0:2").report
    #expect(report.outputs.map(\.name) == ["seen"])
  }

  /// The point that is replaced is itself the last value that can be computed.
  @Test func aReplacedPointIsComparedUnderItsNewName() throws {
    var net = NetworkText("N, 3, 4")
    net.domains = ", \"example.org\" : 1"
    net.apply("Add", net.mlp("x"), "x", to: "h1")
    net.apply("example.org.Whirl", "h1", to: "z")
    net.outputs = ["float[N, 3, 4] z"]
    let report = try convert(try write(net.text), [16, 3, 4], "0:1").report
    #expect(report.outputs.map(\.name) == ["h1"])
    #expect(report.outputs[0].maxAbsoluteError > 0)
  }

  // MARK: Types that inference does not tell

  /// The tokens that are not zero are kept: how many those are only running tells.
  @Test func streamsBehindShapesThatDependOnDataAreFoundByRunning() throws {
    var net = NetworkText("N, 3, 4")
    let kept = net.apply("NonZero", net.constant("float[4]", "1, 2, 3, 4"))
    let same = net.apply("Reshape", kept, net.constant("int64[1]", "-1"))
    let mask = net.apply(
      "NonZero", net.apply("ReduceSum <keepdims = 0>", "x", net.constant("int64[2]", "0, 1")))
    let columns = net.apply("Reshape", mask, net.constant("int64[1]", "-1"))
    _ = same
    var h = net.apply("Gather <axis = 2>", "x", columns, to: "h0")
    for index in 1...2 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
    net.outputs = ["float[N, 3, 4] \(net.apply("Tanh", h))"]
    let loaded = try LoadedModel(path: write(net.text))
    #expect(try ModelStructure(loaded).streams.isEmpty)
    let samples = SampleSet(
      feeds: ["x": Self.noise([4, 3, 4])], labels: nil, source: "", isSynthetic: false)
    let structure = try ModelStructure(loaded, samples: samples)
    #expect(
      structure.streams.map { $0.points.map { structure.graph[$0].name } } == [["h0", "h1", "h2"]])
    let inspection = try Inspection(model: loaded.path, dimensions: []).run(.silent)
    #expect(inspection.streams.map(\.points) == [["h0", "h1", "h2"]])
  }

  /// Each sample gives as many places as it has numbers above zero, and others where a span is replaced.
  @Test(arguments: [[1, 0], [0, 1]])
  func outputsWhoseShapesDependOnDataAreRefused(permutation: [Int]) throws {
    var net = NetworkText("1, 64, 4")
    var h = "x"
    for index in 1...3 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
    let places = net.apply("NonZero", net.apply("Relu", h))
    let rows = net.apply("Transpose <perm = \(permutation)>", places)
    net.outputs = ["float[A, B] \(net.apply("Cast <to = 1>", rows, to: "z"))"]
    let path = try write(net.text)
    let refusal = try #require(throws: Failure.self) { try convert(path, [16, 64, 4], "1:2") }
    #expect(refusal.status == .malformedInput)
    #expect(refusal.message.hasPrefix("output 'z': expected "), "\(refusal)")
  }

  /// A grid of patches that 32 does not divide into: 224 does.
  @Test func extentsThatFailAreTriedNoFurther() throws {
    var net = NetworkText("N, 4, H, W")
    let shape = net.constant("int64[3]", "0, 4, 49")
    let patches = net.apply(
      "Conv <strides = [32, 32]>", "x", net.weight([4, 4, 32, 32]))
    let flat = net.apply("Reshape", patches, shape)
    var h = net.apply("Transpose <perm = [0, 2, 1]>", flat, to: "h0")
    for index in 1...2 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
    net.outputs = ["float[N, 49, 4] \(net.apply("Tanh", h))"]
    let structure = try ModelStructure(try LoadedModel(path: write(net.text)))
    #expect(structure.defaultExtent == 224)
    #expect(structure.streams.map(\.type.shape) == [[1, 49, 4]])
  }

  // MARK: What is refused

  @Test func aBatchThatIsNotFirstIsRefused() throws {
    var net = NetworkText("T, N, 4")
    var h = "x"
    for index in 1...2 { h = net.apply("Add", net.mlp(h), h, to: "h\(index)") }
    net.outputs = ["float[N, 4] \(net.apply("ReduceMean <axes = [0], keepdims = 0>", h, to: "y"))"]
    let path = try write(net.text)
    let npy = folder.path("data.npy")
    try NpyFile.write(Self.noise([16, 3, 4]), path: npy, overwriting: false)
    let refusal = try failure { () throws(Failure) in
      try Analysis(
        input: path, plan: nil, overwriting: false, data: DataRequest(paths: [npy]),
        selection: SelectionOptions(), machine: Machine(threads: 1)
      ).run(.silent)
    }
    #expect(refusal.status == .malformedInput)
    #expect(refusal.message == "\(path): no row for each sample in 'y'")
  }
}

extension ModelStructure {
  /// The model as it is written where nothing is replaced.
  fileprivate var restored: Model {
    get throws {
      var result = model
      try restore(&result.graph)
      return result
    }
  }
}

/// What a verb says while it works.
final class Notes: Sendable {
  private let storage = Storage()

  private final class Storage: @unchecked Sendable {
    let lock = NSLock()
    var lines: [String] = []
  }

  var lines: [String] { storage.lock.withLock { storage.lines } }

  var diagnostics: Diagnostics {
    let storage = storage
    return Diagnostics(
      note: { line in storage.lock.withLock { storage.lines.append(line) } },
      progress: { _, _ in })
  }
}
