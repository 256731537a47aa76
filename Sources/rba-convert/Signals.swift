import Glibc
import RBAConvert

/// What the process does about signals that ordinary use can bring.
enum Signals {
  /// A closed pipe ends the process without a word; a limit on the size of files is an error of
  /// writing; a mapped file that another process cuts short is told like other bad input.
  static func install() {
    signal(SIGPIPE, SIG_DFL)
    signal(SIGXFSZ, SIG_IGN)
    signal(SIGBUS) { _ in
      // Only what POSIX lists as safe in a handler.
      let line: StaticString = "rba-convert: error: a file was cut short while it was read\n"
      unsafe write(STDERR_FILENO, line.utf8Start, line.utf8CodeUnitCount)
      _exit(ExitStatus.malformedInput.rawValue)
    }
  }
}
