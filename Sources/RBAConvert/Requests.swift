/// Threads and memory a verb may use.
public struct Machine: Sendable {
  public var threads: Int?
  public var maximumBytes: Int?

  public init(threads: Int? = nil, maximumBytes: Int? = nil) {
    self.threads = threads
    self.maximumBytes = maximumBytes
  }
}

/// Data a verb is asked to feed, not read yet.
public struct DataRequest: Sendable {
  /// Files, folders, or `name:PATH`; none for synthetic data.
  public var paths: [String]
  public var labels: String?
  public var maximumSamples: Int?
  public var seed: UInt64
  /// Extents of dimension parameters for synthetic data, as `name=number`.
  public var dimensions: [String]

  public init(
    paths: [String], labels: String? = nil, maximumSamples: Int? = nil, seed: UInt64 = 0,
    dimensions: [String] = []
  ) {
    self.paths = paths
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
  public var targetBytes: Int?
  /// Spans such as `3:5,9:11`.
  public var spans: String?
  /// A point of the frontier, counted from 1.
  public var pick: Int?
  public var threshold: Double?
  public var score: String
  public var form: String
  public var fit: String
  public var holdout: Double?

  public init(
    maximumDrop: Double? = nil, targetParameters: String? = nil, targetBytes: Int? = nil,
    spans: String? = nil, pick: Int? = nil, threshold: Double? = nil,
    score: String = "output-error", form: String = "auto", fit: String = "ridge",
    holdout: Double? = nil
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
  }
}

/// The program's version, as `--version` prints it and written models record it.
public let programVersion = "0.1.0"
