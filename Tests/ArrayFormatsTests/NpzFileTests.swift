import Tensors
import Testing

@testable import ArrayFormats

@Suite struct NpzFileTests {
  /// One entry of an archive built by hand, and the lies told of it.
  struct Entry {
    var name: [UInt8]
    var content: [UInt8]
    var isDeflated = false
    var method: UInt16?
    var flags: UInt16 = 0
    var declaredByteCount: Int?
    var declaredChecksum: UInt32?

    init(_ name: String, _ content: [UInt8], _ change: (inout Entry) -> Void = { _ in }) {
      self.name = Array(name.utf8)
      self.content = content
      change(&self)
    }

    /// The content, or a deflate stream of a single block that stores it.
    var packed: [UInt8] {
      guard isDeflated else { return content }
      let count = UInt16(content.count)
      return [1] + little(count) + little(~count) + content
    }

    /// The fields that the local header and the directory share.
    var description: [UInt8] {
      little(UInt16(20)) + little(flags) + little(method ?? (isDeflated ? 8 : 0))
        + little(UInt32(0x21_0000)) + little(declaredChecksum ?? checksum(content))
        + little(UInt32(packed.count)) + little(UInt32(declaredByteCount ?? content.count))
        + little(UInt16(name.count)) + little(UInt16(0))
    }
  }

  static func archive(_ entries: Entry...) -> [UInt8] {
    var body: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      directory += little(UInt32(0x0201_4B50)) + little(UInt16(20)) + entry.description
      directory += [UInt8](repeating: 0, count: 10) + little(UInt32(body.count)) + entry.name
      body += little(UInt32(0x0403_4B50)) + entry.description + entry.name + entry.packed
    }
    let count = little(UInt16(entries.count))
    let end = little(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + count + count
    return body + directory + end + little(UInt32(directory.count)) + little(UInt32(body.count))
      + [0, 0]
  }

  static func decode(_ bytes: [UInt8]) throws(ArrayFormatError) -> [(name: String, tensor: Tensor)]
  {
    try NpzFile.decode(ByteRegion(copying: bytes), path: "memory")
  }

  static let array = NpyFileTests.file(NpyFileTests.header("<i2", "(2,)"), [1, 0, 2, 0])
  static let shortArray = NpyFileTests.file(NpyFileTests.header("<i2", "(3,)"), [1, 0, 2, 0])
  static let largeArray = NpyFileTests.file(NpyFileTests.header("<f8", "(1000000000,)"))
  static let entry = Entry("a.npy", array)

  @Test func `stored and deflated entries are read in order`() throws {
    let second = Entry("b/é.npy", Self.array) { $0.isDeflated = true }
    let arrays = try Self.decode(Self.archive(second, Self.entry))
    #expect(arrays.map(\.name) == ["b/é", "a"])
    for (_, tensor) in arrays { #expect(tensor.isIdentical(to: Tensor([Int16(1), 2]))) }
  }

  static let malformed: [(name: String, code: ArrayFormatError.Code, bytes: [UInt8])] = [
    ("no bytes", .archive, []),
    ("no archive", .archive, array),
    ("another name", .entryName, archive(Entry("a.txt", array))),
    ("folder", .entryName, archive(Entry("a/", []))),
    ("name twice", .archive, archive(entry, entry)),
    (
      "name twice but for its normalisation", .entryName,
      archive(Entry("\u{E9}.npy", array), Entry("e\u{301}.npy", array))
    ),
    ("not UTF-8", .entryName, archive(Entry("a.npy", array) { $0.name[0] = 0xFF })),
    ("encrypted", .compression, archive(Entry("a.npy", array) { $0.flags = 1 })),
    ("bzip2", .compression, archive(Entry("a.npy", array) { $0.method = 12 })),
    (
      "more than a gibibyte", .expansion,
      archive(
        Entry("a.npy", array) {
          $0.isDeflated = true
          $0.declaredByteCount = 1 << 30 + 1
        })
    ),
    (
      "ends early", .archive,
      archive(
        Entry("a.npy", shortArray) {
          $0.isDeflated = true
          $0.declaredByteCount = shortArray.count + 2
        })
    ),
    (
      "ends late", .archive,
      archive(
        Entry("a.npy", array + [0]) {
          $0.isDeflated = true
          $0.declaredByteCount = array.count
        })
    ),
    ("wrong checksum", .archive, archive(Entry("a.npy", array) { $0.declaredChecksum = 0 })),
    (
      "no deflate stream", .archive,
      archive(
        Entry("a.npy", [7] + array) {
          $0.method = 8
          $0.declaredByteCount = array.count
        })
    ),
    ("no array", .magic, archive(Entry("a.npy", [1, 2, 3]))),
    ("data of another size", .dataSize, archive(Entry("a.npy", array + [0]))),
    ("shape that asks for much", .dataSize, archive(Entry("a.npy", largeArray))),
  ]

  @Test(arguments: malformed.indices)
  func `each fault is refused by its code`(_ index: Int) {
    let (name, code, bytes) = Self.malformed[index]
    let error = #expect(throws: ArrayFormatError.self) { try Self.decode(bytes) }
    #expect(error?.code == code, "\(name): \(error.map(String.init(describing:)) ?? "accepted")")
  }

  @Test func `no prefix of an archive is an archive, no change of one byte traps`() {
    let bytes = Self.archive(Entry("a.npy", Self.array) { $0.isDeflated = true })
    var accepted = 0
    for index in bytes.indices {
      #expect(throws: ArrayFormatError.self) { try Self.decode(Array(bytes[..<index])) }
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var changed = bytes
        changed[index] = value
        if (try? Self.decode(changed)) != nil { accepted += 1 }
      }
    }
    // Dates and versions may change; contents, guarded by their checksum, may not.
    #expect(accepted < bytes.count)
  }

  @Test func `faults of the file itself are told apart`() throws {
    try withFolder { folder in
      let missing = #expect(throws: ArrayFormatError.self) {
        try NpzFile.read(path: folder + "/none.npz")
      }
      #expect(missing?.fileError?.code == .notFound)
    }
  }
}

private func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
  (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

/// The CRC-32 of zip archives.
private func checksum(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(UInt32.max) { state, byte in
    (0..<8).reduce(state ^ UInt32(byte)) { state, _ in
      state >> 1 ^ (state & 1 == 1 ? 0xEDB8_8320 : 0)
    }
  }
}
