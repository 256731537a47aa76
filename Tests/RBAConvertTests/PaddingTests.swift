import ArrayFormats
import Execution
import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

@testable import Planning
@testable import RBAConvert

/// A small encoder that masks padding: what stands there must not matter.
@Suite struct PaddingTests {
  private let folder: TemporaryFolder
  private let samples = 24
  private let tokens = 5
  private let d = 4

  init() throws { folder = try TemporaryFolder() }

  /// Two post-norm blocks; the mask is added to the scores as −10000 at padding.
  private func model() throws -> String {
    var net = NetworkText("N, 5, 4")
    let flags = net.apply("Cast <to = 1>", "m")
    let absent = net.apply("Sub", net.constant("float", "1"), flags)
    let penalty = net.apply("Mul", absent, net.constant("float", "-10000"))
    let mask = net.apply("Unsqueeze", penalty, net.constant("int64[1]", "1"))
    var h = net.apply("Add", "x", net.weight([5, 4]), to: "h0")
    for index in 1...4 {
      let branch: String
      if index % 2 == 1 {
        let query = net.apply("MatMul", h, net.weight([4, 4]))
        let key = net.apply("MatMul", h, net.weight([4, 4]))
        let scores = net.apply(
          "MatMul", query, net.apply("Transpose <perm = [0, 2, 1]>", key))
        let weights = net.apply("Softmax <axis = -1>", net.apply("Add", scores, mask))
        let mixed = net.apply("MatMul", weights, net.apply("MatMul", h, net.weight([4, 4])))
        branch = net.apply("MatMul", mixed, net.weight([4, 4]))
      } else {
        branch = net.mlp(h)
      }
      h = net.norm(net.apply("Add", h, branch), to: "h\(index)")
    }
    // The first token's values, which padding does not reach.
    let first = net.apply("Gather <axis = 1>", h, net.constant("int64", "0"))
    net.outputs = ["float[N, 4] \(first)"]
    let text = net.text.replacing("[N, 5, 4] x)", with: "[N, 5, 4] x, int64[N, 5] m)")
    let path = folder.path("model.onnx")
    try ONNXFile.write(try Model(text: text), to: path, overwriting: true)
    return path
  }

  /// Data whose padding holds `filling`.
  private func data(_ filling: Float) throws -> DataRequest {
    var values = ArchitectureTests.noise([samples, tokens, d]).elements(as: Float.self)
    let lengths = (0..<samples).map { 2 + $0 % 4 }
    var flags = [Int64](repeating: 1, count: samples * tokens)
    for sample in 0..<samples {
      for token in lengths[sample]..<tokens {
        flags[sample * tokens + token] = 0
        for k in 0..<d {
          values[(sample * tokens + token) * d + k] *= filling
        }
      }
    }
    let (x, m) = (folder.path("x.npy"), folder.path("m.npy"))
    try NpyFile.write(Tensor(values, shape: [samples, tokens, d]), path: x, overwriting: true)
    try NpyFile.write(Tensor(flags, shape: [samples, tokens]), path: m, overwriting: true)
    return DataRequest(paths: ["x:\(x)", "m:\(m)"])
  }

  @Test(arguments: ["bias", "diagonal", "low-rank", "linear", "linear-unbiased", "context"])
  func paddingChangesNoBit(_ form: String) throws {
    let path = try model()
    let plans = try [Float(1), 0, 700].map { filling in
      let plan = folder.path("plan.json")
      _ = try Analysis(
        input: path, plan: plan, overwriting: true, data: data(filling),
        selection: SelectionOptions(spans: "0.5:1.5", form: form), machine: Machine(threads: 1)
      ).run(.silent)
      return try bytes(plan)
    }
    #expect(plans[0] == plans[1])
    #expect(plans[0] == plans[2])
    let read = try ReplacementPlan(json: Array(plans[0]))
    #expect(read.spans[0].mask == (form == "context" ? "m" : nil))
  }

