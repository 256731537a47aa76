import Foundation
import Tensors
import Testing

@testable import RBAConvert

/// Paths at which no data file stands.
@Suite struct NamedTensorsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func expect(
    _ status: RBAConvert.ExitStatus, _ message: String, _ path: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let failure = try failure(sourceLocation: sourceLocation) { () throws(Failure) in
      try readTensors(path)
    }
    #expect(failure.status == status, sourceLocation: sourceLocation)
    #expect(failure.message == message, sourceLocation: sourceLocation)
  }

  private let kinds = "expected .npy, .npz, .safetensors, .pb or a folder of those"

  @Test(arguments: ["npy", "npz", "safetensors", "pb"])
  func whatIsNotThereOrNoFile(_ kind: String) throws {
    let path = folder.path("a.\(kind)")
    try expect(.noInput, "\(path): no such file", path)
    #expect(mkfifo(path, 0o600) == 0)
    try expect(.malformedInput, "\(path): expected a file, got a pipe", path)
  }

  @Test func noPath() throws { try expect(.noInput, "'': no such file", "") }

  @Test func otherKinds() throws {
    try expect(
      .malformedInput, "/dev/zero: \(kinds), got a device without an extension", "/dev/zero")
    for (name, got) in [("a", "a file without an extension"), ("a.csv", "'.csv'")] {
      try Data().write(to: URL(filePath: folder.path(name)))
      try expect(.malformedInput, "\(folder.path(name)): \(kinds), got \(got)", folder.path(name))
    }
  }

  @Test func aFolderWithoutData() throws {
    let path = folder.path("")
    try expect(
      .malformedInput, "\(path): expected .npy, .npz, .safetensors or .pb files, got none", path)
  }
}
