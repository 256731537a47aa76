import Foundation
import GraphIR
import ONNXFormat
import Synchronization
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

  struct Refusal: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let code: FormatError.Code
    let entries: [String]

    init(_ name: String, _ code: FormatError.Code, _ entries: String...) {
      testDescription = name
      self.code = code
      self.entries = entries
    }
  }

  static let refusals = [
    // A key that is none: in Python it would become an attribute of an object.
    Refusal("CVE-2026-34445", .externalEntry, "location=d.bin", "__class__=16"),
    Refusal("key twice", .externalEntry, "location=d.bin", "location=d.bin"),
    Refusal("no location", .externalEntry, "offset=0"),
    Refusal("negative offset", .externalEntry, "location=d.bin", "offset=-1"),
    Refusal("offset with a sign", .externalEntry, "location=d.bin", "offset=+1"),
    Refusal("hexadecimal offset", .externalEntry, "location=d.bin", "offset=0x1"),
    Refusal("offset with a space", .externalEntry, "location=d.bin", "offset= 1"),
    Refusal("digits of another script", .externalEntry, "location=d.bin", "offset=١"),
    Refusal("empty length", .externalEntry, "location=d.bin", "length="),
    Refusal("length of 2^66", .externalEntry, "location=d.bin", "length=99999999999999999999"),
    Refusal("length of another tensor", .dataSize, "location=d.bin", "length=8"),
    Refusal("past the end", .externalRange, "location=d.bin", "offset=17"),
    Refusal("offset of 2^63-1", .externalRange, "location=d.bin", "offset=9223372036854775807"),
    Refusal("empty location", .externalLocation, "location="),
    Refusal("address of memory", .externalLocation, "location=*/_ORT_MEM_ADDR_/*"),
    // A path that leads upwards.
    Refusal("CVE-2022-25882", .externalLocation, "location=../outside.bin"),
    // The guard of the former looked at the beginning only.
    Refusal("CVE-2024-27318", .externalLocation, "location=sub/../../outside.bin"),
    Refusal("CVE-2024-27318, absolute", .externalLocation, "location=/etc/hostname"),
    Refusal("upwards to nothing", .externalLocation, "location=../none.bin"),
    // A symbolic link to a file outside.
    Refusal("CVE-2026-27489", .externalLocation, "location=link.bin"),
    // A folder on the way that is a link to the outside.
    Refusal("CVE-2026-34447", .externalLocation, "location=link/outside.bin"),
    // A second name of a file outside.
    Refusal("CVE-2026-34446", .externalLocation, "location=hard.bin"),
    Refusal("folder itself", .externalLocation, "location=."),
    Refusal("folder inside", .unreadable, "location=sub"),
    Refusal("pipe", .unreadable, "location=pipe"),
    Refusal("link in a circle", .notFound, "location=circle"),
    Refusal("nothing", .notFound, "location=none.bin"),
    Refusal("file as a folder", .notFound, "location=d.bin/d.bin"),
  ]

  @Test(arguments: refusals) func isRefused(_ refusal: Refusal) throws {
    let outer = try TemporaryFolder()
    let files = FileManager.default
    try files.createDirectory(atPath: outer.path("in/sub"), withIntermediateDirectories: true)
    let outside = try outer.write(Self.data, as: "outside.bin")
    _ = try outer.write(Self.data, as: "in/d.bin")
    for (name, target) in [("link.bin", "../outside.bin"), ("link", ".."), ("circle", "circle")] {
      try files.createSymbolicLink(atPath: outer.path("in/\(name)"), withDestinationPath: target)
    }
    try files.linkItem(atPath: outside, toPath: outer.path("in/hard.bin"))
    #expect(mkfifo(outer.path("in/pipe"), 0o600) == 0)
    let path = try outer.write(Self.model(refusal.entries), as: "in/m.onnx")
    let error = try #require(throws: FormatError.self) { try ONNXFile.read(path: path) }
    #expect(error.code == refusal.code)
    #expect(error.place == "graph.initializer[0]")
  }

  private static let outside = Wire.external(["location=../outside.bin"])
  /// Attributes' fields with a tensor somewhere in them, and where it is.
  static let holders: [(place: String, fields: [UInt8])] = [
    ("t", Wire.part(5, outside) + Wire.number(20, 4)),
    ("tensors[0]", Wire.part(10, outside) + Wire.number(20, 9)),
    ("sparse_tensor.values", Wire.number(20, 11) + Wire.part(22, Wire.part(1, outside))),
    ("g.initializer[0]", Wire.part(6, Wire.part(5, outside)) + Wire.number(20, 5)),
  ]

  /// Wherever a tensor lies in the model, its location is looked at.
  @Test(arguments: holders.indices) func isRefusedInAttributes(_ index: Int) throws {
    let (place, fields) = Self.holders[index]
    let attribute = Wire.part(5, Wire.part(1, "a") + fields)
    let bytes = Wire.model(Wire.part(1, Wire.part(4, "Constant") + attribute))
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, as: "m.onnx")
    let error = try #require(throws: FormatError.self) { try ONNXFile.read(path: path) }
    #expect(error.code == .externalLocation)
    #expect(error.place == "graph.node[0].attribute[0].\(place)")
  }

  /// CVE-2025-51480: an external tensor's location must not choose where is written.
  @Test func theNameOfTheDataFileIsOurs() throws {
    let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
    try FileManager.default.createDirectory(
      atPath: folder.path("sub"), withIntermediateDirectories: false)
    _ = try folder.write(Self.data, as: "sub/d.bin")
    let path = try folder.write(Self.model(["location=sub/d.bin"]), as: "m.onnx")
    let victim = try folder.write([1, 2, 3], as: "victim.bin")
    let model = try ONNXFile.read(path: path)
    try ONNXFile.write(
      model, to: other.path("n.onnx"), overwriting: true, externalData: .file("w.bin"))
    try ONNXFile.write(model, to: other.path("o.onnx"), overwriting: true)
    #expect(try other.contents == ["n.onnx", "o.onnx", "o.onnx.data", "w.bin"])
    #expect(try bytes(of: victim) == [1, 2, 3])
  }

  @Test func aFolderTheUserNamesIsTrusted() throws {
    let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
    let data = try other.write(Self.data, as: "d.bin")
    try FileManager.default.linkItem(atPath: data, toPath: other.path("e.bin"))
    let path = try folder.write(Self.model(["location=e.bin"]), as: "m.onnx")
    #expect(throws: FormatError.self) { try ONNXFile.read(path: path) }
    let model = try ONNXFile.read(path: path, externalDataDirectory: other.path)
    #expect(try Self.weight(model) == Array(0..<16))
    #expect(model.externalFiles[ExactText("e.bin")]?.path == other.path("e.bin"))
    // Its copy does not need the option.
    try ONNXFile.write(model, to: folder.path("n.onnx"), overwriting: false)
    #expect(try Self.weight(ONNXFile.read(path: folder.path("n.onnx"))) == Array(0..<16))
  }

  @Test(arguments: ["d.bin", "./d.bin", "sub/../d.bin", "sub//./x.bin", "inside.bin"])
  func isFoundInsideTheFolder(_ location: String) throws {
    let folder = try TemporaryFolder()
    let files = FileManager.default
    try files.createDirectory(atPath: folder.path("sub"), withIntermediateDirectories: false)
    _ = try folder.write(Self.data, as: "d.bin")
    _ = try folder.write(Self.data, as: "sub/x.bin")
    try files.createSymbolicLink(
      atPath: folder.path("inside.bin"), withDestinationPath: "sub/x.bin")
    let path = try folder.write(Self.model(["location=\(location)"]), as: "m.onnx")
    #expect(try Self.weight(ONNXFile.read(path: path)) == Array(0..<16))
  }

  @Test func tensorsOfOneRegionShareTheirPlace() throws {
    let folder = try TemporaryFolder()
    let tensor = Tensor([Float](repeating: 1, count: 300))
    let large = Tensor([Float](repeating: 2, count: 1 << 18))
    var graph = Graph(name: "g")
    for name in ["a", "b"] { try graph.addInitializer(graph.intern(name), StoredTensor(tensor)) }
    try graph.addInitializer(graph.intern("c"), StoredTensor(large))
    try ONNXFile.write(
      Model(graph: graph), to: folder.path("m.onnx"), overwriting: false,
      externalData: .file("w.bin"))
    // Large tensors begin with a page.
    #expect(try bytes(of: folder.path("w.bin")).count == 4096 + 1 << 20)
  }

  @Test func aChecksumStaysWithDataThatStays() throws {
    let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
    _ = try folder.write(Self.data, as: "d.bin")
    let entries = ["location=d.bin", "checksum=00ff"]
    let path = try folder.write(Self.model(entries), as: "m.onnx")
    let model = try ONNXFile.read(path: path)
    for (output, keeps) in [(folder.path("n.onnx"), true), (other.path("n.onnx"), false)] {
      try ONNXFile.write(model, to: output, overwriting: false)
      let text = String(decoding: try bytes(of: output), as: UTF8.self)
      #expect(text.contains("checksum") == keeps)
    }
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

  @Test func aHubCacheHasNoWayOut() throws {
    let folder = try TemporaryFolder()
    let files = FileManager.default
    for name in ["cache/blobs", "cache/snapshots/1/onnx"] {
      try files.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
    }
    _ = try folder.write(Self.data, as: "secret")
    _ = try folder.write(Self.data, as: "cache/blobs/1")
    _ = try folder.write(Self.model(["location=m.onnx_data"]), as: "cache/blobs/2")
    let snapshot = folder.path("cache/snapshots/1/onnx")
    try files.createSymbolicLink(
      atPath: snapshot + "/m.onnx", withDestinationPath: "../../../blobs/2")
    try files.createSymbolicLink(
      atPath: snapshot + "/m.onnx_data", withDestinationPath: "../../../blobs/1")
    #expect(try Self.weight(ONNXFile.read(path: snapshot + "/m.onnx")) == Array(0..<16))
    try files.removeItem(atPath: snapshot + "/m.onnx_data")
    try files.createSymbolicLink(
      atPath: snapshot + "/m.onnx_data", withDestinationPath: "../../../../secret")
    let error = try #require(throws: FormatError.self) {
      try ONNXFile.read(path: snapshot + "/m.onnx")
    }
    #expect(error.code == .externalLocation)
  }

  /// A link put in the file's place between look and use is never followed.
  @Test func aRaceIsLost() throws {
    let folder = try TemporaryFolder()
    let files = FileManager.default
    try files.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: false)
    _ = try folder.write([UInt8](repeating: 0xee, count: 32), as: "secret")
    _ = try folder.write(Self.data, as: "in/d.bin")
    let path = try folder.write(Self.model(["location=d.bin"]), as: "in/m.onnx")
    let isDone = Mutex(false)
    let (data, aside) = (folder.path("in/d.bin"), folder.path("in/aside"))
    let thread = Thread {
      while !isDone.withLock({ $0 }) {
        rename(data, aside)
        symlink("../secret", data)
        unlink(data)
        rename(aside, data)
      }
    }
    thread.start()
    var reads = 0
    for _ in 0..<2000 {
      guard let model = try? ONNXFile.read(path: path) else { continue }
      reads += 1
      #expect(try Self.weight(model) == Array(0..<16))
    }
    isDone.withLock { $0 = true }
    #expect(reads > 0)
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
