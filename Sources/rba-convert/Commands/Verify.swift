import ArgumentParser
import RBAConvert

/// Compares the outputs of two models numerically.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare the outputs of two models.",
    discussion: """
      Passes when, for every output, the relative error (unexplained variance) is at most --max-error \
      and, if --min-agreement is given, the top-1 agreement at least that.
      """)

  @Argument(help: "The reference model, .onnx or .safetensors.")
  var a: String

  @Argument(help: "The model to compare with it, .onnx or .safetensors.")
  var b: String

  @Option(help: "Inputs, in the forms --calibration of convert takes. Without it: synthetic.")
  var inputs: [String] = []

  @Option(
    help: """
      A statistics file of A. Data far from those it was gathered from are noted; without it, from those \
      that B says it was calibrated on.
      """)
  var stats: String?

  @Option(help: "The largest relative error that passes.")
  var maxError: Double = 1e-6

  @Option(help: "The smallest top-1 agreement that passes, from 0 to 1.")
  var minAgreement: Double?

  @OptionGroup var reading: ModelOptions
  @OptionGroup var labels: LabelOptions
  @OptionGroup var data: DataOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let verification = Verification(
      a: a, b: b, data: data.request(inputs, labels: labels, statistics: stats),
      maximumError: maxError,
      minimumAgreement: minAgreement, machine: machine.machine,
      externalDataDirectory: reading.externalDataDir)
    let report = try verification.run(common.diagnostics)
    try common.show(report, VerifyText.lines(report))
    if !report.passed { try common.refuse(report.refusal) }
  }
}
