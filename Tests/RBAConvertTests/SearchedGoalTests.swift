import Foundation
import Testing

@testable import RBAConvert

/// What a search gives for each way to say how far it is to go, on few digits and few sets.
@Suite struct SearchedGoalTests {
  private let data = DataRequest(paths: [Sample.calibration], maximumSamples: 32)

  private func analyze(
    _ selection: SelectionOptions, notes: Notes = Notes()
  ) throws(Failure) -> ConversionReport {
    var selection = selection
    selection.searchedSets = selection.searchedSets ?? 2
    return try Analysis(
      input: Sample.model, plan: nil, overwriting: false, data: data, selection: selection,
      machine: Machine(threads: 2)
    ).run(notes.diagnostics)
  }

  @Test func aPickIsTheRowThatAnalyzePrints() throws {
    let options = SelectionOptions(maximumDrop: 0.1, searchedSets: 4)
    let frontier = try analyze(options).frontier
    #expect(frontier.first?.spans == [])
    let measured = try #require(frontier.lastIndex { $0.measuredDamage != nil })
    try #require(measured > 0)
    var pick = options
    pick.pick = measured
    let report = try analyze(pick)
    #expect(report.frontier.map(\.spans) == frontier.map(\.spans))
    #expect(report.spans.map(\.label) == frontier[measured].spans)
    #expect(report.parameters.after == frontier[measured].parameters)
  }

  @Test func aPickBeyondTheFrontierIsRefused() throws {
    let refusal = try failure { () throws(Failure) in
      try analyze(SelectionOptions(pick: 1000, heals: false, searchedSets: 1))
    }
    #expect(refusal.status == .usage)
    #expect(refusal.message.hasPrefix("--pick: expected a number from 1 to "))
  }

  @Test(arguments: [true, false])
  func aShareOfTheParametersIsReachedByFewSets(heals: Bool) throws {
    let report = try analyze(SelectionOptions(targetParameters: "60%", heals: heals))
    #expect(report.parameters.after <= 605_213 * 60 / 100)
    #expect(report.parameters.after > 605_213 * 40 / 100)
  }

  /// The first sets measured do too much damage; milder ones are tried behind them.
  @Test func fewSetsGiveASmallerModelToo() throws {
    let report = try analyze(SelectionOptions(searchedSets: 1))
    #expect(report.guard.passed)
    #expect(report.parameters.after < 605_213)
  }

  @Test func aNumberOfBytesIsReached() throws {
    let whole = try analyze(SelectionOptions(selectsNothing: true)).bytes.before
    let report = try analyze(SelectionOptions(targetBytes: whole * 7 / 10))
    #expect(report.bytes.after <= whole * 7 / 10)
    #expect(report.bytes.after > whole / 2)
  }

  @Test func whatCannotBeReachedIsToldOf() throws {
    let notes = Notes()
    let report = try analyze(SelectionOptions(targetParameters: "0.1%"), notes: notes)
    #expect(report.parameters.after > 605)
    #expect(notes.lines.contains { $0.hasPrefix("no set measured is as small as asked for, 605:") })
  }

  @Test(arguments: [0, 1e-9, 1e30, .infinity])
  func anyTimeBudgetEndsTheSearch(seconds: Double) throws {
    let notes = Notes()
    let report = try analyze(SelectionOptions(searchedSets: 1, timeBudget: seconds), notes: notes)
    let isShort = seconds < 1
    #expect(notes.lines.contains { $0.hasPrefix("the search ended after 0 sets") } == isShort)
    #expect(report.spans.isEmpty || !isShort)
  }
}
