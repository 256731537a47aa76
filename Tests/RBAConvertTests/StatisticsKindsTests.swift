import ArrayFormats
import Foundation
import GraphIR
import ONNXFormat
import Planning
import Statistics
import Tensors
import Testing

@testable import RBAConvert

/// Statistics of streams whose fits take more than the moments of tokens, or whose tokens weigh
/// differently.
@Suite struct StatisticsKindsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Three convolutional blocks, and noise to feed them.
  private func convolutions() throws -> (model: String, data: String) {
    var net = NetworkText("N, 4, 6, 6")
    var h = net.apply("Relu", net.conv("x"), to: "h0")
    for index in 1...3 {
      h = net.apply("Add", h, net.conv(net.apply("Relu", net.conv(h))), to: "h\(index)")
    }
    net.outputs = ["float[N, 4, 6, 6] \(net.conv(h))"]
    let (path, data) = (folder.path("model.onnx"), folder.path("x.npy"))
    try ONNXFile.write(try Model(text: net.text), to: path, overwriting: false)
    try NpyFile.write(ArchitectureTests.noise([32, 4, 6, 6]), path: data, overwriting: false)
    return (path, data)
  }

  /// A transformer whose first token is two hundred times as long as the others in some samples.
  private func outliers() throws -> (model: String, data: String) {
    var net = NetworkText("N, 3, 4")
    var h = net.apply("Add", "x", net.weight([3, 4]), to: "h0")
    for index in 1...4 {
      let normed = net.norm(h)
      h = net.apply(
        "Add", h, index % 2 == 1 ? net.attention(normed) : net.mlp(normed), to: "h\(index)")
    }
    net.outputs = ["float[N, 3, 4] \(net.norm(h))"]
    let (path, data) = (folder.path("model.onnx"), folder.path("x.npy"))
    try ONNXFile.write(try Model(text: net.text), to: path, overwriting: false)
    var values = ArchitectureTests.noise([32, 3, 4]).elements(as: Float.self)
    for sample in 0..<8 {
      for k in 0..<4 { values[3 * sample * 12 + k] *= 200 }
    }
    try NpyFile.write(Tensor(values, shape: [32, 3, 4]), path: data, overwriting: false)
    return (path, data)
  }

  private func gather(
    _ model: String, _ data: String, to name: String, samples: Int? = nil, weights: String? = nil
  ) throws -> String {
    let path = folder.path(name)
    _ = try StatisticsGathering(
      input: model, output: path, overwriting: false,
      data: DataRequest(paths: [data], maximumSamples: samples), holdout: 0.5, weights: weights,
      machine: Machine(threads: 1)
    ).run(.silent)
    return path
  }

  private func plan(
    _ model: String, _ data: String, statistics: String?, _ selection: SelectionOptions,
    notes: Notes = Notes()
  ) throws -> Data {
    let path = folder.path("plan.json")
    _ = try Analysis(
      input: model, plan: path, overwriting: true,
      data: DataRequest(paths: [data], statistics: statistics), selection: selection,
      machine: Machine(threads: 1)
    ).run(notes.diagnostics)
    return try bytes(path)
  }

  @Test(arguments: ["convolution", "auto", "linear"])
  func neighbourhoodsAreSaved(form: String) throws {
    let (model, data) = try convolutions()
    let statistics = try gather(model, data, to: "s.safetensors")
    let stream = try #require(try StatisticsFile(path: statistics).header.streams.first)
    #expect(stream.kinds == .patches)
    #expect(stream.patches == .init(fit: 16 * 36, held: 16 * 36))
    let selection = SelectionOptions(spans: "1:3", form: form, holdout: 0.5)
    #expect(
      try plan(model, data, statistics: statistics, selection)
        == plan(model, data, statistics: nil, selection))
  }

  @Test func neighbourhoodsOfShardsAddUp() throws {
    let (model, data) = try convolutions()
    let file = try StatisticsFile(path: gather(model, data, to: "s.safetensors"))
    let report = try StatisticsMerging(
      inputs: [file.path, file.path], output: folder.path("merged.safetensors"),
      overwriting: false
    ).run(.silent)
    let merged = try StatisticsFile(path: report.output)
    #expect(merged.header.streams[0].patches == .init(fit: 32 * 36, held: 32 * 36))
    // The same rows twice have twice the moments, and so the same fit but for rounding.
    let (one, two) = try [file, merged].map { file in
      let (fit, held) = (
        file.moments(of: [PointPair(1, 3)], stream: 0, .fit),
        file.moments(of: [PointPair(1, 3)], stream: 0, .held)
      )
      let evidence = SpanEvidence(fit, held: held, PointPair(1, 3))
      return try FitPolicy(form: "convolution", fit: "ridge").fits(
        .convolution, evidence, StartFactors(evidence))[0].heldResidual
    }.pair
    #expect(abs(two - 2 * one) <= 1e-6 * two)
  }

  @Test(arguments: ["linear", "auto", "bias"])
  func outliersHaveTheSameWeightsAgain(form: String) throws {
    let (model, data) = try outliers()
    let statistics = try gather(model, data, to: "s.safetensors")
    let stream = try #require(try StatisticsFile(path: statistics).header.streams.first)
    let outliers = try #require(stream.outliers)
    #expect(outliers.weights.fit < Double(stream.rows.fit))
    #expect(stream.kinds == [])
    let selection = SelectionOptions(spans: "0:1", form: form, holdout: 0.5)
    #expect(
      try plan(model, data, statistics: statistics, selection)
        == plan(model, data, statistics: nil, selection))
  }

  @Test(arguments: [
    SelectionOptions(spans: "0:1", form: "linear", fit: "least-squares", holdout: 0.5),
    SelectionOptions(holdout: 0.5, recipe: "shortgpt", blocks: 1),
  ])
  func publishedMethodsTakeNoWeights(selection: SelectionOptions) throws {
    let (model, data) = try outliers()
    let statistics = try gather(model, data, to: "s.safetensors")
    let notes = Notes()
    #expect(
      try plan(model, data, statistics: statistics, selection, notes: notes)
        == plan(model, data, statistics: nil, selection))
    #expect(
      notes.lines == [
        "\(statistics): its outlier tokens have weights, which the published methods do not take; "
          + "maps are fitted on the data given"
      ])
  }

  @Test func filesOfOtherWeightsDoNotMerge() throws {
    let (model, data) = try outliers()
    let first = try gather(model, data, to: "a.safetensors")
    let noise = folder.path("noise.npy")
    try NpyFile.write(ArchitectureTests.noise([16, 3, 4]), path: noise, overwriting: false)
    let other = try gather(model, noise, to: "b.safetensors")
    let merged = folder.path("m.safetensors")
    let refusal = try failure { () throws(Failure) in
      try StatisticsMerging(inputs: [first, other], output: merged, overwriting: false)
        .run(.silent)
    }
    #expect(refusal.status == .malformedInput)
    #expect(
      refusal.message == "\(other): stream 0: outlier tokens have other weights than in \(first)")
    let alike = try gather(model, noise, to: "c.safetensors", weights: first)
    let report = try StatisticsMerging(inputs: [first, alike], output: merged, overwriting: false)
      .run(.silent)
    #expect(report.samples.fit == 24)
    let (a, b, both) = (
      try StatisticsFile(path: first), try StatisticsFile(path: alike),
      try StatisticsFile(path: merged)
    )
    let weights = [a, b, both].compactMap { $0.header.streams[0].outliers?.weights.fit }
    #expect(weights.count == 3 && weights[0] + weights[1] == weights[2])
  }
}

extension [Double] {
  fileprivate var pair: (Double, Double) { (self[0], self[1]) }
}
