import Foundation
import Tensors
import Testing

@Suite struct AtomicFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(
    _ bytes: [UInt8], to name: String, overwriting: Bool = true, commits: Bool = true
  ) throws {
    var file = try AtomicFile(path: folder.path(name), overwriting: overwriting)
    try file.write(bytes)
    if commits { try file.commit() }
  }

  private func expectRefusal(
    _ code: FileError.Code, _ message: String, path: String, overwriting: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try folder.contents
    let error = try #require(throws: FileError.self, sourceLocation: sourceLocation) {
      _ = try AtomicFile(path: path, overwriting: overwriting)
    }
    #expect(error.code == code, sourceLocation: sourceLocation)
    #expect(error.message == message, sourceLocation: sourceLocation)
    #expect(try folder.contents == before, sourceLocation: sourceLocation)
  }

  @Test func appearsWholeOrNotAtAll() throws {
    let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0) }
    try write([1], to: "a", commits: false)
    #expect(try folder.contents == [])
    try write(content, to: "a")
    try write([2], to: "a", commits: false)
    #expect(try folder.contents == ["a"])
    #expect(try folder.bytes("a") == content)
  }

  @Test func nothingIsSeenBeforeItIsWhole() throws {
    var file = try AtomicFile(path: folder.path("a"), overwriting: false)
    try file.write([UInt8](repeating: 1, count: 3 << 20))
    #expect(try folder.contents == [])
    try file.commit()
    #expect(try folder.contents == ["a"])
  }

  @Test func aMappedFileOutlivesItsReplacement() throws {
    try write([1, 2, 3], to: "a")
    let mapped = try MappedFile(path: folder.path("a"))
    try write([9], to: "a")
    #expect(mapped.region.hasSameBytes(as: ByteRegion(copying: [1, 2, 3])))
    #expect(try folder.contents == ["a"])
  }

  @Test func aLinkStaysALink() throws {
    try write([1], to: "a")
    let link = folder.path("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "a")
    try write([2], to: "link")
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "a")
    #expect(try folder.bytes("a") == [2])
  }

  @Test func theModeOfAReplacedFileStays() throws {
    try write([1], to: "a")
    #expect(chmod(folder.path("a"), 0o640) == 0)
    try write([2], to: "a")
    let mode = try FileManager.default.attributesOfItem(atPath: folder.path("a"))[.posixPermissions]
    #expect(mode as? Int == 0o640)
  }

  @Test func refusesWhatStandsThere() throws {
    try write([1], to: "a")
    try expectRefusal(.exists, "already exists", path: folder.path("a"), overwriting: false)
  }

  @Test func refusesWhatHasComeToStandThere() throws {
    var file = try AtomicFile(path: folder.path("a"), overwriting: false)
    try file.write([2])
    try write([1], to: "a")
    let error = try #require(throws: FileError.self) { try file.commit() }
    #expect(error.code == .exists)
    #expect(try folder.bytes("a") == [1])
    #expect(try folder.contents == ["a"])
  }

  @Test func replacesWhatHasComeToStandThere() throws {
    var file = try AtomicFile(path: folder.path("a"), overwriting: true)
    try file.write([2])
    try write([1], to: "a")
    try file.commit()
    #expect(try folder.bytes("a") == [2])
    #expect(try folder.contents == ["a"])
  }

  @Test func replacesRegularFilesOnly() throws {
    for overwriting in [false, true] {
      try expectRefusal(
        .uncreatable, "cannot replace a folder", path: folder.path(""), overwriting: overwriting)
    }
    try expectRefusal(.uncreatable, "cannot replace a device", path: "/dev/null")
    #expect(mkfifo(folder.path("pipe"), 0o600) == 0)
    try expectRefusal(.uncreatable, "cannot replace a pipe", path: folder.path("pipe"))
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link"), withDestinationPath: "nowhere")
    try expectRefusal(
      .uncreatable, "cannot replace a link that leads nowhere", path: folder.path("link"))
  }

  @Test func refusesPathsOfNoFileBeforeAnythingIsWritten() throws {
    try expectRefusal(.uncreatable, "expected a path, got none", path: "")
    try expectRefusal(.uncreatable, "expected a path, got one with a NUL", path: "a\0b")
    try expectRefusal(
      .uncreatable, "expected the path of a file, got a folder's", path: folder.path("new/"))
    try expectRefusal(
      .uncreatable, "cannot create: no such file or directory", path: folder.path("new/a"))
    try expectRefusal(
      .uncreatable, "cannot create: file name too long",
      path: folder.path(String(repeating: "n", count: 256)))
    try write([1], to: "a")
    try expectRefusal(.uncreatable, "cannot create: not a directory", path: folder.path("a/b"))
  }

  @Test func aNameMayBeAsLongAsTheFileSystemAllows() throws {
    let name = String(repeating: "n", count: 255)
    for byte in [UInt8](1...2) { try write([byte], to: name) }
    #expect(try folder.bytes(name) == [2])
    #expect(try folder.contents == [name])
  }
}
