import Foundation
import Tensors
import Testing

@testable import SafetensorsFormat

@Suite struct SafetensorsWritingTests {
  static func withPath(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.appending(path: "model.safetensors").path)
  }

  static let tensors: [(name: String, tensor: Tensor)] = [
    ("bytes", Tensor([UInt8(1), 2, 3])),
    ("b/é\"\\\n", Tensor([Float(1), -2], shape: [2, 1])),
    ("a", Tensor([Float.nan])),
    ("empty", Tensor([Double](), shape: [0, 3])),
    ("scalar", Tensor([Int64.min], shape: [])),
  ]

  @Test func `what is written is read back, widest first`() throws {
    try Self.withPath { path in
      let metadata = ["format": "pt", "a\u{1}": "\"quoted\""]
      try SafetensorsFile.write(
        Self.tensors, metadata: metadata, path: path, overwriting: false)
      let file = try SafetensorsFile.read(path: path)
      #expect(file.metadata == metadata)
      #expect(file.tensors.map(\.name) == ["empty", "scalar", "a", "b/é\"\\\n", "bytes"])
      for (name, tensor) in file.tensors {
        let written = try #require(Self.tensors.first { $0.name == name }).tensor
        #expect(tensor.isIdentical(to: written))
      }
    }
  }

  @Test(arguments: ElementType.allCases)
  func `every type of the format survives`(_ type: ElementType) throws {
    let region = ByteRegion(copying: [UInt8](0..<16).map { $0 & 1 })
    try Self.withPath { path in
      let count = type.bitWidth.map { 128 / $0 } ?? 0
      let isStorable = type.safetensorsName != nil
      guard type != .string, type != .undefined else { return #expect(!isStorable) }
      let tensor = try Tensor(type, shape: [count], region: region)
      let write = {
        try SafetensorsFile.write([("t", tensor)], path: path, overwriting: true)
      }
      guard isStorable else {
        let error = #expect(throws: SafetensorsError.self, performing: write)
        #expect(error?.code == .unsupportedType)
        return
      }
      try write()
      #expect(try SafetensorsFile.read(path: path).tensors[0].tensor.isIdentical(to: tensor))
    }
  }

  @Test func `equal contents give equal bytes and aligned data`() throws {
    try Self.withPath { path in
      try SafetensorsFile.write(
        Self.tensors, metadata: ["b": "1", "a": "2"], path: path, overwriting: false)
      let first = try MappedFile(path: path).region
      try SafetensorsFile.write(
        Self.tensors.reversed(), metadata: ["a": "2", "b": "1"], path: path, overwriting: true)
      let second = try MappedFile(path: path).region
      #expect(first.hasSameBytes(as: second))
      let length = second.bytes.loadUnaligned(as: UInt64.self)
      #expect(length % 8 == 0)
      #expect(second.bytes[8] == UInt8(ascii: "{"))
    }
  }

  @Test(arguments: [
    (["a", "a"], Tensor([UInt8(1)]), SafetensorsError.Code.duplicateName),
    (["__metadata__"], Tensor([UInt8(1)]), .reservedName),
    (["a"], try! Tensor(strings: [[]], shape: [1]), .unsupportedType),
    (
      ["a"], try! Tensor(.float4e2m1, shape: [1], region: ByteRegion(copying: [1])), .partialByte
    ),
  ])
  func `what the format cannot hold is refused`(
    _ names: [String], _ tensor: Tensor, _ code: SafetensorsError.Code
  ) throws {
    try Self.withPath { path in
      let error = #expect(throws: SafetensorsError.self) {
        try SafetensorsFile.write(
          names.map { ($0, tensor) }, path: path, overwriting: false)
      }
      #expect(error?.code == code)
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func `faults of the file itself are told apart`() throws {
    try Self.withPath { path in
      let missing = #expect(throws: SafetensorsError.self) { try SafetensorsFile.read(path: path) }
      #expect(missing?.code == .file)
      #expect(missing?.fileError?.code == .notFound)
      try SafetensorsFile.write([], path: path, overwriting: false)
      #expect(try SafetensorsFile.read(path: path).tensors.isEmpty)
      let exists = #expect(throws: SafetensorsError.self) {
        try SafetensorsFile.write([], path: path, overwriting: false)
      }
      #expect(exists?.fileError?.code == .exists)
    }
  }
}
