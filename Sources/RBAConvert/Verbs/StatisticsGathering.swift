import Planning

/// Runs data through a model and keeps the moments that fits need: the verb `gather-stats`.
public struct StatisticsGathering: Sendable {
  /// The model to read.
  public var input: String
  /// The statistics file to write.
  public var output: String
  /// Whether a file that stands there may be replaced.
  public var overwriting: Bool
  /// What to feed.
  public var data: DataRequest
  /// The share of the samples that is held out of the fit, between 0 and 1.
  public var holdout: Double?
  /// A statistics file whose weights outlier tokens are to have, so that both files merge.
  public var weights: String?
  /// What the work may use.
  public var machine: Machine
  /// A folder to look for external data in, beside the model's own.
  public var externalDataDirectory: String?

  /// The work to do; nothing is read before `run`.
  public init(
    input: String, output: String, overwriting: Bool, data: DataRequest, holdout: Double?,
    weights: String? = nil, machine: Machine, externalDataDirectory: String? = nil
  ) {
    self.input = input
    self.output = output
    self.overwriting = overwriting
    self.data = data
    self.holdout = holdout
    self.weights = weights
    self.machine = machine
    self.externalDataDirectory = externalDataDirectory
  }

  /// Runs the model once over the data and writes the file.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> StatisticsReport {
    var data = data
    data.readsLabels = false
    let analysis = Analysis(
      input: input, plan: nil, overwriting: overwriting, data: data,
      selection: SelectionOptions(holdout: holdout), machine: machine,
      externalDataDirectory: externalDataDirectory)
    try analysis.checkOptions()
    try StatisticsFile.checkName(output)
    var inputs = InputFiles()
    inputs.add(model: input)
    inputs.add(data)
    if let weights { inputs.add(weights, "a statistics file to read") }
    try inputs.checkDistinct(output)
    try checkWritable(output, overwriting: overwriting)
    let loaded = try LoadedModel(path: input, externalDataDirectory: externalDataDirectory)
    inputs.add(partsOf: loaded)
    try inputs.checkDistinct(output)
    let scales = try weights.map { path throws(Failure) in
      try StatisticsFile(path: path, of: loaded)
    }
    var (study, samples) = try analysis.study(loaded, diagnostics)
    if let scales {
      try scales.checkMatches(study.streams) { study.name($0, of: $1) }
      study.outliers = study.streams.indices.map { scales.outliers(ofStream: $0) }
    } else {
      try study.findOutliers()
    }
    try study.writeStatistics(
      to: output, source: samples.source, wanted: [], memory: analysis.momentsMemory,
      overwriting: overwriting)
    return StatisticsReport(verb: "gather-stats", of: try StatisticsFile(path: output))
  }
}

extension StatisticsReport {
  init(verb: String, of file: StatisticsFile) {
    func parts(_ counts: StatisticsHeader.Counts) -> Parts {
      Parts(fit: counts.fit, held: counts.held)
    }
    self.init(
      schema: "rba-convert/\(verb)/1", samples: parts(file.header.samples),
      rows: file.header.streams.map { parts($0.rows) },
      pairs: file.header.streams.map(\.pairs.count), bytes: file.byteCount, output: file.path)
  }
}
