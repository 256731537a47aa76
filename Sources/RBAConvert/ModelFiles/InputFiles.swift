import FoundationEssentials
import GraphIR
import Tensors

/// The files a verb reads, which its outputs must not replace.
///
/// An output may only replace the model it is made from, whose bytes stay mapped. Paths are compared
/// with their links followed.
struct InputFiles {
  /// What each file is, by its canonical path.
  private var kinds: [ExactText: String] = [:]
  private var models: Set<ExactText> = []

  /// A model that a new one may replace.
  mutating func add(model path: String) {
    if let path = FilePath.canonical(path) { models.insert(ExactText(path)) }
  }

  /// The files beside its own that a model was read from.
  mutating func add(partsOf loaded: LoadedModel) {
    for file in loaded.model.externalFiles.values { add(file.path, "external data of the model") }
    for file in loaded.files.dropFirst() { add(file.path, "a part of the model") }
  }

  /// Data to feed, labels and statistics included: files, the files of folders, or `name:PATH`.
  mutating func add(_ data: DataRequest) {
    if let statistics = data.statistics { add(statistics, "the statistics file") }
    for specification in data.paths + (data.labels.map { [$0] } ?? []) {
      add(data: specification)
      // An input's name may have colons itself.
      for colon in specification.indices where specification[colon] == ":" {
        add(data: String(specification[specification.index(after: colon)...]))
      }
    }
  }

  /// A file that is `kind`, such as "the plan".
  mutating func add(_ path: String, _ kind: String) {
    if let path = FilePath.canonical(path) { kinds[ExactText(path)] = kind }
  }

  private mutating func add(data path: String) {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else { return }
    guard isDirectory else { return add(path, "input data") }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    where knownDataEndings.contains(pathExtension(name)) {
      add("\(path)/\(name)", "input data")
    }
  }

  /// - Parameter isModel: whether the output is a model, which may replace the one it is made from.
  /// - Throws: `Failure` if something at `output` would be replaced that is read.
  func checkDistinct(_ output: String, isModel: Bool = false) throws(Failure) {
    guard let path = FilePath.canonical(output) else { return }
    if let kind = kinds[ExactText(path)] { throw Failure(.cannotCreate, "\(output): is \(kind)") }
    if models.contains(ExactText(path)), !isModel {
      throw Failure(.cannotCreate, "\(output): is the model")
    }
  }

  /// The same for the files of a model to be written.
  func checkDistinct(_ output: ModelOutput) throws(Failure) {
    for (index, path) in output.paths.enumerated() {
      try checkDistinct(path, isModel: index == 0)
    }
  }
}
