import ArgumentParser
import Glibc
import RBAConvert

/// The program. Results go to standard output, everything else to standard error.
@main
struct RBAConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rba-convert",
    abstract: "Make a trained ONNX model smaller by replacing redundant residual blocks.",
    discussion: """
      Runs calibration data through the model, finds the stretches of residual blocks whose work \
      a linear map can do, and replaces each by one linear node solved in closed form. The result \
      is an ordinary model, compared with the original on data that was not fitted on.

      EXAMPLES
        rba-convert model.onnx smaller.onnx --auto-threshold --calibration images.npy
        rba-convert model.onnx smaller.onnx --spans 3:5,9:11 --calibration images.npy
        rba-convert inspect model.onnx --blocks
        rba-convert verify model.onnx smaller.onnx --inputs test.npz
        rba-convert diff model.onnx smaller.onnx
        rba-convert copy model.onnx model.safetensors
        rba-convert --list-operators

      EXIT STATUS
        0 done · 1 a guard or verification failed, or diff --exit-code found a difference · 64 usage
        65 malformed or unsupported input · 66 no such input · 70 a fault of this program
        73, 74 cannot write
      """,
    version: programVersion,
    subcommands: [
      Convert.self, Inspect.self, Analyze.self, Apply.self, Verify.self, Run.self, Diff.self,
      Copy.self, GatherStats.self, MergeStats.self, ListOperators.self,
    ],
    defaultSubcommand: Convert.self)

  static func main() {
    Signals.install()
    do {
      let arguments = ListOperators.expanding(Array(CommandLine.arguments.dropFirst()))
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch let failure as Failure {
      fail(failure)
    } catch let code as ExitCode {
      Glibc.exit(code.rawValue)
    } catch {
      let code = exitCode(for: error)
      guard code != .success else { exit(withError: error) }
      let text = message(for: error)
      fail(
        Failure(
          .usage, text.prefix(1).lowercased() + text.dropFirst(),
          notes: ["see 'rba-convert --help'"]))
    }
  }

  /// Says why there is no result, and leaves with its status.
  private static func fail(_ failure: Failure) -> Never {
    Terminal.complain("rba-convert: error: \(failure.message)")
    for note in failure.notes { Terminal.complain("note: \(note)") }
    Glibc.exit(failure.status.rawValue)
  }
}
