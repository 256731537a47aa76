import Foundation
import RBAConvert

/// Writing to the terminal or a pipe: the one place where names out of a file are made harmless.
enum Terminal {
  /// Writes a document to standard output as it is, and a line feed.
  static func write(_ document: String) throws(Failure) {
    do { try FileHandle.standardOutput.write(contentsOf: Data((document + "\n").utf8)) } catch {
      throw Failure(.cannotWrite, "standard output: cannot write: \(error.localizedDescription)")
    }
  }

  /// Writes a line of a result to standard output.
  static func print(_ line: String) throws(Failure) { try write(printable(line)) }

  /// Writes a line that is no result to standard error; where that is closed nobody is told.
  static func complain(_ line: String) {
    let shown = line.unicodeScalars.prefix(longestComplaint)
    let line = printable(String(shown)) + (shown.endIndex == line.endIndex ? "" : "…")
    try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
  }

  /// Replaces the line of progress on standard error.
  static func showProgress(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K\(printable(line))".utf8))
  }

  /// Whether standard error is a terminal that shows progress in place.
  static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }

  /// Scalars after which a complaint ends: a name in a file may be as long as the file.
  private static let longestComplaint = 10_000
}
