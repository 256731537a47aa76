import Foundation
import Testing

@testable import RBAConvert

/// Outlier tokens of norm 1,000 on which least squares collapses; see `PlantedOutliers`.
@Suite(.serialized) struct PlantedCollapseTests {
  private let folder: TemporaryFolder
  private let planted: String

  /// Digits to calibrate with, and to score on.
  private static let (calibrated, scored) = (256, 512)
  private static let test = Sample.folder.appending(path: "test.safetensors").path
  /// The sample's accuracy on those digits is .969; a point less may come of the edit.
  private static let least = 0.95
  /// What counts as the same accuracy.
  private static let point = 0.01

  init() throws {
    folder = try TemporaryFolder()
    planted = folder.path("planted.onnx")
    try PlantedOutliers(path: Sample.model).write(to: planted)
  }

  /// Accuracy of the planted model and of one converted, on test digits.
  private func accuracy(_ path: String) throws -> AccuracyReport {
    let report = try Verification(
      a: planted, b: path, data: DataRequest(paths: [Self.test], maximumSamples: Self.scored),
      maximumError: .infinity, minimumAgreement: nil, machine: Machine(threads: 2)
    ).run(.silent)
    return try #require(report.accuracy)
  }

  private func converted(_ spans: String, form: String, fit: String = "ridge") throws -> Double {
    let path = folder.path("\(form).\(fit).onnx")
    _ = try Conversion(
      input: planted, output: path, overwriting: false, recordsProvenance: false,
      data: DataRequest(paths: [Sample.calibration], maximumSamples: Self.calibrated),
      selection: SelectionOptions(maximumDrop: 1, spans: spans, form: form, fit: fit),
      machine: Machine(threads: 2)
    ).run(.silent)
    return try accuracy(path).b
  }

  @Test func theOriginalBearsItsOutliers() throws {
    #expect(try accuracy(planted).a >= Self.least)
  }

  @Test(arguments: ["5:6", "4:6"])
  func leastSquaresCollapsesAndOursDoesNot(spans: String) throws {
    let original = try accuracy(planted).a
    let leastSquares = try converted(spans, form: "linear", fit: "least-squares")
    #expect(leastSquares < original / 2)
    let identity = try converted(spans, form: "identity")
    let linear = try converted(spans, form: "linear")
    let ours = try converted(spans, form: "auto")
    #expect(ours >= max(identity, linear) - Self.point)
  }
}
