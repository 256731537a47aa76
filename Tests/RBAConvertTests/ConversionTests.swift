import Execution
import Foundation
import SafetensorsFormat
import Tensors
import Testing

@testable import RBAConvert

/// Whole conversions of the sample, on few digits and with spans given, which take seconds.
@Suite struct ConversionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private var data: DataRequest { DataRequest(paths: [Sample.calibration], maximumSamples: 64) }

  private func convert(
    _ selection: SelectionOptions, to output: String?, threads: Int = 2, provenance: Bool = true
  ) throws(Failure) -> ConversionReport {
    try Conversion(
      input: Sample.model, output: output, overwriting: false, recordsProvenance: provenance,
      data: data, selection: selection, machine: Machine(threads: threads)
    ).run(.silent)
  }

  @Test func theNumberOfThreadsChangesNoByte() throws {
    let outputs = try [1, 2].map { threads in
      let path = folder.path("\(threads).onnx")
      let report = try convert(SelectionOptions(spans: "3:4,6:7.5"), to: path, threads: threads)
      #expect(report.output == path)
      return try bytes(path)
    }
    #expect(outputs[0] == outputs[1])
  }

  @Test(arguments: [true, false])
  func aPlanAppliedGivesWhatConvertGives(provenance: Bool) throws {
    let selection = SelectionOptions(spans: "2:3,5.5:7", form: "linear")
    let (direct, plan, applied) = (
      folder.path("direct.onnx"), folder.path("plan.json"), folder.path("applied.onnx")
    )
    _ = try convert(selection, to: direct, provenance: provenance)
    let analysis = try Analysis(
      input: Sample.model, plan: plan, overwriting: false, data: data, selection: selection,
      machine: Machine(threads: 2)
    ).run(.silent)
    #expect(analysis.output == plan)
    let report = try PlanApplication(
      model: Sample.model, plan: plan, output: applied, overwriting: false,
      recordsProvenance: provenance
    ).run(.silent)
    #expect(try bytes(applied) == bytes(direct))
    #expect(report.parameters.after == analysis.parameters.after)
  }

  @Test func theReportSaysWhatTheFileHolds() throws {
    let path = folder.path("smaller.onnx")
    let report = try convert(SelectionOptions(spans: "4:5", form: "linear"), to: path)
    // One block of 16 787 + 33 219 parameters goes; a map of 64 · 64 + 64 comes.
    #expect(report.parameters.before == 605_213)
    #expect(report.parameters.after == 605_213 - 50_006 + 4160)
    #expect(report.bytes.after == (try bytes(path)).count)
    let span = try #require(report.spans.first)
    #expect(report.spans.count == 1)
    #expect(span.label == "4:5")
    #expect(span.blocks == [8, 9])
    #expect(span.form == "linear")
    #expect(span.parametersRemoved == 50_006)
    #expect(span.parametersAdded == 4160)
    #expect(report.calibration.samples == 64)
    #expect(report.calibration.held == 32)
    let inspection = try Inspection(model: path, dimensions: []).run(.silent)
    #expect(inspection.parameters == report.parameters.after)
    #expect(inspection.bytes == report.bytes.after)
  }

  @Test func aBlockPassedOverAddsNothing() throws {
    let path = folder.path("shorter.onnx")
    let report = try convert(SelectionOptions(spans: "4:5", form: "identity"), to: path)
    #expect(report.parameters.after == 605_213 - 50_006)
    #expect(report.spans.map(\.parametersAdded) == [0])
    let inspection = try Inspection(model: path, dimensions: []).run(.silent)
    // Two steps less; what is left is numbered anew.
    #expect(inspection.streams.map(\.blocks.count) == [22])
    // Nothing but the block's own nodes is gone, and none came.
    #expect(inspection.operators["LayerNormalization"] == 25 - 2)
    #expect(inspection.operators["Gemm"] == 1)
  }

  @Test func verifyMeasuresWhatConvertReported() throws {
    let path = folder.path("smaller.onnx")
    let report = try convert(SelectionOptions(spans: "8:9"), to: path)
    // Just what was held out.
    let analysis = Analysis(
      input: Sample.model, plan: nil, overwriting: false, data: data,
      selection: SelectionOptions(spans: "8:9"), machine: Machine(threads: 2))
    let held = try analysis.study(LoadedModel(path: Sample.model), .silent).0.held
    let heldPath = folder.path("held.safetensors")
    let pictures = try #require(held.samples.feeds["pixel_values"]).gathering(held.rows)
    let classes = try #require(held.labels?.classes).map(Int64.init)
    try SafetensorsFile.write(
      [("pixel_values", pictures), ("labels", Tensor(classes))], path: heldPath, overwriting: false)
    let comparison = try Verification(
      a: Sample.model, b: path, data: DataRequest(paths: [heldPath]), maximumError: 10,
      minimumAgreement: nil, machine: Machine(threads: 2)
    ).run(.silent)
    #expect(comparison.samples == report.calibration.held)
    #expect(comparison.passed)
    #expect(comparison.firstDivergence != nil)
    #expect(comparison.accuracy?.b == report.accuracy?.b)
    // But for how sums of logits below 16 round in batches of other samples.
    let (a, b) = (comparison.outputs[0].relativeError, report.outputs[0].relativeError)
    #expect(abs(a - b) <= 1e-4 * b)
  }

  @Test func aDryRunWritesNothing() throws {
    let report = try convert(SelectionOptions(spans: "4:5"), to: nil)
    #expect(report.output == nil)
    #expect(report.guard.passed)
    #expect(try folder.contents == [])
  }

  @Test func aGuardThatFailsLeavesNoFile() throws {
    let report = try convert(
      SelectionOptions(maximumDrop: 0, spans: "0:12", form: "identity"),
      to: folder.path("useless.onnx"))
    #expect(!report.guard.passed)
    #expect(report.output == nil)
    #expect(try folder.contents == [])
  }

  @Test func aShareThatIsNoneIsRefused() throws {
    for share in [0, 1, -0.5, .nan] {
      let refusal = try failure { () throws(Failure) in
        try convert(SelectionOptions(spans: "4:5", holdout: share), to: nil)
      }
      #expect(refusal.status == .usage)
      #expect(
        refusal.message == "--holdout: expected a share between 0 and 1, got \(share)")
    }
  }
}
