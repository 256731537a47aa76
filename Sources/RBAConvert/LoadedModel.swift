import GraphIR
import ONNXFormat
import Tensors

/// A model read from a file.
struct LoadedModel: Sendable {
  let path: String
  var model: Model
  private let file: MappedFile

  init(path: String) throws(Failure) {
    guard
      ["onnx", ""].contains(pathExtension(path)) || !knownOtherKinds.contains(pathExtension(path))
    else {
      throw Failure(
        .malformedInput, "\(path): expected an .onnx model, got a .\(pathExtension(path)) file")
    }
    self.path = path
    do throws(FileError) { file = try MappedFile(path: path) } catch { throw Failure(error) }
    do throws(FormatError) { model = try ONNXFile.read(path: path) } catch {
      throw Failure(error, path)
    }
  }

  /// The SHA-256 digest of the file.
  func digest() -> String { Digest.sha256(file.region) }

  /// Bytes of the file and of the tensors it keeps elsewhere.
  var byteCount: Int { file.region.count + model.graph.externalByteCount }

  /// What a caller must feed: inputs without contents of their own.
  var inputs: [ModelInput] {
    get throws(Failure) {
      var result: [ModelInput] = []
      for value in model.graph.inputs where model.graph.initializer(value) == nil {
        let name = model.graph[value].name
        guard let type = model.graph[value].declaration?.type?.tensor else {
          throw Failure(.malformedInput, "\(path): input '\(name)': expected a tensor")
        }
        result.append(ModelInput(name: name, type: type))
      }
      return result
    }
  }

  var outputNames: [String] { model.graph.outputs.map { model.graph[$0].name } }

  /// Names and declared types of values, for reports.
  func ports(_ values: [ValueID]) -> [PortReport] {
    values.map { value in
      let type = model.graph[value].declaration?.type?.tensor
      return PortReport(
        name: model.graph[value].name, type: type?.elementType.description ?? "unknown",
        shape: shapeText(type?.shape))
    }
  }
}

/// Endings of files that hold data or pictures, never an ONNX model.
private let knownOtherKinds: Set = [
  "npy", "npz", "safetensors", "pb", "png", "jpg", "jpeg", "gif", "bmp", "webp", "json", "txt",
]

extension Graph {
  /// Bytes of tensors kept in other files.
  fileprivate var externalByteCount: Int {
    initializers.reduce(0) { sum, value in
      guard let stored = initializer(value), case .external = stored.encoding else { return sum }
      return sum + stored.tensor.byteCount
    }
  }
}

extension Failure {
  init(_ error: FormatError, _ path: String) {
    let status: ExitStatus =
      switch error.code {
      case .notFound: .noInput
      case .exists, .uncreatable: .cannotCreate
      case .unwritable: .cannotWrite
      default: .malformedInput
      }
    let text = "\(error)"
    self.init(
      status, text.hasPrefix(path) || error.file != nil ? text : "\(path): \(text)",
      notes: error.code == .exists ? ["use --force to replace it"] : [])
  }
}
