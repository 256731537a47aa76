import ArrayFormats
import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

@testable import RBAConvert

/// A network whose first block keeps values small enough for the second's Exp: where the first is passed
/// over, some samples overflow.
@Suite struct OverflowTests {
  private let folder: TemporaryFolder
  private let model: String
  private let data: String

  init() throws {
    folder = try TemporaryFolder()
    (model, data) = (folder.path("model.onnx"), folder.path("data.npy"))
    var net = NetworkText("N, 4")
    let start = net.apply("Identity", "x")
    let squashed = net.apply("Sub", net.apply("Tanh", start), start)
    let identity = net.constant(
      "float[4, 4]", "1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1")
    var h = net.apply("Add", net.apply("MatMul", squashed, identity), start)
    let powers = net.apply("Exp", net.apply("Mul", h, net.constant("float", "50")))
    h = net.apply("Add", net.apply("MatMul", powers, net.weight([4, 4], spread: 1e-22)), h)
    for _ in 0..<4 { h = net.apply("Add", net.mlp(h), h) }
    net.outputs = ["float[N, 4] \(net.apply("Identity", h))"]
    try ONNXFile.write(try Model(text: net.text), to: model, overwriting: false)
    var values: [Float] = ArchitectureTests.noise([128, 4]).elements()
    // Every eighth sample, so that both parts have some.
    for sample in stride(from: 0, to: 128, by: 8) {
      for k in 0..<4 { values[sample * 4 + k] = 10 + Float(sample) / 128 }
    }
    try NpyFile.write(Tensor(values, shape: [128, 4]), path: data, overwriting: false)
  }

  private func analyze(
    _ selection: SelectionOptions, notes: Notes = Notes()
  ) throws -> ConversionReport {
    try Analysis(
      input: model, plan: nil, overwriting: false, data: DataRequest(paths: [data]),
      selection: selection, machine: Machine(threads: 2)
    ).run(notes.diagnostics)
  }

  @Test func aMapBehindValuesThatOverflowIsNotFitted() throws {
    let notes = Notes()
    let report = try analyze(SelectionOptions(spans: "0:1,3:4", form: "linear"), notes: notes)
    #expect(!report.guard.passed)
    #expect(report.refusal?.contains("a NaN or an infinity") == true)
    #expect(notes.lines.contains { $0.hasPrefix("span 3:4 is passed over: behind the spans") })
  }

  @Test(arguments: [nil, "identity", "linear"])
  func aSearchGoesOnWithoutTheBlock(form: String?) throws {
    for selection in [
      SelectionOptions(maximumDrop: 0.3, form: form ?? "auto"),
      SelectionOptions(targetParameters: "80%", form: form ?? "auto"),
      SelectionOptions(targetParameters: "80%", form: form ?? "auto", searchedSets: 1),
    ] {
      let report = try analyze(selection)
      #expect(report.guard.passed, "\(report.refusal ?? "")")
      #expect(!report.spans.isEmpty)
      #expect(report.spans.allSatisfy { $0.blocks.first != 0 })
    }
  }
}