  /// So that a search fits sets on as many rows as it needs.
  @Test func paddingIsNoRow() throws {
    let path = try model()
    let study = try Analysis(
      input: path, plan: nil, overwriting: false, data: data(1),
      selection: SelectionOptions(holdout: 0.5), machine: Machine(threads: 1)
    ).study(LoadedModel(path: path), Notes().diagnostics).0
    let flags = try #require(study.fit.feeds["m"]?.all.floats)
    #expect(flags.count == study.fit.count * tokens && flags.contains(0))
    #expect(
      study.rowsPerSample(of: study.streams[0], in: study.fit)
        == Double(flags.count { $0 != 0 }) / Double(study.fit.count))
  }

  /// By all tokens, by the last one, and by one that some samples lack.
  @Test func paddingScoresNothing() throws {
    let path = try model()
    func scores(_ filling: Float, token: String) throws -> [Double] {
      let report = try Analysis(
        input: path, plan: nil, overwriting: false, data: data(filling),
        selection: SelectionOptions(spans: "0.5:1.5", scoreToken: token), scores: true,
        machine: Machine(threads: 1)
      ).run(.silent)
      return try #require(report.scores).flatMap { [$0.blockRedundancy, $0.cosine, $0.linearCKA] }
    }
    for token in ["all", "last", "3"] {
      let scores = try [1, 0, 700].map { try scores($0, token: token) }
      #expect(scores[0] == scores[1])
      #expect(scores[0] == scores[2])
    }
  }

  @Test func paddingIsNoShift() throws {
    let (path, output) = (try model(), folder.path("out.onnx"))
    _ = try Conversion(
      input: path, output: output, overwriting: false, recordsProvenance: true, data: data(1),
      selection: SelectionOptions(spans: "0.5:1.5"), machine: Machine(threads: 1)
    ).run(.silent)
    let distances = try [Float(1), 0, 700].map { filling in
      let report = try Verification(
        a: path, b: output, data: data(filling), maximumError: .infinity, minimumAgreement: nil,
        machine: Machine(threads: 1)
      ).run(.silent)
      return try #require(report.domainShift).distance
    }
    #expect(distances[0] == distances[1])
    #expect(distances[0] == distances[2])
  }

  @Test(arguments: ["low-rank", "context"])
  func savedMomentsLeavePaddingOut(_ form: String) throws {
    let path = try model()
    let statistics = folder.path("s.safetensors")
    _ = try StatisticsGathering(
      input: path, output: statistics, overwriting: false, data: data(700), holdout: 0.5,
      machine: Machine(threads: 1)
    ).run(.silent)
    let plans = try [nil, statistics].map { statistics in
      let plan = folder.path("plan.json")
      var request = try data(1)
      request.statistics = statistics
      _ = try Analysis(
        input: path, plan: plan, overwriting: true, data: request,
        selection: SelectionOptions(spans: "0.5:1.5", form: form, holdout: 0.5),
        machine: Machine(threads: 1)
      ).run(.silent)
      return try bytes(plan)
    }
    #expect(plans[0] == plans[1])
  }

  @Test(arguments: ["low-rank", "context"])
  func aPlanAppliedGivesWhatConvertGives(_ form: String) throws {
    let path = try model()
    let selection = SelectionOptions(spans: "0:0.5,1:2", form: form)
    let (direct, plan, applied) = (
      folder.path("direct.onnx"), folder.path("plan.json"), folder.path("applied.onnx")
    )
    let report = try Conversion(
      input: path, output: direct, overwriting: false, recordsProvenance: false, data: data(1),
      selection: selection, machine: Machine(threads: 1)
    ).run(.silent)
    _ = try Analysis(
      input: path, plan: plan, overwriting: false, data: data(1), selection: selection,
      machine: Machine(threads: 2)
    ).run(.silent)
    _ = try PlanApplication(
      model: path, plan: plan, output: applied, overwriting: false, recordsProvenance: false
    ).run(.silent)
    #expect(try bytes(applied) == bytes(direct))
    #expect(
      try LoadedModel(path: applied).model.graph.parameterCount == report.parameters.after)
  }

  @Test(
    arguments: [
      ("transformers-bert.dynamo18", "attention_mask"),
      ("transformers-bert.torchscript14", "attention_mask"),
      ("transformers-dinov2.torchscript14", nil), ("torchvision-resnet.torchscript9", nil),
    ] as [(String, String?)])
  func exportedModelsHaveTheirMasks(_ name: String, _ mask: String?) throws {
    let fixture = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Fixtures/exports/\(name).onnx").path
    let structure = try ModelStructure(LoadedModel(path: fixture))
    let stream = try #require(structure.streams.first)
    #expect(stream.mask.map { structure.graph[$0].name } == mask)
  }
}
