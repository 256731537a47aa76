import FoundationEssentials
import GraphIR
import ONNXFormat
import SafetensorsFormat
import Tensors

/// A model as safetensors hold it: tensors by name, and metadata that hold the graph.
///
/// The metadata's `rba-convert.model` is the model's ONNX message in base64, in which each tensor
/// that lies in the file is external data: the entry `tensor` names it there, `encoding` says how
/// ONNX kept its elements, `raw` or `typed`, and `data_location` whether it spelt out that they lay
/// inside. So a file may be renamed, split, joined or written anew by other tools: what is looked up
/// is names. `rba-convert.form` numbers the form.
///
/// In the file are all initializers of the main graph, under their names, and every other tensor of
/// some size, under the name of the `Constant` node's output or a made-up one. Types that
/// safetensors lack are stored as bytes. Strings and small constants stay in the message.
struct SafetensorsModel {
  var tensors: [(name: String, tensor: Tensor)]
  var metadata: [String: String]

  static let formKey = "rba-convert.form"
  static let form = "1"
  static let messageKey = "rba-convert.model"
  /// Names a tensor of bytes that is the message, where that is too long for metadata.
  static let messageTensorKey = "rba-convert.model-tensor"
  /// Headers may take 100 MB, most of which is left to the tensors.
  static let maximumMessageInMetadata = 16 << 20

  /// Takes `model` apart; no element is copied.
  ///
  /// - Throws: `FormatError` if the message without the tensors is too large to be one.
  init(
    _ model: Model, maximumMessageInMetadata: Int = Self.maximumMessageInMetadata
  ) throws(FormatError) {
    let placement = NamedTensorPlacement(model.graph)
    let message = try ONNXFile.encode(model, placement: placement)
    metadata = [Self.formKey: Self.form]
    if message.count <= maximumMessageInMetadata {
      metadata[Self.messageKey] = Data(message).base64EncodedString()
    } else {
      metadata[Self.messageTensorKey] = placement.place(Tensor(message), hint: Self.messageKey)
    }
    tensors = placement.tensors
  }
}

extension Model {
  /// Puts together the model that `file`, read from `path`, holds.
  ///
  /// A tensor that the graph does not use is a fault: the model could not be written again without
  /// losing it. Foreign metadata are passed over.
  ///
  /// - Throws: `Failure` naming the first fault.
  init(_ file: SafetensorsFile, path: String) throws(Failure) {
    let source = NamedTensorSource(file.tensors)
    let region = try SafetensorsModel.message(of: file, source, path: path)
    do throws(FormatError) { self = try ONNXFile.decode(region, external: source) } catch {
      throw Failure(.malformedInput, "\(path): \(SafetensorsModel.messageKey): \(error)")
    }
    let unused = file.tensors.filter { !source.used.contains(ExactText($0.name)) }
    guard unused.isEmpty else {
      let others = unused.count == 1 ? "" : ", nor \(unused.count - 1) others"
      throw Failure(
        .malformedInput, "\(path): the graph does not use tensor '\(unused[0].name)'\(others)")
    }
  }
}

extension SafetensorsModel {
  /// The encoded message of a file, checked as far as it is not ONNX.
  fileprivate static func message(
    of file: SafetensorsFile, _ source: NamedTensorSource, path: String
  ) throws(Failure) -> ByteRegion {
    let (text, tensorName) = (file.metadata[messageKey], file.metadata[messageTensorKey])
    guard let form = file.metadata[formKey] else {
      guard text == nil, tensorName == nil else {
        throw Failure(.malformedInput, "\(path): metadata '\(formKey)' is missing")
      }
      let count = file.tensors.count == 1 ? "1 tensor" : "\(file.tensors.count) tensors"
      throw Failure(
        .malformedInput,
        "\(path): holds \(count) but no graph, expected a model that rba-convert wrote, "
          + "with metadata '\(formKey)'")
    }
    guard form == Self.form else {
      throw Failure(
        .malformedInput, "\(path): metadata '\(formKey)': expected '\(Self.form)', got '\(form)'")
    }
    switch (text, tensorName) {
    case (let text?, nil):
      guard let message = Data(base64Encoded: text) else {
        throw Failure(.malformedInput, "\(path): metadata '\(messageKey)': expected base64")
      }
      return ByteRegion(copying: message)
    case (nil, let name?):
      guard let tensor = source.use(name), tensor.elementType == .uint8 else {
        throw Failure(
          .malformedInput,
          "\(path): metadata '\(messageTensorKey)': expected the name of a tensor of bytes, "
            + "got '\(name)'")
      }
      return tensor.region
    default:
      throw Failure(
        .malformedInput,
        "\(path): expected metadata '\(messageKey)' or '\(messageTensorKey)', "
          + "got \(text == nil ? "neither" : "both")")
    }
  }
}
