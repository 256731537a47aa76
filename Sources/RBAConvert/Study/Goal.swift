import Planning

/// What decides how much of a model goes.
enum Goal: Sendable {
  /// As much as the guard allows.
  case guarded
  /// Down to this many parameters.
  case parameters(Int)
  /// Down to this many bytes.
  case bytes(Int)
  /// A point of the frontier, counted from 1.
  case pick(Int)
  /// These spans.
  case spans([CandidateSpan])
  /// Every block whose score is good enough.
  case threshold(Score, Double, ScoredPositions)
  /// So many blocks as a published method has it, which says where it scores unless a person does.
  case recipe(Recipe, blocks: Int, ScoredPositions?)
  /// No span: only what was asked for beside.
  case nothing

  /// Checks what can be checked without a model.
  static func check(_ options: SelectionOptions) throws(Failure) {
    guard options.spans == nil else { return }
    _ = try Goal(options, parameters: 0, streams: [])
  }

  init(
    _ options: SelectionOptions, parameters: Int, streams: [ResidualStream]
  ) throws(Failure) {
    guard let score = Score(rawValue: options.score) else {
      let names = Score.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(.usage, "--score: expected one of \(names), got '\(options.score)'")
    }
    let positions = try options.scoreToken.map { text throws(Failure) in
      try ScoredPositions(text)
    }
    if options.selectsNothing {
      self = .nothing
    } else if let name = options.recipe {
      self = try Self.recipe(name, blocks: options.blocks, positions, streams)
    } else if let text = options.spans {
      do throws(PlanError) {
        self = .spans(try CandidateSpan.parse(text, in: streams))
      } catch { throw Failure(.usage, "--spans: \(error)") }
    } else if let pick = options.pick {
      guard pick > 0 else { throw Failure(.usage, "--pick: expected a number from 1, got \(pick)") }
      self = .pick(pick)
    } else if let text = options.targetParameters {
      self = .parameters(try Self.share(text, of: parameters))
    } else if let bytes = options.targetBytes {
      self = .bytes(bytes)
    } else if let threshold = options.threshold {
      guard !threshold.isNaN else {
        throw Failure(.usage, "--threshold: expected a number, got \(threshold)")
      }
      self = .threshold(score, threshold, positions ?? .all)
    } else {
      self = .guarded
    }
  }

  /// Whether a published method decides, whose fits weigh all rows alike.
  var isPublished: Bool { if case .recipe = self { true } else { false } }

  /// Whether the guard decides even where no limit was given.
  var isGuarded: Bool { if case .guarded = self { true } else { false } }

  private static func recipe(
    _ name: String, blocks: Int?, _ positions: ScoredPositions?, _ streams: [ResidualStream]
  ) throws(Failure) -> Goal {
    guard let recipe = Recipe(rawValue: name) else {
      let names = Recipe.allCases.map(\.rawValue).joined(separator: ", ")
      throw Failure(.usage, "--recipe: expected one of \(names), got '\(name)'")
    }
    guard let blocks, blocks > 0 else {
      let found = blocks.map(String.init) ?? "none"
      throw Failure(.usage, "--blocks: expected the number of blocks to remove, got \(found)")
    }
    if !streams.isEmpty { _ = try recipe.candidates(blocks: blocks, in: streams) }
    return .recipe(recipe, blocks: blocks, positions)
  }

  /// The spans that are asked for by name.
  var spans: [CandidateSpan] { if case .spans(let spans) = self { spans } else { [] } }

  /// What is asked of the model's size, where something is.
  private var sizeLimit: (metric: String, most: Int)? {
    switch self {
    case .parameters(let count): ("parameters", count)
    case .bytes(let count): ("bytes", count)
    default: nil
    }
  }

  /// The size that was asked for against the one reached, where that is larger.
  func shortfall(parameters: Int, bytes: Int) -> ConversionReport.Guard? {
    guard let (metric, most) = sizeLimit else { return nil }
    let reached = metric == "bytes" ? bytes : parameters
    guard reached > most else { return nil }
    return ConversionReport.Guard(
      metric: metric, limit: Double(most), measured: Double(reached), bound: Double(reached),
      passed: false)
  }

  /// Why no span was chosen; `nil` where none was to be.
  var reasonForNothing: String? {
    switch self {
    case .nothing: nil
    case .recipe: "nothing can be replaced as the recipe has it"
    case .spans: "none of the spans can be replaced as asked for"
    case .parameters, .bytes: "the model is as small as asked for"
    case .threshold(let score, let threshold, _):
      "no block is redundant by \(score.rawValue) at \(threshold)"
    case .guarded, .pick: "no set of spans that was measured stays within the limit"
    }
  }

  private static func share(_ text: String, of total: Int) throws(Failure) -> Int {
    let digits = text.hasSuffix("%") ? String(text.dropLast()) : text
    guard let percent = Double(digits), percent > 0, percent <= 100 else {
      throw Failure(.usage, "--target-params: expected a percentage such as 60%, got '\(text)'")
    }
    return Int(Double(total) * percent / 100)
  }
}
