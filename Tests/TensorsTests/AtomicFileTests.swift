import Foundation
import Tensors
import Testing

@Suite struct AtomicFileTests {
  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  private var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
  }

  private func write(_ bytes: [UInt8], to name: String, commits: Bool) throws {
    var file = try AtomicFile(path: folder.path + "/" + name, overwriting: true)
    try file.write(bytes)
    if commits { try file.commit() }
  }

  @Test func appearsWholeOrNotAtAll() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0) }
    try write([1], to: "a", commits: false)
    #expect(try names.isEmpty)
    try write(content, to: "a", commits: true)
    try write([2], to: "a", commits: false)
    #expect(try names == ["a"])
    #expect(try Array(Data(contentsOf: folder.appendingPathComponent("a"))) == content)
  }

  @Test func aMappedFileOutlivesItsReplacement() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write([1, 2, 3], to: "a", commits: true)
    let mapped = try MappedFile(path: folder.path + "/a")
    try write([9], to: "a", commits: true)
    #expect(mapped.region.hasSameBytes(as: ByteRegion(copying: [1, 2, 3])))
  }

  @Test func aLinkStaysALink() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write([1], to: "a", commits: true)
    let link = folder.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "a")
    try write([2], to: "link", commits: true)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "a")
    #expect(try Array(Data(contentsOf: folder.appendingPathComponent("a"))) == [2])
  }

  @Test func refusesWhatStandsThere() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write([1], to: "a", commits: true)
    let path = folder.path + "/a"
    let error = try #require(throws: FileError.self) {
      _ = try AtomicFile(path: path, overwriting: false)
    }
    #expect(error.code == .exists)
    #expect(try names == ["a"])
  }
}
