import Foundation
import Tensors
import Testing

@testable import ArrayFormats

@Suite struct NpyFileTests {
  /// A file with the header text `header`, padded as NumPy does, and `data`.
  static func file(_ header: String, _ data: [UInt8] = [], version: UInt8 = 1) -> [UInt8] {
    let text = Array(header.utf8) + [UInt8(ascii: "\n")]
    let length = (0..<(version == 1 ? 2 : 4)).map {
      UInt8(truncatingIfNeeded: text.count >> ($0 * 8))
    }
    return NpyHeader.magic + [version, 0] + length + text + data
  }

  static func header(_ type: String, _ shape: String, fortran: Bool = false) -> String {
    "{'descr': '\(type)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }"
  }

  static func decode(_ bytes: [UInt8]) throws(ArrayFormatError) -> Tensor {
    try NpyFile.decode(ByteRegion(copying: bytes), Origin(path: "memory"))
  }

  static let four: [UInt8] = [0, 0, 0, 0]

  static let malformed: [(name: String, code: ArrayFormatError.Code, bytes: [UInt8])] = [
    ("no bytes", .magic, []),
    ("another format", .magic, Array("PK\u{3}\u{4}......".utf8)),
    ("magic alone", .truncated, NpyHeader.magic),
    ("no length", .truncated, NpyHeader.magic + [1, 0, 1]),
    ("version 4", .version, file(header("<f4", "()"), four, version: 4)),
    ("length past the end", .truncated, NpyHeader.magic + [1, 0, 3, 0, 0x7B, 0x7D]),
    ("length above the limit", .headerTooLong, NpyHeader.magic + [2, 0, 1, 0, 1, 0]),
    ("length of 32 bits", .headerTooLong, NpyHeader.magic + [3, 0, 255, 255, 255, 255]),
    ("empty header", .syntax, file("")),
    ("code", .syntax, file("__import__('os').system('true')")),
    ("call as shape", .syntax, file(header("<f4", "tuple([1])"), four)),
    ("list as shape", .syntax, file(header("<f4", "[1]"), four)),
    ("number as shape", .syntax, file(header("<f4", "(1)"), four)),
    ("negative dimension", .syntax, file(header("<f4", "(-1,)"), four)),
    ("rest", .syntax, file(header("<f4", "()") + "x", four)),
    ("unclosed string", .syntax, file("{'descr")),
    ("escape", .syntax, file(header(#"<\x664"#, "()"), four)),
    ("order that is a number", .syntax, file("{'fortran_order': 0}")),
    ("structured type", .unsupportedType, file("{'descr': [('a', '<f4')], 'shape': ()}")),
    ("no type", .field, file("{'fortran_order': False, 'shape': ()}")),
    ("no shape", .field, file("{'descr': '<f4', 'fortran_order': False}")),
    ("no order", .field, file("{'descr': '<f4', 'shape': ()}")),
    ("type twice", .field, file("{'descr': '<f4', 'descr': '<f4'}")),
    ("unknown field", .field, file("{'x': 1}")),
    ("big-endian", .bigEndian, file(header(">f4", "()"), four)),
    ("complex", .unsupportedType, file(header("<c8", "()"), four + four)),
    ("object", .unsupportedType, file(header("|O", "()"), [0])),
    ("raw bytes", .unsupportedType, file(header("|V4", "()"), four)),
    ("text", .unsupportedType, file(header("<U1", "()"), four)),
    ("date", .unsupportedType, file(header("<M8[ns]", "()"), four + four)),
    ("no byte order", .unsupportedType, file(header("|f4", "()"), four)),
    ("empty type", .unsupportedType, file(header("", "()"), [0])),
    ("dimension of 2^63", .shapeOverflow, file(header("<f4", "(9223372036854775808,)"))),
    ("product", .shapeOverflow, file(header("|u1", "(4294967296, 4294967296)"))),
    ("size in bytes", .shapeOverflow, file(header("<f8", "(2305843009213693952,)"))),
    ("too little data", .dataSize, file(header("<f4", "(2,)"), four)),
    ("too much data", .dataSize, file(header("<f4", "()"), four + [0])),
    ("truth value", .truthValue, file(header("|b1", "(2,)"), [1, 2])),
  ]

  @Test(arguments: malformed.indices)
  func `each fault is refused by its code`(_ index: Int) {
    let (name, code, bytes) = Self.malformed[index]
    let error = #expect(throws: ArrayFormatError.self) { try Self.decode(bytes) }
    #expect(error?.code == code, "\(name): \(error.map(String.init(describing:)) ?? "accepted")")
  }

  @Test func `what NumPy pickles is refused in words`() {
    let error = #expect(throws: ArrayFormatError.self) {
      try Self.decode(Self.file(Self.header("|O", "()"), [0]))
    }
    #expect(error?.description == "memory: elements that are pickled objects are not supported")
  }

  @Test(arguments: [UInt8(1), 2, 3])
  func `every version is read`(_ version: UInt8) throws {
    let tensor = try Self.decode(
      Self.file(Self.header("<i2", "(2, 1)"), [1, 0, 255, 255], version: version))
    #expect(tensor.isIdentical(to: Tensor([Int16(1), -1], shape: [2, 1])))
  }

  @Test(arguments: [[], [3], [2, 3], [2, 3, 4], [2, 0]])
  func `Fortran order is transposed`(_ shape: [Int]) throws {
    let count = shape.reduce(1, *)
    for (type, width) in [("|u1", 1), ("<u2", 2), ("<u4", 4), ("<u8", 8)] {
      func element(_ value: Int) -> [UInt8] {
        [UInt8(value)] + [UInt8](repeating: 0, count: width - 1)
      }
      let expected = (0..<count).flatMap { position in
        // The index of the element at `position` in C order, and its place in Fortran order.
        var rest = position
        var index = shape
        for axis in shape.indices.reversed() {
          index[axis] = rest % shape[axis]
          rest /= shape[axis]
        }
        return element(zip(index, shape).reversed().reduce(0) { $0 * $1.1 + $1.0 })
      }
      let text = "(\(shape.map { "\($0)," }.joined(separator: " ")))"
      let tensor = try Self.decode(
        Self.file(Self.header(type, text, fortran: true), (0..<count).flatMap(element)))
      #expect(tensor.shape == shape)
      #expect(Array(tensor.region.bytes) == expected)
    }
  }

  @Test func `no prefix of a file is a file, no change of one byte traps`() {
    let bytes = Self.file(Self.header("<f4", "(1, 2)", fortran: true), Self.four + Self.four)
    var accepted = 0
    for index in bytes.indices {
      #expect(throws: ArrayFormatError.self) { try Self.decode(Array(bytes[..<index])) }
      for value in UInt8.min...UInt8.max {
        var changed = bytes
        changed[index] = value
        if (try? Self.decode(changed)) != nil { accepted += 1 }
      }
    }
    // Every change of the eight bytes of data passes; hardly any of the header does.
    #expect((8 * 256..<16 * 256).contains(accepted))
  }

  static let written: [Tensor] = [
    Tensor([Float(1), .nan, -3]), Tensor([Double](), shape: [0, 2]), Tensor([Int64.min], shape: []),
    Tensor([true, false], shape: [1, 2]), Tensor([UInt8(1), 2], shape: [2, 1, 1]),
    Tensor([Int8(-1)]), Tensor([UInt16(1)]), Tensor([Int16(-1)]), Tensor([UInt32(7)]),
    Tensor([Int32(-7)]), Tensor([UInt64.max]),
  ]

  @Test(arguments: written.indices)
  func `what is written is read back, from a multiple of 64`(_ index: Int) throws {
    let tensor = Self.written[index]
    try withFolder { folder in
      let path = folder + "/array.npy"
      try NpyFile.write(tensor, path: path, overwriting: false)
      let read = try NpyFile.read(path: path)
      #expect(read.isIdentical(to: tensor))
      #expect(read.region.offset % 64 == 0)
      let exists = #expect(throws: ArrayFormatError.self) {
        try NpyFile.write(tensor, path: path, overwriting: false)
      }
      #expect(exists?.fileError?.code == .exists)
    }
  }

  @Test func `what the format cannot hold is refused`() throws {
    try withFolder { folder in
      let tensor = try Tensor(strings: [[]], shape: [1])
      let error = #expect(throws: ArrayFormatError.self) {
        try NpyFile.write(tensor, path: folder + "/array.npy", overwriting: false)
      }
      #expect(error?.code == .unsupportedType)
      let missing = #expect(throws: ArrayFormatError.self) {
        try NpyFile.read(path: folder + "/array.npy")
      }
      #expect(missing?.fileError?.code == .notFound)
    }
  }
}

/// Calls `body` with a folder that is removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path)
}
