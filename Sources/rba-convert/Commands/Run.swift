import ArgumentParser
import RBAConvert

/// Runs a model on data.
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Run a model.")

  @Argument(help: "The model to run, .onnx or .safetensors.")
  var model: String

  @Option(help: "Inputs, in the forms --calibration of convert takes. Without it: synthetic.")
  var inputs: [String] = []

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: "Folder to write outputs to, one .npy each.")
  var output: String?

  @Option(help: "Compare with an ONNX test_data_set folder (input_0.pb, output_0.pb, …).")
  var pbdir: String?

  @Option(help: "Relative tolerance of --pbdir. (default: 1e-3)")
  var rtol: Double?

  @Option(help: "Absolute tolerance of --pbdir. (default: 1e-7)")
  var atol: Double?

  @Option(help: "Run this many times and report each time.")
  var `repeat`: Int = 1

  @Flag(help: "Replace output files that exist.")
  var force = false

  @OptionGroup var reading: ModelOptions
  @OptionGroup var data: DataOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if self.repeat < 1 { throw ValidationError("--repeat: expected a positive number") }
    if pbdir != nil && !inputs.isEmpty {
      throw ValidationError("--pbdir and --inputs exclude each other")
    }
    if pbdir == nil, rtol != nil || atol != nil {
      throw ValidationError("--rtol and --atol: expected --pbdir beside them")
    }
    if pbdir != nil, data.samples != nil || !data.dim.isEmpty {
      throw ValidationError("--pbdir says what is fed, so --samples and --dim do not go with it")
    }
  }

  func run() throws {
    let execution = ModelRun(
      model: model, data: data.request(inputs), testSet: pbdir, relativeTolerance: rtol ?? 1e-3,
      absoluteTolerance: atol ?? 1e-7, outputFolder: output, overwriting: force,
      repetitions: self.repeat,
      machine: machine.machine, externalDataDirectory: reading.externalDataDir)
    let report = try execution.run(common.diagnostics)
    try common.show(report, RunText.lines(report))
    if report.passed == false { try common.refuse(report.refusal) }
  }
}
