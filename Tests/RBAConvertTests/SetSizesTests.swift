import Foundation
import Planning
import Testing

@testable import RBAConvert

/// What is said of a size before anything is fitted, against the files.
@Suite struct SetSizesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private let data = DataRequest(paths: [Sample.calibration], maximumSamples: 8)

  private func selector(_ written: WrittenForm, form: String) throws -> Selector {
    let study = try Analysis(
      input: Sample.model, plan: nil, overwriting: false, data: data,
      selection: SelectionOptions(), machine: Machine(threads: 1)
    ).study(LoadedModel(path: Sample.model), .silent).0
    let rule = GuardRule(limit: .infinity, isSynthetic: false, classScores: [])
    return Selector(
      study: study, policy: try FitPolicy(form: form, fit: "ridge"), rule: rule, acceptance: rule,
      memory: 1 << 28, heals: false, effort: SearchEffort(), written: written)
  }

  /// Numbers in metadata may be shorter than the longest by that.
  private static let tolerance = 100
  /// Offsets of safetensors are longer or shorter by a digit than those that went with their tensors.
  private static let toleranceOfOffsets = 300

  @Test(arguments: ["onnx", "safetensors"], [true, false])
  func bytesArePredicted(ending: String, provenance: Bool) throws {
    let path = folder.path("out.\(ending)")
    let output = try ModelOutput(path: path, overwriting: true)
    for form in ["identity", "bias", "diagonal", "linear", "context", "folded"] {
      let selector = try selector(
        WrittenForm(output: output, recordsProvenance: provenance), form: form)
      let spans = form == "folded" ? "2:3,5.5:9" : "0:1,3:4,5.5:9"
      let parsed = try CandidateSpan.parse(spans, in: selector.study.streams)
      let known = try #require(ReplacementForm(rawValue: form))
      let predicted = try SetSizes(selector, .bytes(1)).size(
        SpanSet(parsed.map { SpanSet.Member($0, known) }))
      let report = try Conversion(
        input: Sample.model, output: path, overwriting: true, recordsProvenance: provenance,
        data: data, selection: SelectionOptions(spans: spans, form: form, heals: false),
        machine: Machine(threads: 1)
      ).run(.silent)
      let written = try bytes(path).count
      #expect(report.bytes.after == written)
      let text: Comment = "\(form): \(written) bytes, predicted \(predicted)"
      if ending == "onnx" {
        #expect(written <= predicted, text)
        #expect(predicted - written <= Self.tolerance, text)
      } else {
        #expect(abs(predicted - written) <= Self.toleranceOfOffsets, text)
      }
    }
  }

  @Test func aDryRunTellsTheSizeOfTheFile() throws {
    func convert(_ output: String?) throws -> Int {
      try Conversion(
        input: Sample.model, output: output, overwriting: false, recordsProvenance: true,
        data: data, selection: SelectionOptions(spans: "3:4,6:8"), machine: Machine(threads: 1)
      ).run(.silent).bytes.after
    }
    let path = folder.path("out.onnx")
    let (told, written) = (try convert(nil), try convert(path))
    #expect(try bytes(path).count == written)
    #expect(written <= told && told - written <= Self.tolerance)
  }

  /// Also where that is more than the file has: sets are compared with it.
  @Test(arguments: ["out.onnx", "out.safetensors"])
  func nothingReplacedIsTheFileWrittenAnew(name: String) throws {
    let output = try ModelOutput(path: folder.path(name), overwriting: false)
    let selector = try selector(
      WrittenForm(output: output, recordsProvenance: true), form: "folded")
    let whole = try selector.written.byteCount(
      of: selector.study.model, selector.study.outline(of: []))
    #expect(whole > (try bytes(Sample.model)).count)
    #expect(try SetSizes(selector, .bytes(1)).size(SpanSet()) == whole)
    // Nothing lies before the first step that it could be folded into.
    let first = SpanSet().adding(0, of: 0, as: .folded)
    #expect(try SetSizes(selector, .bytes(1)).size(first) == whole)
    #expect(try SetSizes(selector, .guarded).size(first) == 605_213)
    #expect(
      try SetSizes(selector, .guarded).size(SpanSet().adding(3, of: 0, as: .folded)) < 605_213)
  }
}
