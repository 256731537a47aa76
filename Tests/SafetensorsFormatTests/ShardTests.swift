import Foundation
import Tensors
import Testing

@testable import SafetensorsFormat

/// Checkpoints in several files.
@Suite struct ShardTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "rba-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appending(path: "snapshot"), withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      at: folder.appending(path: "blobs"), withIntermediateDirectories: true)
  }

  private func path(_ name: String) -> String { folder.appending(path: "snapshot/\(name)").path }

  private var index: String { path("m.safetensors.index.json") }

  private func removing<Result>(_ body: () throws -> Result) rethrows -> Result {
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body()
  }

  static let tensors: [(name: String, tensor: Tensor)] = [
    ("z", Tensor([Float](repeating: 1, count: 3))), ("y/é\"", Tensor([UInt8(1), 2, 3])),
    ("x", Tensor([Double](repeating: 2, count: 5))), ("empty", Tensor([Float](), shape: [0])),
    ("w", Tensor([Int64.max])),
  ]

  private func write(_ maximum: Int, overwriting: Bool = false) throws -> [String] {
    let layout = try ShardLayout(
      Self.tensors, metadata: ["k": "v"], path: path("m.safetensors"), maximumByteCount: maximum)
    try layout.write(overwriting: overwriting)
    return layout.paths.map { String($0.split(separator: "/").last!) }
  }

  private func error(_ path: String) -> SafetensorsError? {
    #expect(throws: SafetensorsError.self) { try SafetensorsFile.readShards(index: path) }
  }

  private func writeIndex(_ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: index))
  }

  @Test func `what is spread is read back in its order`() throws {
    try removing {
      #expect(
        try write(16) == [
          "m.safetensors.index.json", "m-00001-of-00003.safetensors",
          "m-00002-of-00003.safetensors", "m-00003-of-00003.safetensors",
        ])
      let file = try SafetensorsFile.readShards(index: index)
      #expect(file.tensors.map(\.name) == ["empty", "w", "x", "y/é\"", "z"])
      for (name, tensor) in Self.tensors {
        #expect(file.tensors.first { $0.name == name }?.tensor.isIdentical(to: tensor) == true)
      }
      #expect(file.metadata == ["k": "v"])
      #expect(file.files.count == 4)
      let shards = try (1...3).map { number in
        try SafetensorsFile.read(path: path("m-0000\(number)-of-00003.safetensors")).tensors
          .map(\.name)
      }
      // A tensor larger than the bound stands alone. Within a file the widest come first, then names.
      #expect(shards == [["z", "y/é\""], ["x"], ["w", "empty"]])
    }
  }

  @Test func `the index is laid out as transformers does it`() throws {
    try removing {
      _ = try write(40)
      let text = try String(contentsOfFile: index, encoding: .utf8)
      #expect(
        text == """
          {
            "metadata": {
              "k": "v",
              "total_size": 63
            },
            "weight_map": {
              "empty": "m-00002-of-00003.safetensors",
              "w": "m-00003-of-00003.safetensors",
              "x": "m-00002-of-00003.safetensors",
              "y/é\\"": "m-00001-of-00003.safetensors",
              "z": "m-00001-of-00003.safetensors"
            }
          }

          """)
    }
  }

  @Test func `a single file needs no index`() throws {
    try removing {
      #expect(try write(63) == ["m.safetensors"])
      let file = try SafetensorsFile.read(path: path("m.safetensors"))
      #expect(file.metadata == ["k": "v"])
    }
  }

  @Test func `files that stand there are kept`() throws {
    try removing {
      _ = try write(16)
      #expect(throws: SafetensorsError.self) { try write(16) }
      _ = try write(16, overwriting: true)
      try Data("mine".utf8).write(to: URL(filePath: path("m-00001-of-00002.safetensors")))
      let refused = #expect(throws: SafetensorsError.self) { try write(62) }
      #expect(refused?.fileError?.code == .exists)
    }
  }

  @Test(arguments: [
    ("[]", SafetensorsError.Code.valueKind),
    ("{", .syntax),
    ("{}", .missingField),
    (#"{"metadata":{}}"#, .missingField),
    (#"{"weight_map":{},"weight_map":{}}"#, .duplicateName),
    (#"{"weight_map":{},"other":1}"#, .unknownField),
    (#"{"weight_map":{"a":1}}"#, .valueKind),
    (#"{"weight_map":{"a":"a.safetensors","a":"a.safetensors"}}"#, .duplicateName),
    (#"{"weight_map":{},"metadata":{"k":"1","k":"2"}}"#, .duplicateName),
    (#"{"weight_map":{},"metadata":{"k":{}}}"#, .valueKind),
    (#"{"weight_map":{},"metadata":{"total_size":-1}}"#, .number),
    (#"{"weight_map":{},"metadata":{"total_size":"1"}}"#, .valueKind),
    (#"{"weight_map":{},"metadata":{"total_size":1}}"#, .totalSize),
    (#"{"weight_map":{"a":"../a.safetensors"}}"#, .shardName),
    (#"{"weight_map":{"a":"/a.safetensors"}}"#, .shardName),
    (#"{"weight_map":{"a":"a\u0000.safetensors"}}"#, .shardName),
    (#"{"weight_map":{"a":".safetensors"}}"#, .shardName),
    (#"{"weight_map":{"a":"a.bin"}}"#, .shardName),
    (#"{"weight_map":{"a":".."}}"#, .shardName),
    (#"{"weight_map":{"a":"absent.safetensors"}}"#, .file),
    (#"{"weight_map":{"a":"folder.safetensors"}}"#, .file),
    (#"{"weight_map":{"a":"one.safetensors","b":"one.safetensors"}}"#, .missingTensor),
    (#"{"weight_map":{"b":"one.safetensors"}}"#, .unexpectedTensor),
    (#"{"weight_map":{"a":"two.safetensors","b":"one.safetensors"}}"#, .unexpectedTensor),
    (#"{"weight_map":{"a":"one.safetensors"},"metadata":{"total_size":2}}"#, .totalSize),
  ])
  func `each fault of an index is refused by its code`(
    _ text: String, _ code: SafetensorsError.Code
  ) throws {
    try removing {
      for name in ["one", "two"] {
        try SafetensorsFile.write(
          [("a", Tensor([UInt8(1)]))], path: path("\(name).safetensors"), overwriting: false)
      }
      try FileManager.default.createDirectory(
        atPath: path("folder.safetensors"), withIntermediateDirectories: false)
      try writeIndex(text)
      let error = error(index)
      #expect(error?.code == code, "\(error.map(String.init(describing:)) ?? "accepted")")
    }
  }

  @Test func `an index may say more of itself than is understood`() throws {
    try removing {
      try writeIndex(
        #"{"metadata":{"total_size":0,"total_parameters":1.5e3,"tied":true,"k":"v"},"weight_map":{}}"#
      )
      #expect(try SafetensorsFile.readShards(index: index).metadata == ["k": "v"])
    }
  }

  @Test func `no prefix of an index is one, no change of a byte traps`() throws {
    let text = Array(#"{"metadata":{"total_size":1},"weight_map":{"a":"b.safetensors"}}"#.utf8)
    for count in text.indices {
      #expect(throws: SafetensorsError.self) { try ShardIndex(Array(text[..<count]), path: "") }
    }
    for position in text.indices {
      for byte in UInt8.min...UInt8.max {
        var changed = text
        changed[position] = byte
        _ = try? ShardIndex(changed, path: "")
      }
    }
  }

  @Test func `links lead into the folder of the index, or of what it links to`() throws {
    try removing {
      let blob = folder.appending(path: "blobs/1234").path
      try SafetensorsFile.write([("a", Tensor([UInt8(1)]))], path: blob, overwriting: false)
      try writeIndex(#"{"weight_map":{"a":"a.safetensors"}}"#)
      try FileManager.default.createSymbolicLink(
        atPath: path("a.safetensors"), withDestinationPath: blob)
      #expect(error(index)?.code == .shardLocation)
      // As download caches keep it: the index is a link to the same folder.
      let indexBlob = folder.appending(path: "blobs/5678").path
      try FileManager.default.moveItem(atPath: index, toPath: indexBlob)
      try FileManager.default.createSymbolicLink(atPath: index, withDestinationPath: indexBlob)
      #expect(try SafetensorsFile.readShards(index: index).tensors.map(\.name) == ["a"])
    }
  }
}
