import Glibc
import RBAConvert

/// Writing to the terminal or a pipe: the one place where names out of a file are made harmless.
enum Terminal {
  /// Writes a document to standard output as it is, and a line feed.
  static func write(_ document: String) throws(Failure) {
    let code = send(document + "\n", to: STDOUT_FILENO)
    guard code == 0 else {
      let reason = unsafe String(cString: strerror(code)).lowercased()
      throw Failure(.cannotWrite, "standard output: cannot write: \(reason)")
    }
  }

  /// Writes a line of a result to standard output.
  static func print(_ line: String) throws(Failure) { try write(printable(line)) }

  /// Writes a line that is no result to standard error; where that is closed nobody is told.
  static func complain(_ line: String) {
    let shown = line.unicodeScalars.prefix(longestComplaint)
    let line = printable(String(shown)) + (shown.endIndex == line.endIndex ? "" : "…")
    _ = send(line + "\n", to: STDERR_FILENO)
  }

  /// Replaces the line of progress on standard error.
  static func showProgress(_ line: String) {
    _ = send("\r\u{1B}[K\(printable(line))", to: STDERR_FILENO)
  }

  /// Whether standard error is a terminal that shows progress in place.
  static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }

  /// Writes all of `text`; the error number of what went wrong, or 0.
  private static func send(_ text: String, to descriptor: Int32) -> Int32 {
    var rest = ArraySlice(text.utf8)
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { bytes in
        unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return errno }
      rest = rest.dropFirst(count)
    }
    return 0
  }

  /// Scalars after which a complaint ends: a name in a file may be as long as the file.
  private static let longestComplaint = 10_000
}
