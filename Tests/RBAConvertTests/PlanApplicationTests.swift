import Foundation
import GraphIR
import Planning
import Testing

@testable import RBAConvert

/// Plans of the sample, edited by hand.
@Suite struct PlanApplicationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A plan for one block, with `edits` made to its text.
  private func plan(_ edits: [(String, String)]) throws -> String {
    let digest = try LoadedModel(path: Sample.model).digest()
    var text = """
      {
        "model": "\(digest)",
        "schema": "rba-convert/plan/1",
        "spans": [
          {
            "form": "identity", "label": "4:5",
            "from": "/blocks.3/Add_1_output_0", "to": "/blocks.4/Add_1_output_0"
          }
        ]
      }
      """
    for (old, new) in edits {
      try #require(text.contains(old))
      text = text.replacing(old, with: new)
    }
    let path = folder.path("plan.json")
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
  }

  private func apply(_ plan: String) throws(Failure) -> SizeReport {
    try PlanApplication(
      model: Sample.model, plan: plan, output: folder.path("out.onnx"), overwriting: false,
      recordsProvenance: false
    ).run(.silent)
  }

  @Test func aPlanWrittenByHandIsApplied() throws {
    let report = try apply(plan([]))
    #expect(report.parameters.after == report.parameters.before - 50_006)
  }

  @Test func anotherPointMaySwapTheSpan() throws {
    let report = try apply(
      plan([
        ("/blocks.4/Add_1_output_0", "/blocks.3/Add_1_output_0"),
        ("\"from\": \"/blocks.3/Add_1_output_0\"", "\"from\": \"/blocks.2/Add_1_output_0\""),
      ]))
    #expect(report.parameters.after == report.parameters.before - 50_006)
  }

  @Test(arguments: [
    (
      "\"form\": \"identity\"", "\"form\": \"bias\"",
      "spans[0].weights.bias: expected 64 numbers for form 'bias', got none"
    ),
    (
      "/blocks.4/Add_1_output_0", "/blocks.2/Add_1_output_0",
      "spans[0]: '/blocks.2/Add_1_output_0' does not follow '/blocks.3/Add_1_output_0' in one stream"
    ),
    (
      "/blocks.4/Add_1_output_0", "nowhere",
      "spans[0].to: 'nowhere' is no point of a residual stream"
    ),
    (
      "rba-convert/plan/1", "rba-convert/plan/9",
      "schema: expected 'rba-convert/plan/1', got 'rba-convert/plan/9'"
    ),
    ("\"label\": \"4:5\",", "", "spans[0]: 'label' is missing"),
  ])
  func wrongEditsAreRefused(old: String, new: String, message: String) throws {
    let path = try plan([(old, new)])
    let refusal = try failure { () throws(Failure) in try apply(path) }
    #expect(refusal.status == .malformedInput)
    #expect(refusal.message == "\(path): \(message)")
    #expect(try folder.contents == ["plan.json"])
  }

  @Test func updatesAreOfTheSpansThatTheyWereSolvedFor() throws {
    let path = folder.path("healed.json")
    let written = try Analysis(
      input: Sample.model, plan: path, overwriting: false,
      data: DataRequest(paths: [Sample.calibration], maximumSamples: 256),
      selection: SelectionOptions(spans: "3:4,7:8", form: "identity"), machine: Machine(threads: 1)
    ).run(.silent)
    #expect(written.output == path)
    let plan = try ReplacementPlan(path: path)
    try #require(plan.spans.count == 2 && !plan.updates.isEmpty)
    var turned = plan
    turned.spans.reverse()
    try turned.write(to: path, overwriting: true)
    _ = try PlanApplication(
      model: Sample.model, plan: path, output: folder.path("turned.onnx"), overwriting: false,
      recordsProvenance: false
    ).run(.silent)
    var fewer = plan
    fewer.spans.removeFirst()
    try fewer.write(to: path, overwriting: true)
    let refusal = try failure { () throws(Failure) in try apply(path) }
    #expect(refusal.status == .malformedInput)
    #expect(
      refusal.message
        == "\(path): updates: were solved for other spans than these: take them out, and "
        + "those weights stay and nothing is folded, or convert with --spans to solve them anew")
    fewer.updates = []
    try fewer.write(to: path, overwriting: true)
    let report = try apply(path)
    #expect(report.parameters.after == report.parameters.before - 50_006)
  }

  @Test func theSpanDecidesAndNotItsLabel() throws {
    let path = try plan([("\"4:5\"", "\"4:6\"")])
    let (output, notes) = (folder.path("out.onnx"), Notes())
    _ = try PlanApplication(
      model: Sample.model, plan: path, output: output, overwriting: false, recordsProvenance: true
    ).run(notes.diagnostics)
    #expect(
      notes.lines == ["\(path): spans[0].label: is '4:6' of span 4:5: from and to decide"])
    let spans = try LoadedModel(path: output).model.metadata.first {
      $0.key == "rba-convert.spans"
    }
    #expect(spans?.value == "4:5 identity")
  }

  @Test func aPlanForAnotherModelIsRefused() throws {
    let digest = try LoadedModel(path: Sample.model).digest()
    let path = try plan([(digest, "00")])
    let refusal = try failure { () throws(Failure) in try apply(path) }
    #expect(refusal.message == "\(path): model: expected '\(digest)', got '00'")
  }

  @Test func aPlanThatIsNotThereIsNoInput() throws {
    let refusal = try failure { () throws(Failure) in try apply(folder.path("absent.json")) }
    #expect(refusal.status == .noInput)
  }
}
