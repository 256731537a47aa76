package import Tensors

/// Why a file holds no array, or cannot be read or written.
package struct ArrayFormatError: Error, Sendable, CustomStringConvertible {
  /// One case per fault.
  package enum Code: Sendable, Hashable {
    /// The file cannot be opened, mapped or written; `fileError` says why.
    case file
    /// Bytes that do not begin as an array file does.
    case magic
    /// A format version other than 1, 2 and 3.
    case version
    /// A header that reaches past the end.
    case truncated
    /// A header longer than 64 KiB.
    case headerTooLong
    /// A header that is not the dictionary this format allows.
    case syntax
    /// A header without type, order or shape, with one of them twice, or with more.
    case field
    /// Elements stored with the most significant byte first.
    case bigEndian
    /// An element type that is not supported.
    case unsupportedType
    /// A shape whose product or size overflows.
    case shapeOverflow
    /// More or fewer bytes than the shape asks for.
    case dataSize
    /// A truth value other than 0 and 1.
    case truthValue
    /// Bytes that are no zip archive, or whose parts contradict each other.
    case archive
    /// An entry whose name is not UTF-8, does not end in `.npy`, or stands twice.
    case entryName
    /// An entry that is encrypted, or compressed in a way other than deflate.
    case compression
    /// Entries that would unpack to far more than they take.
    case expansion
  }

  package let code: Code
  package let path: String
  /// The entry of the archive, if the fault lies in one.
  package let entry: String?
  /// Where in the file or in the unpacked entry, if the fault has a place.
  package let offset: Int?
  package let message: String
  /// The fault of the file itself where `code` is `.file`.
  package let fileError: FileError?

  init(_ code: Code, _ origin: Origin, offset: Int? = nil, _ message: String) {
    self.code = code
    self.path = origin.path
    self.entry = origin.entry
    self.offset = offset
    self.message = message
    self.fileError = nil
  }

  init(_ error: FileError) {
    self.code = .file
    self.path = error.path
    self.entry = nil
    self.offset = nil
    self.message = error.message
    self.fileError = error
  }

  package var description: String {
    let entry = entry.map { ": entry '\($0)'" } ?? ""
    let offset = offset.map { ": byte \($0)" } ?? ""
    return "\(path)\(entry)\(offset): \(message)"
  }
}

/// Where an array comes from: a file, or an entry of one.
struct Origin {
  var path: String
  var entry: String?
}
