package import Tensors

/// Why a file is no safetensors file, or cannot be read or written.
package struct SafetensorsError: Error, Sendable, CustomStringConvertible {
  /// One case per fault.
  package enum Code: Sendable, Hashable {
    /// The file cannot be opened, mapped or written; `fileError` says why.
    case file
    /// Fewer than the eight bytes of the header's length.
    case tooShort
    /// A header, or an index, longer than 100 000 000 bytes.
    case headerTooLong
    /// A header that reaches past the end of the file.
    case headerPastEnd
    /// A header that is not UTF-8.
    case notUTF8
    /// A header that is not the JSON this format allows.
    case syntax
    /// A value of another kind than its place asks for.
    case valueKind
    /// A number that is negative, fractional or beyond 64 bits.
    case number
    /// Two tensors, two fields of a tensor or two metadata entries of one name.
    case duplicateName
    /// A metadata key that is longer than any word.
    case metadataKey
    /// A tensor without type, shape or offsets.
    case missingField
    /// A field of a tensor that the format does not define.
    case unknownField
    /// An element type that the format does not define.
    case unknownType
    /// An element type that only one side has: six-bit numbers in files, strings in memory.
    case unsupportedType
    /// A shape whose product, or size in bits, overflows.
    case shapeOverflow
    /// Elements narrower than a byte that end inside one.
    case partialByte
    /// Offsets that are reversed or whose difference is not the size of the elements.
    case dataSize
    /// Bytes before, between or after the tensors' that belong to none.
    case hole
    /// Bytes that belong to two tensors.
    case overlap
    /// Offsets past the end of the file.
    case pastEnd
    /// A tensor to be written under the name kept for metadata.
    case reservedName
    /// An index that names a file which cannot be one of its own.
    case shardName
    /// A file of an index that lies, links followed, outside the folder of the index.
    case shardLocation
    /// A tensor that the index promises and its file lacks.
    case missingTensor
    /// A tensor in another file than the index says, or of which the index says nothing.
    case unexpectedTensor
    /// Tensors that together take another number of bytes than the index says.
    case totalSize
  }

  package let code: Code
  package let path: String
  /// Where in the file, if the fault has a place.
  package let offset: Int?
  package let message: String
  /// The fault of the file itself where `code` is `.file`.
  package let fileError: FileError?

  init(_ code: Code, path: String, offset: Int? = nil, _ message: String) {
    self.code = code
    self.path = path
    self.offset = offset
    // A name from a file may be as long as the file.
    self.message =
      message.utf8.count > 600 ? "\(message.prefix(300))…\(message.suffix(150))" : message
    self.fileError = nil
  }

  init(_ error: FileError) {
    self.code = .file
    self.path = error.path
    self.offset = nil
    self.message = error.message
    self.fileError = error
  }

  package var description: String {
    guard let offset else { return "\(path): \(message)" }
    return "\(path): byte \(offset): \(message)"
  }
}
