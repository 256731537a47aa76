import GraphIR
import ONNXFormat
import SafetensorsFormat
import Tensors

/// A model read from a file of any form.
struct LoadedModel: Sendable {
  let path: String
  var model: Model
  /// The file at `path`, and those an index leads to.
  let files: [MappedFile]

  /// Reads the model at `path`; its tensors stay in the mapped files.
  ///
  /// `externalDataDirectory` is a folder to look for external data in, beside the model's own.
  init(path: String, externalDataDirectory: String? = nil) throws(Failure) {
    self.path = path
    if let directory = externalDataDirectory, FilePath.canonical(directory + "/.") == nil {
      throw Failure(.noInput, "\(directory): no such folder")
    }
    let file: MappedFile
    do throws(FileError) { file = try MappedFile(path: path) } catch { throw Failure(error) }
    let form = try ModelForm(reading: file)
    switch form {
    case .onnx:
      files = [file]
      do throws(FormatError) {
        model = try ONNXFile.read(file, externalDataDirectory: externalDataDirectory)
      } catch { throw Failure(error, path) }
    case .safetensors, .shards:
      let read: SafetensorsFile
      do throws(SafetensorsError) {
        read = try form == .shards ? .readShards(index: file) : .read(file)
      } catch { throw Failure(error) }
      files = read.files
      model = try Model(read, path: path)
    }
  }

  /// The SHA-256 digest of the file, and of those an index leads to.
  func digest() -> String {
    var digest = Digest()
    for file in files { digest.update(file.region.bytes) }
    return digest.finish()
  }

  /// Bytes of the files and of the tensors kept elsewhere.
  var byteCount: Int {
    saturatingSum(files.reduce(0) { $0 + $1.region.count }, model.externalByteCount)
  }

  /// What a caller must feed: inputs without contents of their own.
  ///
  /// - Throws: `Failure` where one of them is no tensor.
  var inputs: [ModelInput] {
    get throws(Failure) {
      var result: [ModelInput] = []
      for value in model.graph.inputs where model.graph.initializer(value) == nil {
        let name = model.graph[value].name
        let declared = model.graph[value].declaration?.type
        guard let type = declared?.tensor else {
          let got = declared.map { "\($0.specificationName)" } ?? "no type"
          throw Failure(
            .malformedInput, "\(path): input '\(name)': expected a tensor, got \(got)",
            notes: declared == nil ? [] : ["'run --pbdir' feeds values that are no tensors"])
        }
        result.append(ModelInput(name: name, type: type))
      }
      return result
    }
  }

  /// Those inputs without contents of their own that are tensors.
  var tensorInputs: [ModelInput] {
    model.graph.inputs.filter { model.graph.initializer($0) == nil }.compactMap { value in
      model.graph[value].declaration?.type?.tensor.map {
        ModelInput(name: model.graph[value].name, type: $0)
      }
    }
  }

  /// Says that the file may hold what this program does not know.
  func noteNewerVersion(_ diagnostics: Diagnostics) {
    guard let version = model.irVersion, version > ONNXFile.newestIRVersion else { return }
    diagnostics.note(
      "\(path): IR version \(version) is newer than \(ONNXFile.newestIRVersion), the newest known; "
        + "parts that are unknown are kept as they are")
  }

  var outputNames: [String] { model.graph.outputs.map { model.graph[$0].name } }

  /// Names and declared types of values, for reports.
  func ports(_ values: [ValueID]) -> [PortReport] {
    values.map { value in
      PortReport(name: model.graph[value].name, declared: model.graph[value].declaration?.type)
    }
  }
}

extension Model {
  /// Bytes of tensors kept in other files: once where tensors share them.
  fileprivate var externalByteCount: Int {
    var known: Set<ByteRegion.Place> = []
    return allStoredTensors.reduce(0) { sum, stored in
      guard case .external = stored.encoding else { return sum }
      let region = stored.tensor.region
      return known.insert(region.place).inserted ? saturatingSum(sum, region.count) : sum
    }
  }
}
