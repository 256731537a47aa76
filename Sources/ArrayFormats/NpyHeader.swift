internal import Tensors

/// What stands before an array's elements: their type, their order and the array's shape.
///
/// Source: NumPy's `numpy.lib.format`, versions 1.0, 2.0 and 3.0.
struct NpyHeader {
  var elementType: ElementType
  var isFortranOrder: Bool
  var shape: [Int]
  /// Where the elements begin.
  var dataOffset: Int
  /// The bytes of the elements.
  var dataByteCount: Int

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  static let maximumByteCount = 1 << 16
  /// As many bytes as are ever needed to parse a header: magic, version, length and text.
  static let maximumPrefix = 12 + maximumByteCount

  /// Parses the header at the start of `bytes`, of which `maximumPrefix` or all must be there.
  init(_ bytes: UnsafeRawBufferPointer, _ origin: Origin) throws(ArrayFormatError) {
    guard bytes.count >= 6, bytes.prefix(6).elementsEqual(Self.magic) else {
      throw ArrayFormatError(.magic, origin, offset: 0, "expected the file to begin as .npy does")
    }
    guard bytes.count >= 8 else {
      throw ArrayFormatError(
        .truncated, origin, offset: bytes.count, "expected a version, got the end")
    }
    guard (1...3).contains(bytes[6]), bytes[7] == 0 else {
      throw ArrayFormatError(
        .version, origin, offset: 6,
        "expected version 1.0, 2.0 or 3.0, got \(bytes[6]).\(bytes[7])")
    }
    let start = bytes[6] == 1 ? 10 : 12
    guard bytes.count >= start else {
      throw ArrayFormatError(
        .truncated, origin, offset: bytes.count, "expected a header length, got the end")
    }
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.maximumByteCount else {
      throw ArrayFormatError(
        .headerTooLong, origin, offset: 8,
        "expected a header of at most \(Self.maximumByteCount) bytes, got \(length)")
    }
    guard length <= bytes.count - start else {
      throw ArrayFormatError(
        .truncated, origin, offset: 8,
        "expected a header of at most \(bytes.count - start) bytes, got \(length)")
    }
    var scanner = NpyHeaderScanner(Array(bytes[start..<start + length]), base: start, origin)
    let fields = try scanner.readDictionary()
    elementType = try Self.elementType(of: fields.description, origin)
    isFortranOrder = fields.isFortranOrder
    shape = fields.shape
    dataOffset = start + length
    var elements = 1
    for dimension in fields.shape {
      let (product, overflow) = elements.multipliedReportingOverflow(by: dimension)
      guard !overflow else {
        throw ArrayFormatError(.shapeOverflow, origin, "the product of shape \(shape) overflows")
      }
      elements = product
    }
    guard let byteCount = elementType.byteCount(elements: elements) else {
      throw ArrayFormatError(.shapeOverflow, origin, "the size of shape \(shape) overflows")
    }
    dataByteCount = byteCount
  }

  /// The bytes of a version 1.0 header, padded so that the elements begin at a multiple of 64.
  static func encode(_ tensor: Tensor, _ origin: Origin) throws(ArrayFormatError) -> [UInt8] {
    guard let type = types.first(where: { $0.type == tensor.elementType }) else {
      throw ArrayFormatError(
        .unsupportedType, origin, "elements of type \(tensor.elementType) have no place in .npy")
    }
    let order = type.name.hasSuffix("1") ? "|" : "<"
    let shape = tensor.shape.map(String.init).joined(separator: ", ")
    let comma = tensor.shape.count == 1 ? "," : ""
    let text =
      "{'descr': '\(order)\(type.name)', 'fortran_order': False, 'shape': (\(shape)\(comma)), }"
    let padding = 63 - (10 + text.utf8.count) % 64
    let length = text.utf8.count + padding + 1
    guard length < maximumByteCount else {
      throw ArrayFormatError(
        .headerTooLong, origin,
        "expected a header of less than \(maximumByteCount) bytes, got \(length)")
    }
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
      + Array(repeating: UInt8(ascii: " "), count: padding) + [UInt8(ascii: "\n")]
  }

  private static func elementType(of description: String, _ origin: Origin)
    throws(ArrayFormatError) -> ElementType
  {
    let name = description.dropFirst()
    guard let type = types.first(where: { $0.name == name }) else {
      let kind = name.first.flatMap { unsupportedKinds[$0] } ?? "of type '\(description)'"
      throw ArrayFormatError(
        .unsupportedType, origin, "elements \(kind) are not supported")
    }
    switch description.first {
    case "<": return type.type
    case "|" where type.type.bitWidth == 8: return type.type
    case ">":
      throw ArrayFormatError(
        .bigEndian, origin,
        "expected little-endian elements, got '\(description)'; write them with byte order '<'")
    default:
      throw ArrayFormatError(
        .unsupportedType, origin, "expected a byte order '<', got '\(description)'")
    }
  }

  /// What NumPy stores besides numbers and truth values.
  private static let unsupportedKinds: [Character: String] = [
    "O": "that are pickled objects", "V": "that are structures", "U": "that are text",
    "S": "that are text", "c": "that are complex", "M": "that are dates",
    "m": "that are durations",
  ]

  private static let types: [(name: String, type: ElementType)] = [
    ("f2", .float16), ("f4", .float), ("f8", .double),
    ("i1", .int8), ("i2", .int16), ("i4", .int32), ("i8", .int64),
    ("u1", .uint8), ("u2", .uint16), ("u4", .uint32), ("u8", .uint64),
    ("b1", .bool),
  ]
}
