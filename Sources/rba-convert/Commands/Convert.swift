import ArgumentParser
import RBAConvert

/// Options of `convert` and `analyze`: what to fit on, what to remove, and how far to go.
struct PlanningOptions: ParsableArguments {
  @Option(
    help: """
      Calibration data: .npy, .npz, .safetensors, .pb, a folder of those, or name:PATH per input. \
      Without it the program makes synthetic inputs, and says so.
      """)
  var calibration: [String] = []

  @Option(
    help: """
      A statistics file. If it is there, maps for --spans, --threshold and --recipe are fitted on its \
      moments and, where it is of more samples than the calibration data, so are those of sets that \
      are searched for; if not, it is written, and serves later runs. It is never replaced, not even \
      with --force. See 'gather-stats' and 'merge-stats'.
      """)
  var stats: String?

  @OptionGroup var labels: LabelOptions
  @OptionGroup var data: DataOptions

  /// What to feed.
  var request: DataRequest { data.request(calibration, labels: labels, statistics: stats) }

  @Flag(
    help: """
      Remove as much as the guard allows (the default). The guard, on held-out data: accuracy falls \
      by at most 0.01 where labels are given; else the relative error is at most 0.05, and top-1 \
      agreement at least 0.99 for scores of classes. Half of each for synthetic data.
      """)
  var autoThreshold = false

  @Option(
    help: """
      Replace the guard's limits by this one: the drop of accuracy where labels are given, the share of \
      samples whose largest class changes for scores of classes, else the relative error. Scores of \
      classes then have no limit on their relative error.
      """)
  var maxDrop: Double?

  @Option(
    help:
      "Go down to this share of the parameters, such as 60%. Where that is not reached, exit with 1."
  )
  var targetParams: String?

  @Option(
    help: """
      Go down to files of this many bytes, such as 50M, external data among them. Where that is not \
      reached, exit with 1.
      """)
  var targetBytes: ByteCount?

  @Option(help: "Replace these spans of blocks, such as 3:5,9:11.")
  var spans: String?

  @Option(help: "Take the K-th point of the frontier that 'analyze' prints, counted from 1.")
  var pick: Int?

  @Option(
    parsing: .unconditional,
    help: "Replace every block that --score finds redundant at this value.")
  var threshold: Double?

  @Option(
    help: """
      Score for --threshold: output-damage, relative-residual or angular-distance, redundant at or \
      below it; block-redundancy, cosine or linear-cka, at or above it. (default: output-damage)
      """)
  var score: String?

  @Option(
    help: """
      Replace --blocks blocks as a published method does, to compare with: shortgpt (arXiv \
      2403.03853) drops those of greatest mean cosine; block-redundancy those of score nearest 0; \
      toast (arXiv 2410.04941) replaces those by plain least squares, the first block never; \
      deeper-layers (arXiv 2403.17887) drops the run of least angle at the last token; replaceme \
      (arXiv 2505.02819) folds the run of greatest cosine into the MLP before it.
      """)
  var recipe: String?

  @Option(help: "How many blocks --recipe removes.")
  var blocks: Int?

  @Option(
    help: """
      Take published scores at one token of each sample, a number from 0 or last, or over all. \
      Default: as the recipe's paper does, else all.
      """)
  var scoreToken: String?

  @Option(
    help: """
      Replacement: auto, identity, bias, diagonal, low-rank, linear, linear-unbiased, context (with \
      the mean token), convolution (3 x 3), or folded (passed over, with the last weight before the \
      span solved anew). (default: auto)
      """)
  var form: String?

  @Option(
    help: """
      Fit: ridge (toward identity, chosen on held-out data) or least-squares (the paper's, of forms \
      auto, linear and folded). (default: ridge)
      """)
  var fit: String?

  @Option(
    help:
      "Share of the samples that is never fitted on. Default: 0.5 where samples are counted, else 0.25."
  )
  var holdout: Double?

  @Flag(help: "Leave the weights that stay as they are.")
  var noHeal = false

  @Option(
    help: """
      Sets of spans to measure at most while choosing. More mostly find better models. Default: what a \
      fixed amount of work buys, 12 to 64.
      """)
  var search: Int?

  @Option(
    help: """
      Seconds after which no further set is measured. The result then depends on the machine, which \
      a note says.
      """)
  var timeBudget: Double?

