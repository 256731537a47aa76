import Foundation
import Tensors
import Testing

/// Several files that are one result: a model and the data file it names.
@Suite struct FinishedFileTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func publish(model: [UInt8], data: [UInt8], overwriting: Bool) throws {
    var companion = try AtomicFile(companion: folder.path("data"), overwriting: overwriting)
    try companion.write(data)
    var file = try AtomicFile(path: folder.path("model"), overwriting: overwriting)
    try file.write(model)
    let finished = try companion.finish()
    try file.finish().publish(after: [finished])
  }

  private func put(_ bytes: [UInt8], as name: String) throws {
    try Data(bytes).write(to: URL(filePath: folder.path(name)))
  }

  private func identity(of name: String) -> UInt {
    var status = stat()
    #expect(stat(folder.path(name), &status) == 0)
    return UInt(status.st_ino)
  }

  private func expectBoth(model: [UInt8], data: [UInt8]) throws {
    #expect(try folder.contents == ["data", "model"])
    #expect(try folder.bytes("model") == model)
    #expect(try folder.bytes("data") == data)
  }

  @Test(arguments: [false, true])
  func bothAppear(overwriting: Bool) throws {
    try publish(model: [1], data: [2], overwriting: overwriting)
    try expectBoth(model: [1], data: [2])
  }

  @Test func bothAreReplaced() throws {
    try publish(model: [1], data: [2], overwriting: false)
    try publish(model: [3], data: [4], overwriting: true)
    try expectBoth(model: [3], data: [4])
  }

  @Test func equalDataStays() throws {
    try publish(model: [1], data: [2], overwriting: false)
    let before = identity(of: "data")
    try publish(model: [3], data: [2], overwriting: true)
    try expectBoth(model: [3], data: [2])
    #expect(identity(of: "data") == before)
  }

  @Test func whatACutLeftIsAdopted() throws {
    try put([2], as: "data")
    try publish(model: [1], data: [2], overwriting: false)
    try expectBoth(model: [1], data: [2])
  }

  @Test(arguments: [[3], [2, 3], []] as [[UInt8]])
  func otherDataIsRefused(standing: [UInt8]) throws {
    try put(standing, as: "data")
    let error = try #require(throws: FileError.self) {
      try publish(model: [1], data: [2], overwriting: false)
    }
    #expect(error.code == .exists)
    #expect(error.path == folder.path("data"))
    #expect(try folder.contents == ["data"])
    #expect(try folder.bytes("data") == standing)
  }

  @Test func whatIsNotPublishedIsGone() throws {
    var file = try AtomicFile(path: folder.path("model"), overwriting: false)
    try file.write([1])
    _ = try file.finish()
    #expect(try folder.contents == [])
  }
}
