import ArgumentParser
import RBAConvert

/// Scores, chooses and writes the plan, but no model.
struct Analyze: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Score blocks, choose spans and write the plan.")

  @Argument(help: "The model to read, .onnx or .safetensors.")
  var model: String

  @Option(name: [.customShort("o"), .customLong("output")], help: "The plan to write, .json.")
  var plan: String?

  @OptionGroup var reading: ModelOptions
  @OptionGroup var planning: PlanningOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions

  @Flag(
    help: """
      Report the published scores of blocks and of spans of them. Where nothing else is asked for, \
      nothing is chosen.
      """)
  var scores = false

  @Flag(help: "Replace the plan if it exists.")
  var force = false

  func validate() throws {
    try planning.checkScores(areReported: scores)
    if let plan, !plan.lowercased().hasSuffix(".json") {
      throw ValidationError("expected an output that ends in .json, got '\(plan)'")
    }
  }

  func run() throws {
    var selection = planning.options
    selection.selectsNothing =
      scores && planning.goals.isEmpty && planning.maxDrop == nil && plan == nil
    let analysis = Analysis(
      input: model, plan: plan, overwriting: force,
      data: planning.request, selection: selection, scores: scores,
      machine: machine.machine, externalDataDirectory: reading.externalDataDir)
    let report = try analysis.run(common.diagnostics)
    let lines =
      selection.selectsNothing ? ScoresText.lines(report) : ConversionText.lines(report)
    try common.show(report, lines)
    if !report.guard.passed { try common.refuse(report.refusal) }
  }
}