  var options: SelectionOptions {
    SelectionOptions(
      maximumDrop: maxDrop, targetParameters: targetParams, targetBytes: targetBytes?.value,
      spans: spans, pick: pick, threshold: threshold, score: score ?? "output-damage",
      form: form ?? "auto", fit: fit ?? "ridge",
      holdout: holdout, recipe: recipe, blocks: blocks, scoreToken: scoreToken,
      heals: !noHeal,
      searchedSets: search, timeBudget: timeBudget)
  }

  /// The options given that say how much is to go.
  var goals: [String] {
    [
      ("--auto-threshold", autoThreshold), ("--target-params", targetParams != nil),
      ("--target-bytes", targetBytes != nil), ("--spans", spans != nil), ("--pick", pick != nil),
      ("--threshold", threshold != nil), ("--recipe", recipe != nil),
    ].filter(\.1).map(\.0)
  }

  /// Checks that something asks for the scores that options are about.
  func checkScores(areReported: Bool = false) throws {
    guard scoreToken != nil, recipe == nil, !areReported else { return }
    guard threshold != nil else {
      throw ValidationError("--score-token: expected --recipe, --threshold or --scores beside it")
    }
    guard let score, !["output-damage", "relative-residual"].contains(score) else {
      throw ValidationError(
        "--score-token: expected a --score of tokens, got '\(score ?? "output-damage")'")
    }
  }

  /// Checks that what is given beside the goal has an effect on it.
  private func checkGoal() throws {
    if recipe != nil, form != nil || fit != nil {
      throw ValidationError(
        "--recipe says which form and fit, so --form and --fit do not go with it")
    }
    if recipe != nil, noHeal {
      throw ValidationError("--recipe heals nothing, so --no-heal does not go with it")
    }
    if score != nil, threshold == nil {
      throw ValidationError("--score: expected --threshold beside it")
    }
    let fixed = [
      ("--spans", spans != nil), ("--threshold", threshold != nil), ("--recipe", recipe != nil),
    ]
    .first(where: \.1)?.0
    let searching = [("--search", search != nil), ("--time-budget", timeBudget != nil)]
      .first(where: \.1)?.0
    if let fixed, let searching {
      throw ValidationError("\(fixed) searches for no sets, so \(searching) does not go with it")
    }
  }

  func validate() throws {
    if goals.count > 1 {
      throw ValidationError("\(goals.joined(separator: " and ")) exclude each other")
    }
    if (recipe == nil) != (blocks == nil) {
      throw ValidationError("--recipe and --blocks need each other")
    }
    try checkGoal()
    if let search, search < 1 {
      throw ValidationError("--search: expected a number from 1, got \(search)")
    }
    if let timeBudget, !(timeBudget >= 0) {
      throw ValidationError("--time-budget: expected a number from 0, got \(timeBudget)")
    }
    if let maxDrop, !(maxDrop >= 0) {
      throw ValidationError("--max-drop: expected a number from 0, got \(maxDrop)")
    }
  }
}

/// The default verb: a smaller model from a model.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a smaller model (the default verb).")

  @Argument(help: "The model to read, .onnx or .safetensors.")
  var input: String

  @Argument(help: "The model to write, .onnx or .safetensors.")
  var output: String?

  @OptionGroup var planning: PlanningOptions
  @OptionGroup var machine: MachineOptions
  @OptionGroup var reading: ModelOptions
  @OptionGroup var placement: PlacementOptions
  @OptionGroup var common: CommonOptions

  @Flag(help: "Do everything but write the model.")
  var dryRun = false

  @Flag(help: "Replace the output file if it exists.")
  var force = false

  @Flag(help: "Do not record in the model's metadata what was done.")
  var noProvenance = false

  func validate() throws {
    if output == nil && !dryRun { throw ValidationError("expected IN and OUT, got IN only") }
    try planning.checkScores()
  }

  func run() throws {
    let conversion = Conversion(
      input: input, output: output, writes: !dryRun, overwriting: force,
      recordsProvenance: !noProvenance, data: planning.request,
      selection: planning.options, machine: machine.machine,
      externalData: placement.externalData, externalDataDirectory: reading.externalDataDir)
    let report = try conversion.run(common.diagnostics)
    try common.show(report, ConversionText.lines(report))
    if !report.guard.passed { try common.refuse(report.refusal) }
  }
}
