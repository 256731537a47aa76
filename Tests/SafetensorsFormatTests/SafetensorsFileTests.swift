import Tensors
import Testing

@testable import SafetensorsFormat

@Suite struct SafetensorsFileTests {
  /// A file of `header` and `count` bytes of data, declaring `length` where that is not the truth.
  static func file(_ header: [UInt8], data count: Int = 0, length: UInt64? = nil) -> [UInt8] {
    let length = length ?? UInt64(header.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + header
      + (0..<count).map { UInt8(truncatingIfNeeded: $0) }
  }

  static func file(_ header: String, data count: Int = 0, length: UInt64? = nil) -> [UInt8] {
    file(Array(header.utf8), data: count, length: length)
  }

  static func entry(
    _ name: String, _ type: String, _ shape: String, _ begin: Int, _ end: Int
  ) -> String {
    #""\#(name)":{"dtype":"\#(type)","shape":[\#(shape)],"data_offsets":[\#(begin),\#(end)]}"#
  }

  static func decode(_ bytes: [UInt8]) throws(SafetensorsError) -> SafetensorsFile {
    try SafetensorsFile.decode(ByteRegion(copying: bytes), path: "memory")
  }

  /// A file that the format forbids, and the fault it must be refused for.
  struct Malformed: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var code: SafetensorsError.Code
    var bytes: [UInt8]

    init(_ name: String, _ code: SafetensorsError.Code, _ bytes: [UInt8]) {
      self.testDescription = name
      self.code = code
      self.bytes = bytes
    }

    init(_ name: String, _ code: SafetensorsError.Code, _ header: String, data: Int = 0) {
      self.init(name, code, file(header, data: data))
    }
  }

