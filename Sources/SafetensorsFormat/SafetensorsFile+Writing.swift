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
    let ordered = tensors.sorted { first, second in
      let widths = (first.tensor.elementType.bitWidth ?? 0, second.tensor.elementType.bitWidth ?? 0)
      return widths.0 == widths.1
        ? first.name.utf8.lexicographicallyPrecedes(second.name.utf8) : widths.0 > widths.1
    }
    let header = try encodeHeader(ordered, metadata: metadata, path: path)
    do throws(FileError) {
      var file = try AtomicFile(path: path, overwriting: overwriting)
      try file.write(header)
      for (_, tensor) in ordered { unsafe try file.write(tensor.region.bytes) }
      try file.commit()
    } catch { throw SafetensorsError(error) }
  }

  private static func encodeHeader(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String], path: String
  ) throws(SafetensorsError) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let entries = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\(quoted($0.key)):\(quoted($0.value))" }
      members.append("\(quoted(Header.metadataName)):{\(entries.joined(separator: ","))}")
    }
    var names: Set<String> = [Header.metadataName]
    var position = 0
    for (name, tensor) in tensors {
      guard names.insert(name).inserted else {
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
      guard (tensor.elementType.bitWidth ?? 0) * (tensor.count % 8) % 8 == 0 else {
        throw SafetensorsError(
          .partialByte, path: path,
          "tensor '\(name)': expected whole bytes, got \(tensor.count) elements of \(type)")
      }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let end = position + tensor.byteCount
      members.append(
        "\(quoted(name)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(position),\(end)]}")
      position = end
    }
    var text = Array("{\(members.joined(separator: ","))}".utf8)
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    guard text.count <= maximumHeaderByteCount else {
      throw SafetensorsError(
        .headerTooLong, path: path,
        "expected a header of at most \(maximumHeaderByteCount) bytes, got \(text.count)")
    }
    let length = (0..<lengthByteCount).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) }
    return length + text
  }

  /// `text` as a JSON string.
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        result.unicodeScalars.append("\\")
        result.unicodeScalars.append(scalar)
      case "\0"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
