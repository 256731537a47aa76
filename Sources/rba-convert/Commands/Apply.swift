import ArgumentParser
import RBAConvert

/// A plan, perhaps edited by hand, to a smaller model.
struct Apply: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the smaller model that a plan describes.")

  @Argument(help: "The model the plan was made for, .onnx or .safetensors.")
  var model: String

  @Argument(help: "The plan, .json.")
  var plan: String

  @Argument(help: "The model to write, .onnx or .safetensors.")
  var output: String

  @Flag(help: "Replace the output file if it exists.")
  var force = false

  @Flag(help: "Do not record in the model's metadata what was done.")
  var noProvenance = false

  @OptionGroup var reading: ModelOptions
  @OptionGroup var placement: PlacementOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let application = PlanApplication(
      model: model, plan: plan, output: output, overwriting: force,
      recordsProvenance: !noProvenance, externalData: placement.externalData,
      externalDataDirectory: reading.externalDataDir)
    let report = try application.run(common.diagnostics)
    try common.show(report, SizeText.lines(report))
  }
}
