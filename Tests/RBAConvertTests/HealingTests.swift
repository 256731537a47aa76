import ArrayFormats
import Foundation
import GraphIR
import ONNXFormat
import Planning
import Tensors
import Testing

@testable import RBAConvert

/// A network of two steps, the second of which can make good exactly what passing over the first does.
struct HealableNetwork: Sendable, CustomTestStringConvertible {
  let name: String
  var data: [Int] = [32, 3, 4]
  /// The weight that is solved anew, and its ridge.
  var ridge = 0.0
  /// What healing leaves of the damage.
  var rest = 1e-6
  /// Adds the second step's branch, whose last weight is called `w`.
  let branch: @Sendable (inout NetworkText, String) -> String

  var testDescription: String { name }

  /// A matrix that can be inverted.
  static let mixing = "1, 2, 0, 0, 0, 1, -1, 0, 0, 0, 1, 0.5, 0.5, 0, 0, 1"
  static let small = "0.2, 0.1, 0, 0, 0, -0.3, 0.1, 0, 0.1, 0, 0.2, 0, 0, 0, 0.1, 0.3"

  var isImage: Bool { data.count == 4 }

  func build() -> NetworkText {
    var net = NetworkText("N, \(data.dropFirst().map(String.init).joined(separator: ", "))")
    let first =
      isImage
      ? net.apply("Conv", "x", net.constant("float[4, 4, 1, 1]", Self.small))
      : net.apply("MatMul", "x", net.constant("float[4, 4]", Self.small))
    net.apply("Add", first, "x", to: "h1")
    net.apply("Add", branch(&net, "h1"), "h1", to: "h2")
    let shape = data.dropFirst().map(String.init).joined(separator: ", ")
    net.outputs = ["float[N, \(shape)] \(net.apply("Identity", "h2"))"]
    return net
  }

  static func mixed(_ net: inout NetworkText, _ h: String) -> String {
    net.apply("MatMul", h, net.constant("float[4, 4]", mixing))
  }

  static let all: [HealableNetwork] = [
    HealableNetwork(name: "matrix") { net, h in
      net.apply("MatMul", mixed(&net, h), net.weight([4, 4]))
    },
    HealableNetwork(name: "matrix and bias, LayerScale, weight behind Identity and Transpose") {
      net, h in
      let weight = net.apply(
        "Transpose <perm = [1, 0]>", net.apply("Identity", net.weight([4, 4])))
      let product = net.apply("Add", net.apply("MatMul", mixed(&net, h), weight), net.weight([4]))
      return net.apply("Mul", product, net.constant("float[4]", "0.1, 2, -0.5, 1"))
    },
    HealableNetwork(name: "matrix in a Constant node") { net, h in
      let weight = net.apply(
        "Constant <value = float[4, 4] {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}>")
      return net.apply("MatMul", mixed(&net, h), weight)
    },
    HealableNetwork(name: "transposed Gemm", data: [64, 4]) { net, h in
      net.apply(
        "Gemm <transB = 1, alpha = 0.5, beta = 2.0>", mixed(&net, h), net.weight([4, 4]),
        net.weight([4]))
    },
    HealableNetwork(name: "Gemm between reshapes") { net, h in
      let rows = net.apply("Reshape", mixed(&net, h), net.constant("int64[2]", "-1, 4"))
      let product = net.apply("Gemm", rows, net.weight([4, 4]), net.weight([4]))
      return net.apply("Reshape", product, net.constant("int64[3]", "-1, 3, 4"))
    },
    HealableNetwork(name: "convolution of one pixel", data: [16, 4, 5, 5]) { net, h in
      net.apply("Conv", h, net.weight([4, 4, 1, 1]), net.weight([4]))
    },
    HealableNetwork(name: "convolution and BatchNormalization", data: [32, 4, 5, 5]) { net, h in
      let convolved = net.apply(
        "Conv <pads = [1, 1, 1, 1]>", h, net.weight([4, 4, 3, 3], spread: 0.2))
      return net.apply(
        "BatchNormalization", convolved, net.constant("float[4]", "1, 0.5, 2, -1"), net.weight([4]),
        net.weight([4]), net.weight([4], 1))
    },
  ]
}

