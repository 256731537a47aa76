import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

@Suite struct ExternalDataTests {
  static let data: [UInt8] = Array(0..<32)

  private static func model(_ entries: [String]) -> [UInt8] {
    Wire.model(Wire.initializer(Wire.external(entries)))
  }

  /// The bytes of the only initializer.
  private static func weight(_ model: Model) throws -> [UInt8] {
    let value = try #require(model.graph.value(named: "w"))
    let region = try #require(model.graph.constant(value)).region
    return withExtendedLifetime(region) { Array(region.bytes) }
  }

  @Test func isReadWhereTheEntriesSay() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(Self.data, as: "d.bin")
    let path = try folder.write(
      Self.model(["location=d.bin", "offset=16", "length=16"]), as: "m.onnx")
    let weight = try Self.weight(ONNXFile.read(path: path))
    #expect(weight == Array(16..<32))
  }

  @Test(
    arguments: [
      (["location=d.bin", "size=16"], FormatError.Code.externalEntry),
      (["location=d.bin", "location=d.bin"], .externalEntry),
      (["offset=0"], .externalEntry),
      (["location=d.bin", "offset=-1"], .externalEntry),
      (["location=d.bin", "offset=0x1"], .externalEntry),
      (["location=d.bin", "length=99999999999999999999"], .externalEntry),
      (["location=d.bin", "length=8"], .dataSize),
      (["location=d.bin", "offset=17"], .externalRange),
      (["location=d.bin", "offset=9223372036854775807"], .externalRange),
      (["location="], .externalLocation),
      (["location=/etc/hostname"], .externalLocation),
      (["location=*/_ORT_MEM_ADDR_/*"], .externalLocation),
      (["location=../outside.bin"], .externalLocation),
      (["location=link.bin"], .externalLocation),
      (["location=link/outside.bin"], .externalLocation),
      (["location=none.bin"], .notFound),
      (["location=pipe"], .unreadable),
    ] as [([String], FormatError.Code)])
  func isRefused(_ entries: [String], _ code: FormatError.Code) throws {
    let outer = try TemporaryFolder()
    let files = FileManager.default
    try files.createDirectory(atPath: outer.path("in"), withIntermediateDirectories: false)
    _ = try outer.write(Self.data, as: "outside.bin")
    _ = try outer.write(Self.data, as: "in/d.bin")
    try files.createSymbolicLink(
      atPath: outer.path("in/link.bin"), withDestinationPath: "../outside.bin")
    try files.createSymbolicLink(atPath: outer.path("in/link"), withDestinationPath: "..")
    #expect(mkfifo(outer.path("in/pipe"), 0o600) == 0)
    let path = try outer.write(Self.model(entries), as: "in/m.onnx")
    let error = try #require(throws: FormatError.self) { try ONNXFile.read(path: path) }
    #expect(error.code == code)
    #expect(error.place == "graph.initializer[0]")
  }

  @Test func followsTheLinksOfAHubCache() throws {
    let folder = try TemporaryFolder()
    let files = FileManager.default
    for name in ["blobs", "snapshot"] {
      try files.createDirectory(atPath: folder.path(name), withIntermediateDirectories: false)
    }
    _ = try folder.write(Self.data, as: "blobs/1")
    _ = try folder.write(Self.model(["location=d.bin"]), as: "blobs/2")
    try files.createSymbolicLink(
      atPath: folder.path("snapshot/d.bin"), withDestinationPath: "../blobs/1")
    try files.createSymbolicLink(
      atPath: folder.path("snapshot/m.onnx"), withDestinationPath: "../blobs/2")
    let weight = try Self.weight(ONNXFile.read(path: folder.path("snapshot/m.onnx")))
    #expect(weight == Array(0..<16))
  }

  @Test func staysWhereItIsReachable() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(Self.data, as: "d.bin")
    let encoded = Self.model(["location=d.bin", "offset=8"])
    let model = try ONNXFile.read(path: folder.write(encoded, as: "m.onnx"))
    try ONNXFile.write(model, to: folder.path("n.onnx"), overwriting: false)
    #expect(try folder.contents == ["d.bin", "m.onnx", "n.onnx"])
    #expect(try Self.weight(ONNXFile.read(path: folder.path("n.onnx"))).first == 8)
  }

  @Test func isCopiedElsewhere() throws {
    let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
    _ = try folder.write(Self.data, as: "d.bin")
    let encoded = Self.model(["location=d.bin", "offset=8"])
    let model = try ONNXFile.read(path: folder.write(encoded, as: "m.onnx"))
    try ONNXFile.write(model, to: other.path("n.onnx"), overwriting: false)
    #expect(try other.contents == ["n.onnx", "n.onnx.data"])
    #expect(try bytes(of: other.path("n.onnx.data")) == Array(8..<24))
    #expect(try Self.weight(ONNXFile.read(path: other.path("n.onnx"))).first == 8)
  }

  @Test func movesInAndOut() throws {
    let folder = try TemporaryFolder()
    var graph = Graph(name: "g")
    for (name, count) in [("small", 4), ("first", 300), ("second", 301)] {
      let elements = (0..<count).map(Float.init)
      try graph.addInitializer(graph.intern(name), StoredTensor(Tensor(elements)))
    }
    let model = Model(graph: graph)
    try ONNXFile.write(
      model, to: folder.path("out.onnx"), overwriting: false, externalData: .file("w.bin"))
    // The second tensor begins at the next multiple of 64.
    #expect(try bytes(of: folder.path("w.bin")).count == 1216 + 1204)
    let read = try ONNXFile.read(path: folder.path("out.onnx"))
    try ONNXFile.write(
      read, to: folder.path("in.onnx"), overwriting: false, externalData: .inline)
    try FileManager.default.removeItem(atPath: folder.path("w.bin"))
    let inline = try ONNXFile.read(path: folder.path("in.onnx"))
    for name in ["small", "first", "second"] {
      let value = try #require(inline.graph.value(named: name))
      let original = try #require(graph.value(named: name))
      #expect(inline.graph.constant(value)!.isIdentical(to: graph.constant(original)!))
    }
  }

  @Test func aPathIsNoName() throws {
    let folder = try TemporaryFolder()
    let error = try #require(throws: FormatError.self) {
      try ONNXFile.write(
        Model(graph: Graph()), to: folder.path("m.onnx"), overwriting: false,
        externalData: .file("../w.bin"))
    }
    #expect(error.code == .externalLocation)
    #expect(try folder.contents.isEmpty)
  }
}
