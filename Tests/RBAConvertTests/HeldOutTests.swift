import ArrayFormats
import Foundation
import Tensors
import Testing

@testable import RBAConvert

/// What is held out judges what was found, and has no part in finding it.
@Suite struct HeldOutTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func study(_ data: DataRequest, holdout: Double? = nil) throws -> Study {
    try Analysis(
      input: Sample.model, plan: nil, overwriting: false, data: data,
      selection: SelectionOptions(holdout: holdout), machine: Machine(threads: 2)
    ).study(LoadedModel(path: Sample.model), .silent).0
  }

  /// Digits, and the same with those held out in negative.
  private func digits() throws -> (given: DataRequest, changed: DataRequest) {
    let study = try study(DataRequest(paths: [Sample.calibration], maximumSamples: 32))
    let pictures = try #require(study.held.samples.feeds.values.first)
    var values = try #require(pictures.floats)
    let size = values.count / pictures.shape[0]
    let paths = [folder.path("given.npy"), folder.path("changed.npy")]
    try NpyFile.write(pictures, path: paths[0], overwriting: false)
    for row in study.held.rows {
      for index in row * size..<(row + 1) * size { values[index].negate() }
    }
    try NpyFile.write(
      Tensor(values, shape: pictures.shape), path: paths[1], overwriting: false)
    return (DataRequest(paths: [paths[0]]), DataRequest(paths: [paths[1]]))
  }

  private func frontiers(
    _ selection: SelectionOptions
  ) throws -> [[ConversionReport.FrontierPoint]] {
    let (given, changed) = try digits()
    return try [given, changed].map { data in
      try Analysis(
        input: Sample.model, plan: nil, overwriting: false, data: data, selection: selection,
        machine: Machine(threads: 2)
      ).run(.silent).frontier
    }
  }

  @Test func whatIsFoundForTheGuardIsTheSameWhateverIsHeldOut() throws {
    let found = try frontiers(SelectionOptions(maximumDrop: 0.2, searchedSets: 4))
    #expect(found[0].count { $0.measuredDamage != nil } > 2)
    #expect(found[0].map(\.spans) == found[1].map(\.spans))
    #expect(found[0].map(\.measuredDamage) == found[1].map(\.measuredDamage))
    #expect(found[0].map(\.predictedDamage) == found[1].map(\.predictedDamage))
  }

  /// No guard judges a size: all that is held out tells what is best.
  @Test func whatIsFoundForASizeIsMeasuredOnWhatIsHeldOut() throws {
    let found = try frontiers(SelectionOptions(targetParameters: "80%", searchedSets: 1))
    #expect(found[0].map(\.measuredDamage) != found[1].map(\.measuredDamage))
  }

  /// Models that samples have met count as tried on them: the one that is judged, or all that were found.
  @Test func onlyModelsThatMeetWhatIsHeldOutAreCounted() throws {
    let judged = try trials(SelectionOptions(maximumDrop: 0.9, searchedSets: 3))
    #expect(judged == 1)
    let searched = try trials(SelectionOptions(targetParameters: "80%", searchedSets: 3))
    #expect(searched == 4)
    let limited = try trials(
      SelectionOptions(maximumDrop: 0.9, targetParameters: "80%", searchedSets: 3))
    #expect(limited == 1)
  }

  private func trials(_ selection: SelectionOptions) throws -> Int {
    try Analysis(
      input: Sample.model, plan: nil, overwriting: false,
      data: DataRequest(paths: [Sample.calibration], maximumSamples: 32), selection: selection,
      machine: Machine(threads: 2)
    ).analyze(LoadedModel(path: Sample.model), .silent).selection.trials
  }

  @Test func samplesTooFewToSearchApartAreToldOf() throws {
    let notes = Notes()
    _ = try Analysis(
      input: Sample.model, plan: nil, overwriting: false,
      data: DataRequest(paths: [Sample.calibration], maximumSamples: 2),
      selection: SelectionOptions(searchedSets: 1), machine: Machine(threads: 2)
    ).run(notes.diagnostics)
    #expect(
      notes.lines.contains {
        $0.hasPrefix("sets of spans are searched for by the samples held out")
      })
  }

  @Test func whatIsFittedOnIsSplitOnceMore() throws {
    let whole = try study(DataRequest(paths: [Sample.calibration]))
    let inner = try #require(try whole.ofFittedSamples(fittingOn: 64))
    #expect(whole.fit.count == 256 && whole.held.count == 256)
    #expect(inner.fit.count == 64 && inner.held.count == 192)
    #expect(Set(inner.fit.rows + inner.held.rows) == Set(whole.fit.rows))
    // Where that many leave too few to measure on, as large a part is as is held out of all, and at most
    // half.
    let half = try #require(try whole.ofFittedSamples(fittingOn: 250))
    #expect(half.fit.count == 128 && half.held.count == 128)
    // No more are measured than are held out: that would take longer.
    let few = try study(DataRequest(paths: [Sample.calibration]), holdout: 0.1)
    let spread = try #require(try few.ofFittedSamples(fittingOn: 64))
    #expect(few.held.count == 51 && spread.held.count == 51)
  }

  /// Ten that leave five to fit on, of which no eight can be measured.
  @Test(arguments: [2, 10]) func tooFewAreNotSplit(count: Int) throws {
    let whole = try study(DataRequest(paths: [Sample.calibration], maximumSamples: count))
    #expect(whole.fit.count == count / 2)
    #expect(try whole.ofFittedSamples(fittingOn: 64) == nil)
  }
}
