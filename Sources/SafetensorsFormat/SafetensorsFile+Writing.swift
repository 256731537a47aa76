package import Tensors

extension SafetensorsFile {
  /// Writes `tensors` and `metadata` to `path`; equal contents give equal bytes.
  ///
  /// The widest elements come first, then names by their UTF-8; metadata goes by its keys.
  /// The header ends in spaces so that the data begins at a multiple of eight.
  ///
  /// - Throws: `SafetensorsError`; with `.file` and `FileError.Code.exists` if something stands at
  ///   `path` and `overwriting` is false.
  package static func write(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:],
    path: String, overwriting: Bool
  ) throws(SafetensorsError) {
    try ShardLayout(tensors, metadata: metadata, path: path, maximumByteCount: .max)
      .write(overwriting: overwriting)
  }

  /// The type and shape that a file states for `tensor`: its own, or, where the format lacks the
  /// type or the elements end inside a byte, plain bytes.
  package static func storableForm(of tensor: Tensor) -> Tensor {
    guard !tensor.elementType.isStorable(count: tensor.count) else { return tensor }
    do throws(TensorError) {
      return try Tensor(.uint8, shape: [tensor.byteCount], region: tensor.region)
    } catch { preconditionFailure("bytes make a tensor of bytes: \(error)") }
  }
}

/// What a file holds, byte for byte.
struct Contents: Sendable {
  let header: [UInt8]
  let tensors: [(name: String, tensor: Tensor)]

  /// Lays out a file that is to stand at `path`.
  init(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String], path: String
  ) throws(SafetensorsError) {
    self.tensors = tensors.sorted { first, second in
      let widths = (first.tensor.elementType.bitWidth ?? 0, second.tensor.elementType.bitWidth ?? 0)
      return widths.0 == widths.1
        ? first.name.utf8.lexicographicallyPrecedes(second.name.utf8) : widths.0 > widths.1
    }
    header = try Self.header(self.tensors, metadata: metadata, path: path)
  }

  var byteCount: Int {
    tensors.reduce(header.count) { saturatingSum($0, $1.tensor.byteCount) }
  }

  func write(to file: inout AtomicFile) throws(FileError) {
    try file.write(header)
    for (_, tensor) in tensors { unsafe try file.write(tensor.region.bytes) }
  }

  private static func header(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String], path: String
  ) throws(SafetensorsError) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let entries = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\(jsonString($0.key)):\(jsonString($0.value))" }
      members.append("\(jsonString(Header.metadataName)):{\(entries.joined(separator: ","))}")
    }
    var names: Set<ExactText> = [ExactText(Header.metadataName)]
    var position = 0
    for (name, tensor) in tensors {
      guard names.insert(ExactText(name)).inserted else {
        throw name == Header.metadataName
          ? SafetensorsError(
            .reservedName, path: path, "a tensor cannot be named '\(name)', the name of metadata")
          : SafetensorsError(
            .duplicateName, path: path, "expected one tensor named '\(name)', got two")
      }
      guard let type = tensor.elementType.safetensorsName else {
        throw SafetensorsError(
          .unsupportedType, path: path,
          "tensor '\(name)' has elements of type \(tensor.elementType), which the format lacks")
      }
      guard tensor.elementType.isStorable(count: tensor.count) else {
        throw SafetensorsError(
          .partialByte, path: path,
          "tensor '\(name)': expected whole bytes, got \(tensor.count) elements of \(type)")
      }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let end = position + tensor.byteCount
      members.append(
        "\(jsonString(name)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(position),\(end)]}")
      position = end
    }
    var text = Array("{\(members.joined(separator: ","))}".utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    guard text.count <= SafetensorsFile.maximumHeaderByteCount else {
      throw SafetensorsError(
        .headerTooLong, path: path,
        "expected a header of at most \(SafetensorsFile.maximumHeaderByteCount) bytes, "
          + "got \(text.count)")
    }
    let length = (0..<SafetensorsFile.lengthByteCount).map {
      UInt8(truncatingIfNeeded: text.count >> ($0 * 8))
    }
    return length + text
  }
}

extension ElementType {
  /// Whether a file can hold `count` elements of this type: the format has it, and they end on a
  /// byte.
  fileprivate func isStorable(count: Int) -> Bool {
    guard safetensorsName != nil, let bitWidth else { return false }
    return bitWidth * (count % 8) % 8 == 0
  }
}
