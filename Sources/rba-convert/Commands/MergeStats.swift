import ArgumentParser
import RBAConvert

/// Merges the statistics of shards of the data.
struct MergeStats: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge-stats",
    abstract: "Merge the statistics of shards of the data.",
    discussion: """
      The files are of one model. They are merged in the order given; the same files in the same order \
      give the same bytes. Each shard was split by itself into what is fitted on and what is held out, so \
      that the sums are those of other samples than 'gather-stats' would take of all the data at once. \
      Outlier tokens have the same weights in all files, which 'gather-stats --weights-of' sees to.
      """)

  @Argument(help: "The statistics files to merge, .safetensors.")
  var files: [String]

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: "The statistics file to write, .safetensors.")
  var output: String

  @OptionGroup var common: CommonOptions

  @Flag(help: "Replace the output file if it exists.")
  var force = false

  func run() throws {
    let report = try StatisticsMerging(inputs: files, output: output, overwriting: force)
      .run(common.diagnostics)
    try common.show(report, StatisticsText.lines(report))
  }
}
