import Tensors

/// The kinds of files a model can lie in.
enum ModelForm: Sendable, Hashable {
  /// One file of the ONNX format, perhaps with data files beside it.
  case onnx
  /// One safetensors file whose metadata hold the graph.
  case safetensors
  /// An index of safetensors files, whose metadata hold the graph.
  case shards

  static let indexSuffix = ".safetensors.index.json"

  /// The form in which a model is written to `path`, by the ending of its name.
  ///
  /// - Throws: `Failure` with `.usage` for every other ending: under it no verb would look for a model.
  init(writing path: String) throws(Failure) {
    switch pathExtension(path) {
    case "onnx": self = .onnx
    case "safetensors": self = .safetensors
    default:
      throw Failure(
        .usage, "expected an output that ends in .onnx or .safetensors, got '\(path)'")
    }
  }

  /// The form of the model in `file`: what it contains decides, and its name where that does not say.
  ///
  /// - Throws: `Failure` if the name is that of another kind of file.
  init(reading file: MappedFile) throws(Failure) {
    let ending = pathExtension(file.path)
    let bytes = file.region.bytes
    let length =
      bytes.count < 8 ? nil : UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    if file.path.lowercased().hasSuffix(Self.indexSuffix) {
      self = .shards
    } else if let length, length <= UInt64(bytes.count - 8), bytes.count > 8,
      bytes[8] == UInt8(ascii: "{")
    {
      self = .safetensors
    } else if ending == "safetensors", bytes.first != Self.firstONNXByte || length ?? 0 < 1 << 32 {
      self = .safetensors
    } else if Self.endingsOfOtherFiles.contains(ending) {
      throw Failure(
        .malformedInput,
        "\(file.path): expected an .onnx or .safetensors model, got a .\(ending) file")
    } else {
      self = .onnx
    }
  }

  /// The tag of `ir_version`, with which every writer begins.
  private static let firstONNXByte: UInt8 = 0x08

  /// Endings of files that hold data or pictures, never a model.
  private static let endingsOfOtherFiles: Set = [
    "npy", "npz", "pb", "png", "jpg", "jpeg", "gif", "bmp", "webp", "json", "txt",
  ]
}
