import Foundation
import Testing

@testable import RBAConvert

/// The trained sample the repository carries.
enum Sample {
  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "samples/vit-mnist")

  static let model = folder.appending(path: "vit-mnist.opset17.onnx").path
  static let calibration = folder.appending(path: "calibration.safetensors").path
}

/// A folder that goes when the test ends.
final class TemporaryFolder {
  private let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "rba-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }
}

/// The failure that `body` throws.
func failure<Result>(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws(Failure) -> Result
) throws -> Failure {
  do {
    _ = try body()
  } catch { return error }
  Issue.record("expected a failure", sourceLocation: sourceLocation)
  throw CancellationError()
}

func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }
