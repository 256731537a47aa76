import Foundation
import Testing

@Suite struct UsageTests {
  static let verbs = ["convert", "inspect", "analyze", "apply", "verify", "run", "copy"]

  @Test func theVersionIsAlone() throws {
    #expect(try Program.run("--version") == Outcome(status: 0, stdout: "0.1.0\n", stderr: ""))
  }

  @Test func helpListsEveryVerbAndStatus() throws {
    let outcome = try Program.run("--help")
    #expect(outcome.status == 0)
    #expect(outcome.stderr == "")
    #expect(
      outcome.stdout.hasPrefix(
        "OVERVIEW: Make a trained ONNX model smaller by replacing redundant residual\nblocks.\n"))
    for verb in Self.verbs { #expect(outcome.stdout.contains("\n  \(verb) ")) }
    for status in ["0 done", "1 a guard", "64 usage", "65 ", "66 ", "70 ", "73, 74"] {
      #expect(outcome.stdout.contains(status))
    }
    #expect(try Program.run("help") == outcome)
    #expect(try Program.run("-h") == outcome)
  }

  @Test(arguments: verbs)
  func everyVerbHasHelp(verb: String) throws {
    let outcome = try Program.run(verb, "--help")
    #expect(outcome.status == 0)
    #expect(outcome.stderr == "")
    #expect(outcome.stdout.contains("USAGE: rba-convert \(verb) "))
    #expect(outcome.stdout.contains("--json"))
  }

