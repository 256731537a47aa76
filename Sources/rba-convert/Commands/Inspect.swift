import ArgumentParser
import RBAConvert

/// The graph, its streams and blocks, and what each costs.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a model's graph, its residual streams and what each block costs.")

  @Argument(help: "The model to read, .onnx or .safetensors.")
  var model: String

  @Flag(help: "List every block, and every rejected residual node with the reason.")
  var blocks = false

  @Flag(help: "Print the graph in ONNX's textual syntax.")
  var text = false

  @Flag(help: "Print the graph for Graphviz.")
  var dot = false

  @Option(help: "Extent of a dimension parameter, as name=number.")
  var dim: [String] = []

  @OptionGroup var reading: ModelOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if [text, dot, common.json].filter(\.self).count > 1 {
      throw ValidationError("--text, --dot and --json exclude each other")
    }
  }

  func run() throws {
    let inspection = Inspection(
      model: model, dimensions: dim, externalDataDirectory: reading.externalDataDir)
    if text { return try Terminal.write(inspection.text()) }
    if dot { return try Terminal.write(inspection.dot()) }
    let report = try inspection.run(common.diagnostics)
    try common.show(report, InspectText.lines(report, blocks: blocks))
  }
}
