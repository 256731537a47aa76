import Foundation
import RBAConvert

/// Writing to the terminal or a pipe.
enum Terminal {
  /// Writes a document to standard output as it is, and a line feed.
  static func write(_ document: String) throws(Failure) {
    do { try FileHandle.standardOutput.write(contentsOf: Data((document + "\n").utf8)) } catch {
      throw Failure(.cannotWrite, "standard output: cannot write: \(error.localizedDescription)")
    }
  }

  /// Writes a line of a result to standard output.
  static func print(_ line: String) throws(Failure) { try write(harmless(line)) }

  /// Writes a line that is no result to standard error; where that is closed nobody is told.
  static func complain(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data((harmless(line) + "\n").utf8))
  }

  /// Replaces the line of progress on standard error.
  static func showProgress(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K\(line)".utf8))
  }

  /// Whether standard error is a terminal that shows progress in place.
  static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }

  /// The line with control characters written as escapes: a name that a file made up shall neither
  /// steer a terminal nor look like a second line.
  private static func harmless(_ line: String) -> String {
    guard line.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      return line
    }
    return line.unicodeScalars.map { scalar in
      switch scalar {
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      case _ where scalar.properties.generalCategory == .control:
        "\\u{\(String(scalar.value, radix: 16))}"
      default: String(scalar)
      }
    }.joined()
  }
}