@Suite struct HealingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ net: NetworkText) throws -> String {
    let path = folder.path("model.onnx")
    try ONNXFile.write(try Model(text: net.text), to: path, overwriting: true)
    return path
  }

  private func convert(
    _ path: String, _ data: [Int], _ selection: SelectionOptions, threads: Int = 1,
    to name: String = "out.onnx"
  ) throws -> ConversionReport {
    let npy = folder.path("data.npy")
    try NpyFile.write(ArchitectureTests.noise(data), path: npy, overwriting: true)
    return try Conversion(
      input: path, output: folder.path(name), overwriting: true, recordsProvenance: true,
      data: DataRequest(paths: [npy]), selection: selection, machine: Machine(threads: threads)
    ).run(.silent)
  }

  @Test(arguments: HealableNetwork.all) func whatWasLostIsMadeGood(_ network: HealableNetwork)
    throws
  {
    let path = try write(network.build())
    func damage(heals: Bool) throws -> (report: ConversionReport, error: Double) {
      let report = try convert(
        path, network.data, SelectionOptions(spans: "0:1", form: "identity", heals: heals))
      return (report, report.outputs[0].relativeError)
    }
    let (plain, healed) = (try damage(heals: false), try damage(heals: true))
    #expect(plain.report.healed.isEmpty)
    #expect(plain.error > 1e-2)
    #expect(healed.report.healed.count == 1)
    #expect(healed.error < network.rest * plain.error)
    #expect(healed.report.parameters.after == plain.report.parameters.after)
    let step = try #require(healed.report.healed.first)
    #expect(step.ridge == network.ridge)
    #expect(step.errorAfter < 1e-6 * step.errorBefore)
  }

  /// A feature that BatchNormalization makes constant: what is stored cannot move it, the others heal.
  @Test(arguments: [true, false]) func whatCannotBeChangedStays(hasBias: Bool) throws {
    let data = [32, 4, 5, 5]
    let network = HealableNetwork(name: "", data: data) { net, h in
      let weight = net.weight([4, 4, 1, 1])
      let convolved =
        hasBias ? net.apply("Conv", h, weight, net.weight([4])) : net.apply("Conv", h, weight)
      return net.apply(
        "BatchNormalization", convolved, net.constant("float[4]", "1, 0.5, 0, -1"),
        net.weight([4]), net.weight([4]), net.weight([4], 1))
    }
    let path = try write(network.build())
    let report = try convert(path, data, SelectionOptions(spans: "0:1", form: "identity"))
    let plain = try convert(
      path, data, SelectionOptions(spans: "0:1", form: "identity", heals: false))
    let step = try #require(report.healed.first)
    // What the step is said to leave is what the written model's output has, which is the sum; its scatter
    // is about the mean of each pixel of eight samples, an eighth less than about that of each channel.
    #expect(abs(step.errorAfter - report.outputs[0].relativeError) <= 0.2 * step.errorAfter)
    #expect(step.errorAfter > 1e-4 * step.errorBefore)
    #expect(report.outputs[0].relativeError < 0.6 * plain.outputs[0].relativeError)
  }

  /// Scores of classes that are ruled out: the original's are −∞ too.
  @Test func whatIsInfiniteInBothIsNoDamage() throws {
    var net = NetworkText("N, 4")
    net.apply("Add", net.mlp("x"), "x", to: "h1")
    net.apply("Add", net.mlp("h1"), "h1", to: "h2")
    let scores = net.apply("MatMul", "h2", net.weight([4, 3]))
    let mask = net.apply("Log", net.constant("float[3]", "1, 0, 1"))
    net.outputs = ["float[N, 3] \(net.apply("Add", scores, mask))"]
    let report = try convert(
      try write(net), [32, 4], SelectionOptions(maximumDrop: 10, form: "linear", heals: false))
    #expect(report.guard.passed && !report.spans.isEmpty)
    #expect(
      report.frontier.allSatisfy {
        $0.measuredDamage?.isFinite ?? $0.predictedDamage?.isFinite ?? false
      })
    #expect(report.outputs[0].relativeError.isFinite)
  }

  /// The error is taken before the normalisation. Normalised rows have no mean, so that u's Gram matrix
  /// is singular and some ridge remains.
  @Test func whatWasLostBehindNormalisationsIsMadeGood() throws {
    var net = NetworkText("N, 3, 4")
    let one = net.constant("float[4]", "1, 1, 1, 1")
    func norm(_ x: String, _ scale: String, _ shift: String, to output: String) -> String {
      net.apply("LayerNormalization <axis = -1>", x, scale, shift, to: output)
    }
    let zero = net.constant("float[4]", "0, 0, 0, 0")
    var h = norm("x", one, zero, to: "h0")
    let half = net.constant(
      "float[4, 4]", "0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5")
    let first = net.apply("Add", net.apply("MatMul", h, half), h)
    h = norm(first, net.constant("float[4]", "2, 0.5, 1, 1.5"), net.weight([4]), to: "h1")
    let mixing = net.constant("float[4, 4]", HealableNetwork.mixing)
    let branch = net.apply(
      "Add", net.apply("MatMul", net.apply("MatMul", h, mixing), net.weight([4, 4])),
      net.weight([4]))
    h = norm(net.apply("Add", branch, h), one, zero, to: "h2")
    net.outputs = ["float[N, 3, 4] \(net.apply("Identity", h))"]
    let path = try write(net)
    func convert(heals: Bool) throws -> ConversionReport {
      try self.convert(
        path, [64, 3, 4], SelectionOptions(spans: "0:1", form: "identity", heals: heals))
    }
    let (plain, healed) = (try convert(heals: false), try convert(heals: true))
    #expect(plain.outputs[0].relativeError > 1e-2)
    #expect(healed.outputs[0].relativeError < 1e-4 * plain.outputs[0].relativeError)
    #expect(healed.healed.count == 1)
  }

  /// Errors that come from an earlier stream are healed in a later one, of other width.
  @Test func aLaterStreamIsHealedToo() throws {
    var net = NetworkText("N, 3, 4")
    let first = net.apply("MatMul", "x", net.constant("float[4, 4]", HealableNetwork.small))
    net.apply("Add", first, "x", to: "a1")
    let wide = net.apply("MatMul", "a1", net.weight([4, 6]), to: "b0")
    let branch = net.apply("MatMul", wide, net.weight([6, 6]))
    net.apply("Add", branch, wide, to: "b1")
    net.outputs = ["float[N, 3, 6] \(net.apply("Identity", "b1"))"]
    let path = try write(net)
    let structure = try ModelStructure(try LoadedModel(path: path))
    #expect(structure.streams.count == 2)
    func convert(heals: Bool) throws -> ConversionReport {
      try self.convert(
        path, [64, 3, 4], SelectionOptions(spans: "0/0:1", form: "identity", heals: heals))
    }
    let (plain, healed) = (try convert(heals: false), try convert(heals: true))
    #expect(healed.healed.count == 1)
    // Of six features four are independent: u's Gram matrix is singular, and some ridge remains.
    #expect(healed.outputs[0].relativeError < 5e-2 * plain.outputs[0].relativeError)
  }

  /// One token in twenty is 10,000 times as long as others. What a map misses of it, no weight behind is
  /// bent to.
  @Test func outliersDoNotRuleWhatIsHealed() throws {
    var net = NetworkText("N, 5, 4")
    var h = net.apply("Identity", "x")
    for _ in 0..<3 { h = net.apply("Add", net.mlp(net.norm(h)), h) }
    net.outputs = ["float[N, 5, 4] \(net.apply("Identity", h))"]
    let (path, npy) = (try write(net), folder.path("outliers.npy"))
    var values: [Float] = ArchitectureTests.noise([96, 5, 4]).elements()
    for sample in stride(from: 0, to: 96, by: 4) {
      for k in 0..<4 { values[sample * 20 + k] *= 10_000 }
    }
    try NpyFile.write(Tensor(values, shape: [96, 5, 4]), path: npy, overwriting: false)
    func cosine(heals: Bool) throws -> Double {
      let report = try Analysis(
        input: path, plan: nil, overwriting: false, data: DataRequest(paths: [npy]),
        selection: SelectionOptions(spans: "0:1", form: "linear", heals: heals),
        machine: Machine(threads: 1)
      ).run(.silent)
      return report.outputs[0].cosine
    }
    #expect(try cosine(heals: true) >= cosine(heals: false))
  }

  @Test func bytesAreThoseOfThePlanWhateverTheThreads() throws {
    let selection = SelectionOptions(spans: "2:5", form: "identity")
    let data = DataRequest(paths: [Sample.calibration], maximumSamples: 128)
    var results: [Data] = []
    for threads in [1, 2] {
      let path = folder.path("\(threads).onnx")
      let report = try Conversion(
        input: Sample.model, output: path, overwriting: false, recordsProvenance: true, data: data,
        selection: selection, machine: Machine(threads: threads)
      ).run(.silent)
      #expect(!report.healed.isEmpty)
      #expect(report.healed.allSatisfy { $0.errorAfter < $0.errorBefore })
      results.append(try bytes(path))
    }
    let (plan, applied) = (folder.path("plan.json"), folder.path("applied.onnx"))
    _ = try Analysis(
      input: Sample.model, plan: plan, overwriting: false, data: data, selection: selection,
      machine: Machine(threads: 2)
    ).run(.silent)
    _ = try PlanApplication(
      model: Sample.model, plan: plan, output: applied, overwriting: false, recordsProvenance: true
    ).run(.silent)
    results.append(try bytes(applied))
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }

  // MARK: Folded

  @Test(arguments: ["ridge", "least-squares"])
  func aSpanIsFoldedIntoTheStepBefore(fit: String) throws {
    var net = NetworkText("N, 3, 4")
    let branch = net.apply(
      "MatMul", HealableNetwork.mixed(&net, "x"), net.weight([4, 4], spread: 4))
    net.apply("Add", branch, "x", to: "h1")
    // Linear in what the first branch gives, but not in the skip: only u's own rows can tell.
    let second = net.apply("MatMul", "h1", net.constant("float[4, 4]", HealableNetwork.small))
    net.apply("Add", second, "h1", to: "h2")
    let third = net.apply("MatMul", "h2", net.weight([4, 4], spread: 0.1))
    net.apply("Add", third, "h2", to: "h3")
    net.outputs = ["float[N, 3, 4] \(net.apply("Identity", "h3"))"]
    let path = try write(net)
    func convert(_ form: String, _ fit: String) throws -> ConversionReport {
      try self.convert(
        path, [64, 3, 4], SelectionOptions(spans: "1:2", form: form, fit: fit, heals: false))
    }
    let (passed, folded) = (try convert("identity", "ridge"), try convert("folded", fit))
    #expect(folded.spans[0].form == "folded")
    #expect(folded.parameters.after == passed.parameters.after)
    // x W₁ and x are of one another's span, so that both recipes are exact.
    #expect(folded.outputs[0].relativeError < 1e-5 * passed.outputs[0].relativeError)
    #expect(abs(try #require(folded.spans[0].outputError)) < 1e-5)
    #expect(try #require(folded.spans[0].r2) > 1 - 1e-5)
  }

  /// R² is of what stands behind the span, by whatever recipe.
  @Test func howWellAFoldDoesIsToldAlike() throws {
    func r2(_ fit: String) throws -> Double {
      let report = try Analysis(
        input: Sample.model, plan: nil, overwriting: false,
        data: DataRequest(paths: [Sample.calibration], maximumSamples: 64),
        selection: SelectionOptions(spans: "10:12", form: "folded", fit: fit, heals: false),
        machine: Machine(threads: 2)
      ).run(.silent)
      return try #require(report.spans[0].r2)
    }
    // Least squares of the branch alone leaves more, but of the same scatter.
    let (ridge, leastSquares) = (try r2("ridge"), try r2("least-squares"))
    #expect(leastSquares < ridge && 1 - leastSquares < 4 * (1 - ridge))
  }

  /// A span that does nothing: no other weight before it is better than none.
  @Test func whatIsNotFoldedIsNotCalledSo() throws {
    var net = NetworkText("N, 3, 4")
    let branch = net.apply("MatMul", HealableNetwork.mixed(&net, "x"), net.weight([4, 4]))
    net.apply("Add", branch, "x", to: "h1")
    let zeros = [String](repeating: "0", count: 16).joined(separator: ", ")
    net.apply(
      "Add", net.apply("MatMul", "h1", net.constant("float[4, 4]", zeros)), "h1", to: "h2")
    net.outputs = ["float[N, 3, 4] \(net.apply("Identity", "h2"))"]
    let report = try convert(
      write(net), [64, 3, 4], SelectionOptions(spans: "1:2", form: "folded"))
    #expect(report.spans.map(\.form) == ["identity"])
    #expect(report.guard.passed)
  }

  @Test func aStepThatIsNotHealedIsNamed() throws {
    var net = try #require(HealableNetwork.all.first).build()
    net.apply("Add", net.apply("Sin", "h2"), "h2", to: "h3")
    net.outputs = ["float[N, 3, 4] \(net.apply("Identity", "h3"))"]
    let (path, npy, notes) = (try write(net), folder.path("data.npy"), Notes())
    try NpyFile.write(ArchitectureTests.noise([32, 3, 4]), path: npy, overwriting: true)
    _ = try Analysis(
      input: path, plan: nil, overwriting: false, data: DataRequest(paths: [npy]),
      selection: SelectionOptions(spans: "0:1", form: "identity"), machine: Machine(threads: 1)
    ).run(notes.diagnostics)
    #expect(
      notes.lines.contains { $0.hasPrefix("not healed is the last weight of step 2:3, since ") },
      "\(notes.lines)")
  }

  @Test func aSpanThatCannotBeFoldedIsRefusedWithTheReason() throws {
    let path = try write(HealableNetwork.all[0].build())
    let refusal = try failure { () throws(Failure) in
      do {
        _ = try convert(path, [32, 3, 4], SelectionOptions(spans: "0:1", form: "folded"))
      } catch let failure as Failure { throw failure } catch { Issue.record(error) }
    }
    #expect(refusal.message == "--form: span 0:1 cannot be folded: no step lies before it")
    #expect(refusal.status == .usage)
  }

  // MARK: Sites

  private func site(
    channels: Bool = false, _ branch: (inout NetworkText, String) -> String
  ) throws -> HealingSite {
    var net = NetworkText(channels ? "N, 4, 5, 5" : "N, 3, 4")
    net.apply("Add", branch(&net, "x"), "x", to: "h1")
    net.outputs = [
      channels
        ? "float[N, 4, 5, 5] \(net.apply("Identity", "h1"))"
        : "float[N, 3, 4] \(net.apply("Identity", "h1"))"
    ]
    let structure = try ModelStructure(try LoadedModel(path: write(net)))
    return try structure.healingSites.site(of: 0, in: try #require(structure.streams.first))
  }

  private func reason(
    channels: Bool = false, _ branch: (inout NetworkText, String) -> String
  ) throws -> String {
    do {
      _ = try site(channels: channels, branch)
    } catch let error as NoHealingSite { return error.description }
    return "none"
  }

  @Test func reasonsNameWhatStandsInTheWay() throws {
    #expect(
      try reason { net, h in net.apply("Tanh", net.mlp(h), to: "t") }
        == "node Tanh stands between the last weight and the sum")
    #expect(
      try reason { net, h in
        let weight = net.weight([4, 4])
        return net.apply("MatMul", net.apply("MatMul", h, weight), weight)
      } == "the weight 'w1' is read elsewhere too")
    #expect(
      try reason { net, h in
        net.apply("MatMul", h, net.apply("Neg", net.weight([4, 4]), to: "negated"))
      } == "'negated' is no stored weight but computed by node Neg")
    #expect(
      try reason(channels: true) { net, h in
        net.apply("Conv <group = 4>", h, net.weight([4, 1, 1, 1]))
      } == "node Conv is no convolution of all channels")
    #expect(
      try reason { net, h in
        let scores = net.apply("MatMul", h, net.apply("Transpose <perm = [0, 2, 1]>", h))
        return net.apply("MatMul", net.apply("Softmax <axis = -1>", scores), h)
      }.hasSuffix("is read elsewhere too") == true)
  }

  @Test func factorsAndConstantsAreThoseOfTheBranch() throws {
    let found = try site { net, h in
      let product = net.apply("MatMul", h, net.weight([4, 4]))
      let shifted = net.apply("Add", product, net.constant("float[4]", "1, 2, 3, 4"))
      let scaled = net.apply("Mul", net.constant("float[4]", "2, 2, 0.5, 1"), shifted)
      let moved = net.apply("Sub", scaled, net.constant("float", "1"))
      return net.apply("Div", moved, net.constant("float[1]", "2"))
    }
    #expect(found.factors == [1, 1, 0.25, 0.5])
    #expect(found.constant == [0.5, 1.5, 0.25, 1.5])
    #expect(found.bias?.factors == [1, 1, 0.25, 0.5])
    #expect(found.inputWidth == 4)
    #expect(!found.isTransposed)
  }
}
