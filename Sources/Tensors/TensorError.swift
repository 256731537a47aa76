/// Why bytes and a shape do not make a tensor, or a file cannot be read or written.
package struct TensorError: Error, Sendable, CustomStringConvertible {
  /// One case per fault.
  package enum Code: Sendable, Hashable {
    case negativeDimension
    case shapeOverflow
    case byteCountMismatch
    case unsizedElements
  }

  package let code: Code
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  package var description: String { message }
}

/// Why a file could not be opened, mapped or written.
package struct FileError: Error, Sendable, CustomStringConvertible {
  /// One case per fault, as far as callers act on the difference.
  package enum Code: Sendable, Hashable {
    /// Nothing stands at the path.
    case notFound
    /// A directory, pipe, socket or device stands where a regular file is expected.
    case notRegularFile
    /// The file cannot be opened or mapped.
    case unreadable
    /// No file can be created at the path.
    case uncreatable
    /// Writing failed part way, or the whole could not be put into place.
    case unwritable
    /// Something stands at the path already.
    case exists
  }

  package let code: Code
  /// The path as it was given, an empty one as two quotes.
  package let path: String
  package let message: String

  package init(_ code: Code, path: String, _ message: String) {
    self.code = code
    self.path = path.isEmpty ? "''" : path
    self.message = message
  }

  package var description: String { "\(path): \(message)" }
}
