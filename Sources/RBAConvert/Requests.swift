/// Threads and memory a verb may use.
public struct Machine: Sendable {
  /// Worker threads; all cores where absent.
  public var threads: Int?
  /// Bytes of working memory: for evaluation, or where models are converted, half of them for that
  /// and half for moments. Where absent, what the machine has, and 256 MiB for moments.
  public var maximumBytes: Int?

  /// All cores and the machine's memory, where nothing else is said.
  public init(threads: Int? = nil, maximumBytes: Int? = nil) {
    self.threads = threads
    self.maximumBytes = maximumBytes
  }
}

/// Data a verb is asked to feed, not read yet.
public struct DataRequest: Sendable {
  /// Files, folders, or `name:PATH`; none for synthetic data.
  public var paths: [String]
  /// A file of integer class labels.
  public var labels: String?
  /// Whether `labels` among the data are read: a verb that does nothing with them takes any.
  public var readsLabels = true
  /// Samples to use at most; all where absent.
  public var maximumSamples: Int?
  /// Decides what synthetic data is.
  public var seed: UInt64
  /// Extents of dimension parameters for synthetic data, as `name=number`.
  public var dimensions: [String]
  /// A file of statistics gathered earlier, or, where none stands there, to be written.
  public var statistics: String?

  /// Synthetic data, where no paths are given.
  public init(
    paths: [String], labels: String? = nil, maximumSamples: Int? = nil, seed: UInt64 = 0,
    dimensions: [String] = [], statistics: String? = nil
  ) {
    self.paths = paths
    self.statistics = statistics
    self.labels = labels
    self.maximumSamples = maximumSamples
    self.seed = seed
    self.dimensions = dimensions
  }
}

/// What to remove and how far to go. With nothing set: as much as the default guard allows.
public struct SelectionOptions: Sendable {
  /// Replaces the guard's limit.
  public var maximumDrop: Double?
  /// A percentage of the parameters to go down to, such as `60%`.
  public var targetParameters: String?
  /// A size of the written file to go down to.
  public var targetBytes: Int?
  /// Spans such as `3:5,9:11`.
  public var spans: String?
  /// A point of the frontier, counted from 1.
  public var pick: Int?
  /// The score up from which, or down to which, a block is redundant.
  public var threshold: Double?
  /// A published method, for the number of `blocks`.
  public var recipe: String?
  /// How many blocks the recipe removes.
  public var blocks: Int?
  /// Whether no span is to be replaced: only what was asked for beside is done.
  public var selectsNothing: Bool
  /// The token that published scores are taken at: a number, `last` or `all`. Where absent, the recipe's
  /// own, and all for thresholds.
  public var scoreToken: String?
  /// The score that the threshold is compared with.
  public var score: String
  /// The form of replacement, or `auto` for the cheapest that does.
  public var form: String
  /// How linear maps are fitted: `ridge` or `least-squares`.
  public var fit: String
  /// The share of the samples that is never fitted on, between 0 and 1.
  public var holdout: Double?
  /// Whether weights that stay are solved anew where that does less damage on held-out data.
  public var heals: Bool
  /// Sets of spans to measure at most while choosing; what a fixed amount of work buys where absent.
  public var searchedSets: Int?
  /// Seconds after which no further set is measured; the result depends on the machine then.
  public var timeBudget: Double?

  /// As much as the default guard allows, where nothing is set.
  public init(
    maximumDrop: Double? = nil, targetParameters: String? = nil, targetBytes: Int? = nil,
    spans: String? = nil, pick: Int? = nil, threshold: Double? = nil,
    score: String = "output-damage", form: String = "auto", fit: String = "ridge",
    holdout: Double? = nil, recipe: String? = nil, blocks: Int? = nil,
    selectsNothing: Bool = false, scoreToken: String? = nil,
    heals: Bool = true, searchedSets: Int? = nil, timeBudget: Double? = nil
  ) {
    self.maximumDrop = maximumDrop
    self.targetParameters = targetParameters
    self.targetBytes = targetBytes
    self.spans = spans
    self.pick = pick
    self.threshold = threshold
    self.score = score
    self.form = form
    self.fit = fit
    self.holdout = holdout
    self.recipe = recipe
    self.blocks = blocks
    self.selectsNothing = selectsNothing
    self.scoreToken = scoreToken
    self.heals = heals
    self.searchedSets = searchedSets
    self.timeBudget = timeBudget
  }
}

/// The program's version, as `--version` prints it and written models record it.
public let programVersion = "0.1.0"
