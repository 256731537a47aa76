import ArgumentParser
import RBAConvert

/// What two models differ in.
struct Diff: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show which nodes, weights and metadata of two models differ.",
    discussion: """
      Compares every field of the two models and every element of their weights; what is not listed \
      is the same in both. Nodes are matched by their first result, everything else by its name.

        + only in B    - only in A    ~ other contents    > same contents in another place

      EXAMPLES
        rba-convert diff model.onnx smaller.onnx
        rba-convert diff model.onnx copy.onnx --exit-code --quiet
        rba-convert diff model.onnx smaller.onnx --json | jq .nodes
      """)

  @Argument(help: "The model to compare with, .onnx or .safetensors.")
  var a: String

  @Argument(help: "The model compared, .onnx or .safetensors.")
  var b: String

  @Flag(help: "Exit with 1 if the models differ.")
  var exitCode = false

  @OptionGroup var reading: ModelOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let comparison = ModelComparison(
      a: a, b: b, externalDataDirectory: reading.externalDataDir)
    let report = try comparison.run(common.diagnostics)
    try common.show(report, DiffText.lines(report))
    if exitCode && !report.equal { throw ExitCode(ExitStatus.refused.rawValue) }
  }
}
