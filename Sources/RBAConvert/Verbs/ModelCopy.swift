import ONNXFormat

/// Reads and writes a model unchanged: the verb `copy`.
public struct ModelCopy: Sendable {
  /// The model to read.
  public var input: String
  /// The model to write; the ending of its name decides its form.
  public var output: String
  /// `keep`, `inline`, or the name of a file beside the output.
  public var externalData: String
  /// Bytes of elements in one file of a safetensors model; no bound where absent.
  public var maximumShardSize: Int?
  /// Whether files that stand there may be replaced.
  public var overwriting: Bool
  /// A folder to look for external data in, beside the model's own.
  public var externalDataDirectory: String?

  /// The work to do; nothing is read before `run`.
  public init(
    input: String, output: String, externalData: String = "keep", maximumShardSize: Int? = nil,
    overwriting: Bool, externalDataDirectory: String? = nil
  ) {
    self.input = input
    self.output = output
    self.externalData = externalData
    self.maximumShardSize = maximumShardSize
    self.overwriting = overwriting
    self.externalDataDirectory = externalDataDirectory
  }

  /// Reads, writes, and says how large both are.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> SizeReport {
    let target = try ModelOutput(
      path: output, overwriting: overwriting, externalData: externalData,
      maximumShardSize: maximumShardSize)
    var inputs = InputFiles()
    inputs.add(model: input)
    let loaded = try LoadedModel(path: input, externalDataDirectory: externalDataDirectory)
    inputs.add(partsOf: loaded)
    try inputs.checkDistinct(target)
    let written = try target.write(loaded.model, sparing: inputs)
    return try SizeReport(verb: "copy", from: loaded, to: written[0])
  }
}
