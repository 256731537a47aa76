import ArgumentParser
import RBAConvert

/// Reads and writes a model unchanged.
struct Copy: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Read and write a model unchanged, in another form or with another place for its weights.")

  @Argument(help: "The model to read, .onnx or .safetensors.")
  var input: String

  @Argument(help: "The model to write, .onnx or .safetensors: the ending decides.")
  var output: String

  @Option(
    help: """
      Split a .safetensors output into files of at most this many bytes, such as 2G, and an index \
      of them.
      """)
  var maxShardSize: ByteCount?

  @Flag(help: "Replace the output file if it exists.")
  var force = false

  @OptionGroup var reading: ModelOptions
  @OptionGroup var placement: PlacementOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let copying = ModelCopy(
      input: input, output: output, externalData: placement.externalData,
      maximumShardSize: maxShardSize?.value, overwriting: force,
      externalDataDirectory: reading.externalDataDir)
    let report = try copying.run(common.diagnostics)
    try common.show(report, SizeText.lines(report))
  }
}
