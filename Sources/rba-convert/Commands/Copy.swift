import ArgumentParser
import RBAConvert

/// Reads and writes a model unchanged.
struct Copy: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read and write a model unchanged, with another place for its weights.")

  @Argument(help: "The model to read, .onnx.")
  var input: String

  @Argument(help: "The model to write, .onnx.")
  var output: String

  @Option(help: "Where weights go: keep, inline, or the name of a file beside the output.")
  var externalData = "keep"

  @Flag(help: "Replace the output file if it exists.")
  var force = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    let copying = ModelCopy(
      input: input, output: output, externalData: externalData, overwriting: force)
    let report = try copying.run(common.diagnostics)
    try common.show(report, SizeText.lines(report))
  }
}