  static let malformed: [Malformed] = [
    Malformed("no bytes", .tooShort, [UInt8]()),
    Malformed("seven bytes", .tooShort, [UInt8](repeating: 0, count: 7)),
    Malformed("empty header", .syntax, [UInt8](repeating: 0, count: 8)),
    Malformed("length above the limit", .headerTooLong, file("{}", length: 100_000_001)),
    Malformed("length at the top of 64 bits", .headerTooLong, file("{}", length: .max)),
    Malformed("length past the end", .headerPastEnd, file("{}", length: 3)),
    Malformed("length at the limit, past the end", .headerPastEnd, file("{}", length: 100_000_000)),
    Malformed(
      "name not UTF-8", .notUTF8,
      file(Array(#"{"\#u{7F}":{}}"#.utf8).map { $0 == 0x7F ? 0xFF : $0 })
    ),
    Malformed("byte order mark", .syntax, "\u{FEFF}{}"),
    Malformed("white space first", .syntax, " {}"),
    Malformed("array", .syntax, "[]"),
    Malformed("unclosed object", .syntax, "{"),
    Malformed("rest after the object", .syntax, "{}x"),
    Malformed("two objects", .syntax, "{}{}"),
    Malformed("comment", .syntax, "{/*c*/}"),
    Malformed("trailing comma", .syntax, "{\(entry("a", "U8", "1", 0, 1)),}", data: 1),
    Malformed("control character", .syntax, "{\(entry("a\u{1}", "U8", "1", 0, 1))}", data: 1),
    Malformed("unknown escape", .syntax, "{\(entry(#"\x"#, "U8", "1", 0, 1))}", data: 1),
    Malformed("short escape", .syntax, "{\(entry(#"\u00"#, "U8", "1", 0, 1))}", data: 1),
    Malformed("lone surrogate", .syntax, "{\(entry(#"\ud800"#, "U8", "1", 0, 1))}", data: 1),
    Malformed("leading zero", .syntax, "{\(entry("a", "U8", "01", 0, 1))}", data: 1),
    Malformed("not a number", .syntax, "{\(entry("a", "U8", "NaN", 0, 1))}", data: 1),
    Malformed("deep array", .valueKind, #"{"a":"# + String(repeating: "[", count: 100_000)),
    Malformed(
      "deep metadata", .valueKind,
      #"{"__metadata__":{"k":"# + String(repeating: "[", count: 100_000)),
    Malformed("type that is a number", .valueKind, #"{"a":{"dtype":1}}"#),
    Malformed("dimension that is a string", .valueKind, "{\(entry("a", "U8", #""1""#, 0, 1))}"),
    Malformed(
      "three offsets", .valueKind,
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}"#, data: 1),
    Malformed("metadata that is null", .valueKind, #"{"__metadata__":null}"#),
    Malformed("metadata that is a number", .valueKind, #"{"__metadata__":{"k":1}}"#),
    Malformed("negative dimension", .number, "{\(entry("a", "U8", "-1", 0, 1))}", data: 1),
    Malformed("fraction", .number, "{\(entry("a", "U8", "1.0", 0, 1))}", data: 1),
    Malformed("exponent", .number, "{\(entry("a", "U8", "1e0", 0, 1))}", data: 1),
    Malformed("negative offset", .number, "{\(entry("a", "U8", "1", -1, 0))}", data: 1),
    Malformed("dimension of 2^63", .number, "{\(entry("a", "U8", "9223372036854775808", 0, 1))}"),
    Malformed(
      "two tensors of a name", .duplicateName,
      "{\(entry("a", "U8", "1", 0, 1)),\(entry("a", "U8", "1", 1, 2))}", data: 2),
    Malformed(
      "two names equal once unescaped", .duplicateName,
      "{\(entry("a", "U8", "1", 0, 1)),\(entry(#"\u0061"#, "U8", "1", 1, 2))}", data: 2),
    Malformed(
      "two types", .duplicateName,
      #"{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1),
    Malformed("metadata twice", .duplicateName, #"{"__metadata__":{},"__metadata__":{}}"#),
    Malformed(
      "metadata key of marks", .metadataKey,
      #"{"__metadata__":{"q"# + String(repeating: "\u{301}\u{316}", count: 2000) + #"":"1"}}"#),
    Malformed("metadata key twice", .duplicateName, #"{"__metadata__":{"a":"1","a":"2"}}"#),
    Malformed("no type", .missingField, #"{"a":{"shape":[1],"data_offsets":[0,1]}}"#, data: 1),
    Malformed("no shape", .missingField, #"{"a":{"dtype":"U8","data_offsets":[0,1]}}"#, data: 1),
    Malformed("no offsets", .missingField, #"{"a":{"dtype":"U8","shape":[1]}}"#, data: 1),
    Malformed("unknown field", .unknownField, #"{"a":{"x":1}}"#),
    Malformed("unknown type", .unknownType, "{\(entry("a", "F128", "1", 0, 16))}", data: 16),
    Malformed("type in lower case", .unknownType, "{\(entry("a", "f32", "1", 0, 4))}", data: 4),
    Malformed("six-bit type", .unsupportedType, "{\(entry("a", "F6_E2M3", "4", 0, 3))}", data: 3),
    Malformed(
      "product overflows", .shapeOverflow, "{\(entry("a", "U8", "4294967296,4294967296", 0, 0))}"),
    Malformed(
      "bits overflow", .shapeOverflow, "{\(entry("a", "F64", "1152921504606846976", 0, 0))}"),
    Malformed("half a byte", .partialByte, "{\(entry("a", "F4", "1", 0, 1))}", data: 1),
    Malformed("size differs", .dataSize, "{\(entry("a", "F32", "2", 0, 4))}", data: 4),
    Malformed(
      "reversed offsets", .dataSize,
      "{\(entry("a", "U8", "1", 0, 1)),\(entry("b", "U8", "1", 0, 0))}", data: 1),
    Malformed("begins late", .hole, "{\(entry("a", "U8", "1", 1, 2))}", data: 2),
    Malformed(
      "hole", .hole, "{\(entry("a", "U8", "1", 0, 1)),\(entry("b", "U8", "1", 2, 3))}", data: 3),
    Malformed("trailing bytes", .hole, "{\(entry("a", "U8", "1", 0, 1))}", data: 2),
    Malformed("trailing bytes, no tensor", .hole, "{}", data: 1),
    Malformed(
      "overlap", .overlap, "{\(entry("a", "U8", "2", 0, 2)),\(entry("b", "U8", "2", 1, 3))}",
      data: 3),
    Malformed(
      "empty inside another", .overlap,
      "{\(entry("a", "U8", "2", 0, 2)),\(entry("e", "U8", "0", 1, 1))}", data: 2),
    Malformed("past the end", .pastEnd, "{\(entry("a", "U8", "4", 0, 4))}", data: 3),
  ]

  @Test(arguments: malformed)
  func `each fault is refused by its code`(_ malformed: Malformed) {
    let error = #expect(throws: SafetensorsError.self) { try Self.decode(malformed.bytes) }
    #expect(error?.code == malformed.code, "\(error.map(String.init(describing:)) ?? "accepted")")
  }

  @Test(arguments: [
    ("{}", 0),
    ("{}\r\t\n ", 0),
    ("{\(entry("a", "F32", "", 0, 4))}", 4),
    ("{\(entry("a", "F32", "2,0", 0, 0))}", 0),
    ("{\(entry("a", "F32", "4611686018427387904,0", 0, 0))}", 0),
    ("{\(entry("", "U8", "1", 0, 1))}", 1),
    ("{\(entry(#"a\u0000b"#, "U8", "1", 0, 1))}", 1),
    ("{\(entry("../../etc/passwd", "U8", "1", 0, 1))}", 1),
    ("{\(entry("p", "U8", "1", 0, 1)),\(entry("a", "F32", "1", 1, 5))}", 5),
    ("{\(entry("a", "F4", "2", 0, 1))}", 1),
    (
      "{\(entry("a", "U8", "1", 0, 1)),\(entry("e", "U8", "0", 1, 1)),\(entry("b", "U8", "1", 1, 2))}",
      2
    ),
  ])
  func `odd but valid files are read`(_ header: String, _ count: Int) throws {
    let file = try Self.decode(Self.file(header, data: count))
    #expect(file.tensors.reduce(0) { $0 + $1.tensor.byteCount } == count)
  }

  @Test func `tensors come in the order of the file, escapes resolved`() throws {
    let header =
      "{\(Self.entry("b", "U8", "1", 1, 2)),"
      + #""__metadata__":{"k\"":"\u00e9\ud83d\ude00\/"},"#
      + "\(Self.entry("a", "I8", "1,1", 0, 1))}"
    let file = try Self.decode(Self.file(header, data: 2))
    #expect(file.tensors.map(\.name) == ["a", "b"])
    #expect(file.tensors[0].tensor.isIdentical(to: Tensor([Int8(0)], shape: [1, 1])))
    #expect(file.tensors[1].tensor.isIdentical(to: Tensor([UInt8(1)])))
    #expect(file.metadata == ["k\"": "é😀/"])
  }

  static let sample = file(
    "{\(entry("a", "F32", "2", 0, 8)),\(entry(#"é\n"#, "F4", "2", 8, 9)),"
      + #""__metadata__":{"k":"v"}}"#, data: 9)

  @Test func `no prefix of a file is a file`() {
    for count in Self.sample.indices {
      #expect(throws: SafetensorsError.self) { try Self.decode(Array(Self.sample[..<count])) }
    }
  }

  @Test func `no change of one byte traps`() throws {
    var accepted = 0
    for index in Self.sample.indices {
      for value in UInt8.min...UInt8.max {
        var bytes = Self.sample
        bytes[index] = value
        if (try? Self.decode(bytes)) != nil { accepted += 1 }
      }
    }
    // The data may hold anything; so may the names, but no change of length or offsets passes.
    #expect(accepted > 9 * 256)
    #expect(accepted < Self.sample.count * 256 / 2)
  }
}
