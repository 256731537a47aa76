import ArrayFormats
import Foundation
import GraphIR
import ONNXFormat
import Tensors
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

  /// Also where it is smaller by less than a hundredth of the parameters.
  @Test func whatIsChosenIsOnTheFrontier() throws {
    let folder = try TemporaryFolder()
    let (path, npy) = (folder.path("wide.onnx"), folder.path("data.npy"))
    var net = NetworkText("N, 4")
    var h = net.apply("Identity", "x")
    for _ in 0..<3 { h = net.apply("Add", net.mlp(h), h) }
    let scores = net.apply("MatMul", h, net.weight([4, 8000]), to: "y")
    net.outputs = ["float[N, 8000] \(scores)"]
    try ONNXFile.write(try Model(text: net.text), to: path, overwriting: false)
    try NpyFile.write(ArchitectureTests.noise([64, 4]), path: npy, overwriting: false)
    func analyze(_ selection: SelectionOptions) throws -> ConversionReport {
      try Analysis(
        input: path, plan: nil, overwriting: false, data: DataRequest(paths: [npy]),
        selection: selection, machine: Machine(threads: 1)
      ).run(.silent)
    }
    var options = SelectionOptions(maximumDrop: 0.9, heals: false, searchedSets: 6)
    let chosen = try analyze(options)
    let reduction = chosen.parameters.reduction
    #expect(reduction > 0 && reduction < 0.01)
    let place = try #require(chosen.frontier.firstIndex { $0.spans == chosen.spans.map(\.label) })
    options.pick = place
    let picked = try analyze(options)
    #expect(picked.spans.map(\.label) == chosen.spans.map(\.label))
  }

  /// Nothing that is measured stays within a limit below what is lost.
  @Test func whatNothingPassesIsAFailureOfTheAnalysisToo() throws {
    let folder = try TemporaryFolder()
    let (path, npy) = (folder.path("model.onnx"), folder.path("data.npy"))
    let network = HealableNetwork.all[0]
    try ONNXFile.write(try Model(text: network.build().text), to: path, overwriting: false)
    try NpyFile.write(ArchitectureTests.noise(network.data), path: npy, overwriting: false)
    let report = try Analysis(
      input: path, plan: nil, overwriting: false, data: DataRequest(paths: [npy]),
      selection: SelectionOptions(maximumDrop: 0, heals: false), machine: Machine(threads: 1)
    ).run(.silent)
    #expect(report.spans.isEmpty)
    #expect(!report.guard.passed)
    #expect(report.refusal == "no set of spans that was measured stays within the limit")
  }

  /// The only sample held out tells nothing of what varies, so that no set has a damage.
  @Test func aFrontierOfNothingHasNothingToPick() throws {
    let folder = try TemporaryFolder()
    let (path, npy) = (folder.path("model.onnx"), folder.path("data.npy"))
    try ONNXFile.write(
      try Model(text: HealableNetwork.all[0].build().text), to: path, overwriting: false)
    try NpyFile.write(ArchitectureTests.noise([4, 3, 4]), path: npy, overwriting: false)
    func analyze(_ pick: Int?) throws(Failure) -> ConversionReport {
      try Analysis(
        input: path, plan: nil, overwriting: false, data: DataRequest(paths: [npy]),
        selection: SelectionOptions(maximumDrop: 0.5, pick: pick), machine: Machine(threads: 1)
      ).run(.silent)
    }
    #expect(try analyze(nil).frontier.map(\.spans) == [[]])
    let refusal = try failure { () throws(Failure) in try analyze(1) }
    #expect(refusal.status == .usage)
    #expect(
      refusal.message == "--pick: nothing that was measured makes the model smaller, got 1")
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
    #expect(!report.guard.passed)
    #expect(report.guard.metric == "parameters")
    #expect(report.guard.limit == 605)
    #expect(report.guard.measured == Double(report.parameters.after))
    #expect(
      report.refusal
        == "the smallest model found has \(report.parameters.after) parameters, "
        + "at most 605 were asked for")
    #expect(!report.spans.isEmpty, "the best there is")
  }

  /// Whatever the time: the set that was on its way is the one that is measured in the end.
  @Test func aSizeIsReachedWhereTheTimeIsUp() throws {
    let report = try analyze(SelectionOptions(targetParameters: "50%", timeBudget: 0))
    #expect(report.guard.passed)
    #expect(report.parameters.after <= 605_213 / 2)
    #expect(report.outputs.allSatisfy { $0.relativeError.isFinite })
  }

  @Test(arguments: ["onnx", "safetensors"])
  func whatIsWrittenIsAsSmallAsAskedFor(ending: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("smaller.\(ending)")
    for bytes in [2_100_000, 700_000] {
      let report = try Conversion(
        input: Sample.model, output: path, overwriting: true, recordsProvenance: true, data: data,
        selection: SelectionOptions(targetBytes: bytes, searchedSets: 3),
        machine: Machine(threads: 2)
      ).run(.silent)
      #expect(report.output == path)
      #expect(try RBAConvertTests.bytes(path).count <= bytes)
    }
  }

  /// Nothing lies before the first step that it could be folded into: what needs that is not chosen.
  @Test func whatCannotBeFoldedIsNotChosen() throws {
    let report = try analyze(SelectionOptions(targetParameters: "1%", form: "folded"))
    #expect(!report.spans.isEmpty)
    #expect(report.spans.allSatisfy { !$0.label.hasPrefix("0:") })
    #expect(!report.guard.passed)
    #expect(report.guard.metric == "parameters")
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
