import Foundation

/// What a run of the program left.
struct Outcome: Equatable {
  var status: Int32
  var stdout: String
  var stderr: String
}

/// The built program, which stands beside the tests.
enum Program {
  private static let url = (Bundle.main.executableURL ?? URL(filePath: CommandLine.arguments[0]))
    .resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "rba-convert")

  /// Runs it to its end, without input and not on a terminal.
  static func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  static func run(_ arguments: [String]) throws -> Outcome { try run(arguments, after: nil) }

  /// Runs it in a shell that first does as `setting` says, such as limit its resources; while it runs,
  /// `meanwhile` is told its process.
  static func run(
    _ arguments: [String], after setting: String? = nil,
    meanwhile: (_ process: pid_t) throws -> Void = { _ in }
  ) throws -> Outcome {
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = setting == nil ? url : URL(filePath: "/bin/sh")
    process.arguments =
      (setting.map { ["-c", "\($0); exec \"$@\"", "sh", url.path] } ?? []) + arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try folder.newFile("stdout")
    process.standardError = try folder.newFile("stderr")
    try process.run()
    try meanwhile(process.processIdentifier)
    process.waitUntilExit()
    // A trap is told apart from a status.
    let status = process.terminationStatus
    return Outcome(
      status: process.terminationReason == .exit ? status : -status,
      stdout: try String(contentsOfFile: folder.path("stdout"), encoding: .utf8),
      stderr: try String(contentsOfFile: folder.path("stderr"), encoding: .utf8))
  }
}

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
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "rba-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  func newFile(_ name: String) throws -> FileHandle {
    try Data().write(to: URL(filePath: path(name)))
    return try FileHandle(forWritingTo: URL(filePath: path(name)))
  }

  func write(_ data: Data, as name: String) throws -> String {
    try data.write(to: URL(filePath: path(name)))
    return path(name)
  }

  /// All files and folders below, by their relative paths.
  var contents: [String] {
    get throws { try FileManager.default.subpathsOfDirectory(atPath: url.path).sorted() }
  }
}
