import ArgumentParser
import RBAConvert

/// Runs data through a model and keeps the statistics that fits need.
struct GatherStats: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gather-stats",
    abstract: "Gather the statistics that fits need, for convert, analyze and verify --stats.",
    discussion: """
      Nothing is chosen or written but the statistics. Data too large for one run or one machine are gathered \
      shard by shard and put together by 'merge-stats'.
      """)

  @Argument(help: "The model to read, .onnx or .safetensors.")
  var model: String

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: "The statistics file to write, .safetensors.")
  var output: String

  @Option(help: "Data, in the forms --calibration of convert takes. Without it: synthetic.")
  var calibration: [String] = []

  @Option(
    help: """
      Share of the samples that is held out of the fit, as for convert. Default: 0.5 where samples are \
      counted, else 0.25.
      """)
  var holdout: Double?

  @Option(
    help: """
      A statistics file of other data whose weights outlier tokens are to have, where there are some. \
      Without it they depend on the data, and 'merge-stats' takes only files of the same weights.
      """)
  var weightsOf: String?

  @OptionGroup var data: DataOptions
  @OptionGroup var reading: ModelOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions

  @Flag(help: "Replace the statistics file if it exists.")
  var force = false

  func run() throws {
    let report = try StatisticsGathering(
      input: model, output: output, overwriting: force, data: data.request(calibration),
      holdout: holdout, weights: weightsOf, machine: machine.machine,
      externalDataDirectory: reading.externalDataDir
    ).run(common.diagnostics)
    try common.show(report, StatisticsText.lines(report))
  }
}
