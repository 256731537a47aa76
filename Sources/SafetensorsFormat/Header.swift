internal import Tensors

/// What a header says, checked field by field but not yet against the file.
struct Header {
  /// One tensor of the header.
  struct Entry {
    var name: String
    /// Where in the file the entry stands.
    var place: Int
    var elementType: ElementType
    var shape: [Int]
    var begin: Int
    var end: Int
  }

  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]

  static let metadataName = "__metadata__"

  /// Reads the header `bytes`, which start at byte `base` of the file at `path`.
  ///
  /// Names that differ only in Unicode normalisation count as equal.
  init(_ bytes: [UInt8], base: Int, path: String) throws(SafetensorsError) {
    guard bytes.first == UInt8(ascii: "{") else {
      throw SafetensorsError(
        .syntax, path: path, offset: base, "expected the header to begin with '{'")
    }
    var scanner = JSONScanner(bytes, "the header", base: base, path: path)
    var names: Set<ExactText> = []
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    try scanner.readObject("the header") {
      (scanner, name, place) throws(SafetensorsError) in
      guard names.insert(ExactText(name)).inserted else {
        throw scanner.fault(
          .duplicateName, at: place, "expected one tensor named '\(name)', got two")
      }
      if name == Self.metadataName {
        metadata = try Self.readMetadata(&scanner)
      } else {
        entries.append(try Self.readEntry(&scanner, name, place))
      }
    }
    try scanner.finish()
    self.entries = entries
    self.metadata = metadata
  }

  private static func readMetadata(_ scanner: inout JSONScanner)
    throws(SafetensorsError) -> [String: String]
  {
    var metadata: [String: String] = [:]
    try scanner.readObject("the metadata") { (scanner, key, place) throws(SafetensorsError) in
      try scanner.checkMetadataKey(key, at: place)
      let value = try scanner.readString("metadata '\(key)'")
      guard metadata.updateValue(value, forKey: key) == nil else {
        throw scanner.fault(
          .duplicateName, at: place, "expected one metadata entry '\(key)', got two")
      }
    }
    return metadata
  }

  private static func readEntry(_ scanner: inout JSONScanner, _ name: String, _ place: Int)
    throws(SafetensorsError) -> Entry
  {
    var elementType: ElementType?
    var shape: [Int]?
    var offsets: [Int]?
    try scanner.readObject("tensor '\(name)'") { (scanner, field, place) throws(SafetensorsError) in
      let isRepeated: Bool
      switch field {
      case "dtype":
        isRepeated = elementType != nil
        elementType = try readType(&scanner, name)
      case "shape":
        isRepeated = shape != nil
        shape = try scanner.readIntegers("the shape of '\(name)'")
      case "data_offsets":
        isRepeated = offsets != nil
        offsets = try scanner.readIntegers("the offsets of '\(name)'")
      default:
        throw scanner.fault(
          .unknownField, at: place, "tensor '\(name)' has a field '\(field)' of no meaning")
      }
      if isRepeated {
        throw scanner.fault(
          .duplicateName, at: place, "expected one field '\(field)' in tensor '\(name)', got two")
      }
    }
    guard let elementType, let shape, let offsets else {
      let missing = elementType == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
      throw scanner.fault(.missingField, at: place, "tensor '\(name)' has no '\(missing)'")
    }
    guard offsets.count == 2 else {
      throw scanner.fault(
        .valueKind, at: place, "expected two offsets for '\(name)', got \(offsets.count)")
    }
    return Entry(
      name: name, place: place, elementType: elementType, shape: shape,
      begin: offsets[0], end: offsets[1])
  }

  private static func readType(_ scanner: inout JSONScanner, _ name: String)
    throws(SafetensorsError) -> ElementType
  {
    let text = try scanner.readString("the type of '\(name)'")
    if let type = ElementType(safetensorsName: text) { return type }
    guard !ElementType.unsupportedSafetensorsNames.contains(text) else {
      throw scanner.fault(
        .unsupportedType, "tensor '\(name)' has elements of type \(text), which are not supported")
    }
    throw scanner.fault(.unknownType, "tensor '\(name)' has elements of an unknown type '\(text)'")
  }
}
