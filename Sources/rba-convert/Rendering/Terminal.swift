import Foundation

/// Writing to the terminal or a pipe.
enum Terminal {
  /// Writes a line of a result to standard output.
  static func print(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }

  /// Writes a line that is no result to standard error.
  static func complain(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }

  /// Replaces the line of progress on standard error.
  static func showProgress(_ line: String) {
    FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
  }

  /// Whether standard error is a terminal that shows progress in place.
  static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }
}
