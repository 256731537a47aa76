import ONNXFormat

/// Reads and writes a model unchanged: the verb `copy`.
public struct ModelCopy: Sendable {
  /// The model to read.
  public var input: String
  /// The model to write.
  public var output: String
  /// `keep`, `inline`, or the name of a file beside the output.
  public var externalData: String
  /// Whether files that stand there may be replaced.
  public var overwriting: Bool

  /// The work to do; nothing is read before `run`.
  public init(input: String, output: String, externalData: String, overwriting: Bool) {
    self.input = input
    self.output = output
    self.externalData = externalData
    self.overwriting = overwriting
  }

  /// Reads, writes, and says how large both are.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> SizeReport {
    let loaded = try LoadedModel(path: input)
    let place: ONNXFile.ExternalData =
      switch externalData {
      case "keep": .keep
      case "inline": .inline
      default: .file(externalData)
      }
    try loaded.model.write(to: output, overwriting: overwriting, externalData: place)
    return try SizeReport(verb: "copy", from: loaded, to: output)
  }
}
