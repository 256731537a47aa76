import Tensors

/// Why a file is no ONNX model, or cannot be read or written.
package struct FormatError: Error, Sendable, CustomStringConvertible {
  /// One case per fault.
  package enum Code: Sendable, Hashable, CaseIterable {
    /// Nothing stands at the path, or at that of an external data file.
    case notFound
    /// A file cannot be read, or is not a regular one.
    case unreadable
    /// No file can be created where one is to be written.
    case uncreatable
    /// A file cannot be written, or a model not be encoded.
    case unwritable
    /// Something stands at the output path already.
    case exists
    /// A model written over data it is read from.
    case overwritesInput
    /// A length or a value reaches past the end of its message.
    case truncated
    /// A variable-length integer takes more than ten bytes.
    case varint
    /// A field numbered 0, or beyond what the encoding allows.
    case fieldNumber
    /// A wire type that does not exist, is a group, or is not that of the field.
    case wireType
    /// A field that stands twice where one may stand, or beside another that it excludes.
    case duplicateField
    /// Messages nested deeper than a hundred levels.
    case nesting
    /// More parts than a file of this size can have use for: it would fill the memory.
    case partCount
    /// Text that is not UTF-8 or holds a NUL.
    case text
    /// A part without which nothing can be done, such as the model's graph.
    case missingPart
    /// A negative dimension, or dimensions whose product overflows.
    case dimension
    /// An element type that does not exist or does not suit the place.
    case elementType
    /// Data whose length or values do not fit the tensor's type and dimensions.
    case dataSize
    /// A tensor with data in more than one place.
    case ambiguousData
    /// A sparse tensor whose values, indices and dimensions do not agree.
    case sparseTensor
    /// A node with two attributes of one name.
    case duplicateAttribute
    /// An attribute with several values, or one that is not of its type.
    case attributeValue
    /// A message of another kind where a tensor's is expected.
    case notATensor
    /// A value of another kind than its type says, or of one that is not read: a map, a sparse tensor.
    case valueKind
    /// External data described by unknown, repeated, missing or malformed entries.
    case externalEntry
    /// External data outside the folders it may lie in.
    case externalLocation
    /// External data beyond the end of its file.
    case externalRange
    /// A value with several producers.
    case duplicateProducer
    /// A value that is read and nothing produces.
    case danglingValue
    /// A node of a subgraph that computes a value called as one outside.
    case shadowedValue
    /// Nodes that need each other's results.
    case cycle
    /// Functions that are defined twice.
    case duplicateFunction
    /// Functions that call each other in a circle.
    case recursion
  }

  package let code: Code
  /// The file, where the fault is known to lie in a particular one.
  package internal(set) var file: String?
  /// The part of the message, such as `graph.initializer[12]`; empty for the whole.
  package private(set) var place: String
  /// Where in the file, if that is known.
  package let byteOffset: Int?
  package let message: String

  package init(
    _ code: Code, file: String? = nil, place: String = "", byteOffset: Int? = nil,
    _ message: String
  ) {
    self.code = code
    self.file = file
    self.place = place
    self.byteOffset = byteOffset
    self.message = message
  }

  package var description: String {
    var parts: [String] = []
    if let file { parts.append(file) }
    if !place.isEmpty { parts.append(place) }
    if let byteOffset { parts.append("byte \(byteOffset)") }
    return (parts + [message]).joined(separator: ": ")
  }

  func within(_ part: String) -> FormatError {
    var error = self
    error.place = place.isEmpty ? part : "\(part).\(place)"
    return error
  }

  func inside(file: String) -> FormatError {
    var error = self
    if error.file == nil { error.file = file }
    return error
  }
}

extension FormatError {
  init(_ error: FileError) {
    let code: Code =
      switch error.code {
      case .notFound: .notFound
      case .notRegularFile, .unreadable: .unreadable
      case .uncreatable: .uncreatable
      case .unwritable: .unwritable
      case .exists: .exists
      }
    self.init(code, file: error.path, error.message)
  }

  init(_ error: TensorError) {
    let code: Code =
      switch error.code {
      case .negativeDimension, .shapeOverflow: .dimension
      case .byteCountMismatch: .dataSize
      case .unsizedElements: .elementType
      }
    self.init(code, error.message)
  }
}

/// Runs `body`; an error it throws tells that it happened in `part`.
func at<Result>(
  _ part: @autoclosure () -> String, _ body: () throws(FormatError) -> Result
) throws(FormatError) -> Result {
  do { return try body() } catch { throw error.within(part()) }
}
