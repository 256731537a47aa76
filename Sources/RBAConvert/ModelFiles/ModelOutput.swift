import GraphIR
import ONNXFormat
import SafetensorsFormat
import Tensors

/// Where and how a model is to be written, as the command line says it.
struct ModelOutput: Sendable {
  let path: String
  let overwriting: Bool
  private let form: ModelForm
  private let externalData: ONNXFile.ExternalData
  /// Bytes of elements in one file of a safetensors model; no bound where absent.
  private let maximumShardSize: Int?

  /// - Parameter externalData: `keep`, `inline`, or the name of a file beside the output.
  /// - Throws: `Failure` with `.usage` where the options do not fit the output.
  init(
    path: String, overwriting: Bool, externalData: String = "keep", maximumShardSize: Int? = nil
  ) throws(Failure) {
    self.path = path
    self.overwriting = overwriting
    self.maximumShardSize = maximumShardSize
    form = try ModelForm(writing: path)
    switch externalData {
    case "keep": self.externalData = .keep
    case "inline": self.externalData = .inline
    case let name:
      guard FilePath.isFileName(name) else {
        throw Failure(
          .usage,
          "--external-data: expected keep, inline or the name of a file beside the output, "
            + "got '\(name)'")
      }
      guard name != FilePath.name(of: path) else {
        throw Failure(.usage, "--external-data: '\(name)' is the model itself")
      }
      self.externalData = .file(name)
    }
    guard form == .onnx || externalData == "keep" else {
      throw Failure(
        .usage, "--external-data: only .onnx models have such data, got the output '\(path)'")
    }
    if let maximumShardSize {
      guard form == .safetensors else {
        throw Failure(
          .usage, "--max-shard-size: only .safetensors models are split, got the output '\(path)'")
      }
      guard maximumShardSize > 0 else {
        throw Failure(
          .usage, "--max-shard-size: expected a positive number, got \(maximumShardSize)")
      }
    }
  }

  /// As `loaded` lies now, its weights where they are.
  init(like loaded: LoadedModel) throws(Failure) {
    path = loaded.path
    overwriting = false
    form =
      try loaded.files.first.map { (file) throws(Failure) in try ModelForm(reading: file) }
      == .onnx ? .onnx : .safetensors
    externalData = .keep
    maximumShardSize = nil
  }

  /// The files that are known to be written.
  var paths: [String] {
    guard case .file(let name) = externalData else { return [path] }
    // Beside the file itself where the path is a link.
    let folder = FilePath.folder(of: FilePath.canonical(path) ?? path)
    return [path, "\(folder)/\(name)"]
  }

  /// Fails early where the model could not be written later.
  func checkWritable() throws(Failure) {
    // Into how many files a model is split is known when it is; a data file that a cut run left may
    // stand there.
    guard maximumShardSize == nil else { return }
    try RBAConvert.checkWritable(path, overwriting: overwriting)
  }

  /// Writes `model` but over none of the `inputs`, and returns the paths of its files, that to read
  /// first.
  func write(_ model: Model, sparing inputs: InputFiles) throws(Failure) -> [String] {
    guard form == .safetensors else {
      do throws(FormatError) {
        return try ONNXFile.write(
          model, to: path, overwriting: overwriting, externalData: externalData)
      } catch { throw Failure(error, path) }
    }
    let layout = try shards(of: model)
    for (index, path) in layout.paths.enumerated() {
      try inputs.checkDistinct(path, isModel: index == 0)
    }
    do throws(SafetensorsError) { try layout.write(overwriting: overwriting) } catch {
      throw Failure(error)
    }
    return layout.paths
  }

  private func shards(of model: Model) throws(Failure) -> ShardLayout {
    let parts: SafetensorsModel
    do throws(FormatError) { parts = try SafetensorsModel(model) } catch {
      throw Failure(error, path)
    }
    do throws(SafetensorsError) {
      return try ShardLayout(
        parts.tensors, metadata: parts.metadata, path: path,
        maximumByteCount: maximumShardSize ?? .max)
    } catch { throw Failure(error) }
  }
}

// MARK: Sizes

extension ModelOutput {
  /// Bytes of all that `write` writes, and of weights that stay in other files.
  func byteCount(of model: Model) throws(Failure) -> Int {
    guard form == .onnx else { return try shards(of: model).byteCount }
    do throws(FormatError) {
      return try ONNXFile.byteCount(of: model, at: path, externalData: externalData)
    } catch { throw Failure(error, path) }
  }

  /// What parts of a graph take in the files, near to exactly.
  ///
  /// - Parameter start: nodes and values before it are left out.
  func partSizes(
    of graph: Graph, from start: (node: NodeID, value: ValueID) = (NodeID(0), ValueID(0))
  ) -> PartSizes {
    guard form == .onnx else {
      // Offsets are mostly as long, or by one longer.
      let total = graph.allStoredTensors.reduce(0) { saturatingSum($0, $1.tensor.byteCount) }
      let digits = max(String(total).utf8.count - 1, 1)
      return PartSizes(of: graph, from: start, NamedTensorPlacement(graph)) { message, moved in
        // The message stands there in base64.
        moved.reduce(message * 4 / 3) {
          saturatingSum($0, Self.entryByteCount($1.stored, $1.name ?? "", digits: digits))
        }
      }
    }
    let placement = ONNXFile.placement(externalData, at: path)
    return PartSizes(of: graph, from: start, placement) { message, moved in
      moved.reduce(message) { saturatingSum($0, $1.stored.tensor.byteCount) }
    }
  }

  /// Of a tensor in a safetensors file, and of what the header says of it.
  private static func entryByteCount(
    _ stored: StoredTensor, _ name: String, digits: Int
  ) -> Int {
    let shape = stored.tensor.shape.map(String.init).joined(separator: ",")
    let entry =
      "\"\(name)\":{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[,]},"
    return saturatingSum(entry.utf8.count + 2 * digits, stored.tensor.byteCount)
  }
}