  @Test(arguments: [
    ([], "missing expected argument '<input>'"),
    (["--zzzzzzzz", "a", "b"], "unknown option '--zzzzzzzz'"),
    (["a"], "expected IN and OUT, got IN only"),
    (["a", "b", "c"], "unexpected argument 'c'"),
    (["inspect"], "missing expected argument '<model>'"),
    (["verify", "a"], "missing expected argument '<b>'"),
    (["apply", "a", "b"], "missing expected argument '<output>'"),
    (["a", "b", "--spans", "1:2", "--pick", "1"], "--spans and --pick exclude each other"),
    (["a", "b", "--recipe", "toast"], "--recipe and --blocks need each other"),
    (["a", "b", "--blocks", "2"], "--recipe and --blocks need each other"),
    (
      ["a", "b", "--recipe", "toast", "--blocks", "2", "--spans", "1:2"],
      "--spans and --recipe exclude each other"
    ),
    (
      ["a", "b", "--recipe", "toast", "--blocks", "2", "--form", "linear"],
      "--recipe says which form and fit, so --form and --fit do not go with it"
    ),
    (
      ["a", "b", "--score-token", "last"],
      "--score-token: expected --recipe, --threshold or --scores beside it"
    ),
    (
      ["analyze", "a", "--score-token", "last"],
      "--score-token: expected --recipe, --threshold or --scores beside it"
    ),
    (
      ["a", "b", "--threshold", "0.1", "--score-token", "last"],
      "--score-token: expected a --score of tokens, got 'output-damage'"
    ),
    (
      ["a", "b", "--threshold", "0.1", "--score", "relative-residual", "--score-token", "last"],
      "--score-token: expected a --score of tokens, got 'relative-residual'"
    ),
    (["a", "b", "--score", "cosine"], "--score: expected --threshold beside it"),
    (
      ["a", "b", "--recipe", "toast", "--blocks", "2", "--fit", "ridge"],
      "--recipe says which form and fit, so --form and --fit do not go with it"
    ),
    (
      ["a", "b", "--recipe", "toast", "--blocks", "2", "--no-heal"],
      "--recipe heals nothing, so --no-heal does not go with it"
    ),
    (
      ["a", "b", "--spans", "1:2", "--search", "3"],
      "--spans searches for no sets, so --search does not go with it"
    ),
    (
      ["a", "b", "--threshold", "1", "--time-budget", "3"],
      "--threshold searches for no sets, so --time-budget does not go with it"
    ),
    (["run", "a", "--rtol", "1"], "--rtol and --atol: expected --pbdir beside them"),
    (
      ["run", "a", "--pbdir", "b", "--dim", "n=2"],
      "--pbdir says what is fed, so --samples and --dim do not go with it"
    ),
    (["run", "a", "--labels", "b"], "unknown option '--labels'"),
    (["gather-stats", "a", "-o", "b", "--labels", "c"], "unknown option '--labels'"),
    (["a", "b", "--samples", "0"], "--samples: expected a positive number, got 0"),
    (["a", "b", "--threads", "0"], "--threads: expected a number from 1 to 1024, got 0"),
    (["a", "b", "--max-drop", "-1"], "missing value for '--max-drop <max-drop>'"),
    (["a", "b", "--max-drop=-1"], "--max-drop: expected a number from 0, got -1.0"),
    (["a", "b", "--max-drop", "nan"], "--max-drop: expected a number from 0, got nan"),
    (
      ["a", "b", "--target-bytes", "many"],
      "the value 'many' is invalid for '--target-bytes <target-bytes>'"
    ),
    (["run", "a", "--repeat", "0"], "--repeat: expected a positive number"),
    (["run", "a", "--pbdir", "b", "--inputs", "c"], "--pbdir and --inputs exclude each other"),
    (["inspect", "a", "--text", "--json"], "--text, --dot and --json exclude each other"),
    (
      ["analyze", "a", "-o", "plan.onnx"],
      "expected an output that ends in .json, got 'plan.onnx'"
    ),
  ])
  func wrongUseIsToldInOneLine(arguments: [String], message: String) throws {
    #expect(
      try Program.run(arguments)
        == Outcome(
          status: 64, stdout: "",
          stderr: "rba-convert: error: \(message)\nnote: see 'rba-convert --help'\n"))
  }

  @Test(arguments: [
    ("--spans", "5:3", "--spans: span '5:3' does not lead forward"),
    (
      "--spans", "3:99",
      "--spans: span '3:99': expected points from 0 to 12 in steps of 0.5, got '99'"
    ),
    ("--spans", "3:5,4:6", "--spans: spans '3:5' and '4:6' overlap"),
    (
      "--form", "cubic",
      "--form: expected auto, identity, bias, diagonal, low-rank, linear, linear-unbiased, context, "
        + "convolution, folded, got 'cubic'"
    ),
    ("--fit", "lasso", "--fit: expected ridge or least-squares, got 'lasso'"),
    ("--target-params", "0%", "--target-params: expected a percentage such as 60%, got '0%'"),
    ("--dim", "batch", "--dim: expected name=number, got 'batch'"),
    (
      "--dim", "batch=99999999999",
      "--dim: expected a number up to 16777216, got 'batch=99999999999'"
    ),
    (
      "--dim", "batch=99999999999999999999",
      "--dim: expected a number up to 16777216, got 'batch=99999999999999999999'"
    ),
  ])
  func wrongValuesAreToldInOneLine(option: String, value: String, message: String) throws {
    let folder = try TemporaryFolder()
    #expect(
      try Program.run(Sample.model, folder.path("out.onnx"), option, value)
        == Outcome(status: 64, stdout: "", stderr: "rba-convert: error: \(message)\n"))
    #expect(try folder.contents == [])
  }

  @Test(arguments: [
    ["inspect", Sample.model], ["run", Sample.model], ["verify", Sample.model, Sample.model],
    ["analyze", Sample.model],
  ])
  func dimensionsThatTheModelLacks(arguments: [String]) throws {
    let outcome = try Program.run(arguments + ["--dim", "batch=2", "--dim", "beauty=3"])
    let message =
      "--dim: no input of \(Sample.model) has a dimension 'beauty', expected one of 'batch'"
    #expect(
      outcome == Outcome(status: 64, stdout: "", stderr: "rba-convert: error: \(message)\n"))
  }

  /// What is told by the status has a reason, however quiet.
  @Test(arguments: [
    (
      ["--spans", "0:12", "--form", "identity", "--max-drop", "0"],
      "the guard failed: accuracy-drop #, limit #"
    ),
    (["--threshold=-1"], "no block is redundant by output-damage at -#"),
    (
      ["--target-params", "0.1%", "--search", "1"],
      "the smallest model found has # parameters, at most # were asked for"
    ),
    (["--target-params", "100%", "--search", "1"], "the model is as small as asked for"),
  ])
  func aRefusalSaysWhyInOneLine(options: [String], reason: String) throws {
    let folder = try TemporaryFolder()
    let outcome = try Program.run(
      [Sample.model, folder.path("out.onnx"), "--calibration", Sample.calibration]
        + ["--samples", "32", "-q"] + options)
    #expect(outcome.status == 1)
    #expect(outcome.stdout == "")
    let line = outcome.stderr.replacing(#/[0-9]+(\.[0-9]+)?/#, with: "#")
    #expect(line == "rba-convert: error: \(reason), so no model is written\n")
    #expect(try folder.contents == [])
  }

  /// What can be told without a file is told before one is looked for.
  @Test(arguments: [
    (
      ["a", "b", "--form", "x"],
      "--form: expected auto, identity, bias, diagonal, low-rank, linear, linear-unbiased, context, "
        + "convolution, folded, got 'x'"
    ),
    (
      ["a", "b.onnx", "--fit", "least-squares", "--form", "bias"],
      "--fit: least-squares is of --form auto, linear or folded, got 'bias'"
    ),
    (["analyze", "a", "--fit", "x"], "--fit: expected ridge or least-squares, got 'x'"),
    (["a", "b", "--holdout", "2"], "--holdout: expected a share between 0 and 1, got 2.0"),
    (
      ["a", "b", "--target-params", "x"],
      "--target-params: expected a percentage such as 60%, got 'x'"
    ),
    (["a", "b", "--pick", "0"], "--pick: expected a number from 1, got 0"),
    (
      ["a", "b", "--recipe", "pasta", "--blocks", "1"],
      "--recipe: expected one of shortgpt, block-redundancy, toast, deeper-layers, replaceme, "
        + "got 'pasta'"
    ),
    (
      ["analyze", "a", "--scores", "--score-token", "x"],
      "--score-token: expected all, last, or a number from 0, got 'x'"
    ),
    (["a", "b", "--labels", "c"], "--labels: expected --calibration beside it"),
    (["verify", "a", "b", "--labels", "c"], "--labels: expected --inputs beside it"),
    (["a", "b", "--dim", "x"], "--dim: expected name=number, got 'x'"),
    (["inspect", "a", "--dim", "x=0"], "--dim: expected name=number, got 'x=0'"),
    (["run", "a", "--dim", "x"], "--dim: expected name=number, got 'x'"),
    (["verify", "a", "b", "--dim", "x"], "--dim: expected name=number, got 'x'"),
    (
      ["a", "b.onnx", "--dim", "x=1", "--dim", "x=2"], "--dim: expected one number for 'x', got two"
    ),
    (
      ["gather-stats", "a", "-o", "b.npy"],
      "expected an output that ends in .safetensors, got 'b.npy'"
    ),
    (
      ["merge-stats", "a", "b", "-o", "c.bin"],
      "expected an output that ends in .safetensors, got 'c.bin'"
    ),
    (
      ["apply", "a", "b", "c.safetensors", "--external-data", "inline"],
      "--external-data: only .onnx models have such data, got the output 'c.safetensors'"
    ),
  ])
  func optionsAreCheckedBeforeFiles(arguments: [String], message: String) throws {
    #expect(
      try Program.run(arguments)
        == Outcome(status: 64, stdout: "", stderr: "rba-convert: error: \(message)\n"))
  }
}
