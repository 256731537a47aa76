import ArrayFormats
import Execution
import GraphIR
import ONNXFormat
import SafetensorsFormat
import Synchronization
import Tensors

/// What a process tells its caller by its exit status, after sysexits.h.
public enum ExitStatus: Int32, Sendable {
  /// All went as asked.
  case done = 0
  /// A guard or a verification failed, or two models differ where they were not to.
  case refused = 1
  /// The command line is not understood.
  case usage = 64
  /// Malformed or unsupported input.
  case malformedInput = 65
  /// An input file is not there.
  case noInput = 66
  /// A fault of this program.
  case internalFault = 70
  /// The output cannot be created, or stands there already.
  case cannotCreate = 73
  /// Writing the output failed.
  case cannotWrite = 74
}

/// Why a verb gave no result: one line for people, and the exit status for scripts.
public struct Failure: Error, Sendable {
  /// What the process exits with.
  public let status: ExitStatus
  /// One clause, starting with the file or place it concerns.
  public let message: String
  /// What to do about it, one line each.
  public let notes: [String]

  /// A failure with its words.
  public init(_ status: ExitStatus, _ message: String, notes: [String] = []) {
    self.status = status
    self.message = message
    self.notes = notes
  }

  init(_ error: FileError) {
    let status: ExitStatus =
      switch error.code {
      case .notFound: .noInput
      case .notRegularFile, .unreadable: .malformedInput
      case .uncreatable, .exists: .cannotCreate
      case .unwritable: .cannotWrite
      }
    self.init(
      status, error.description,
      notes: error.code == .exists ? ["use --force to replace it"] : [])
  }

  init(_ error: ArrayFormatError) {
    if let fault = error.fileError {
      self.init(fault)
    } else {
      self.init(.malformedInput, error.description)
    }
  }

  init(_ error: FormatError, _ path: String) {
    let status: ExitStatus =
      switch error.code {
      case .notFound: .noInput
      case .exists, .uncreatable, .overwritesInput: .cannotCreate
      case .unwritable: .cannotWrite
      default: .malformedInput
      }
    let text = "\(error)"
    self.init(
      status, text.hasPrefix(path) || error.file != nil ? text : "\(path): \(text)",
      notes: error.code == .exists ? ["use --force to replace it"] : [])
  }

  init(_ error: SafetensorsError) {
    if let fileError = error.fileError {
      self.init(fileError)
    } else {
      self.init(.malformedInput, "\(error)")
    }
  }

  init(_ error: ExecutionError, in path: String) {
    self.init(.malformedInput, "\(path): \(error)", notes: error.notes)
  }

  init(_ error: GraphError) { self.init(.internalFault, "\(error)") }
}

/// Where a verb sends what it has to say while it works.
public struct Diagnostics: Sendable {
  /// Takes a line the user should see even when all goes well; the same line once.
  public var note: @Sendable (String) -> Void
  /// Takes what is being done, and which part of it is finished, from 0 to 1.
  public var progress: @Sendable (_ phase: String, _ fraction: Double) -> Void

  /// Sends notes and progress to the given functions.
  public init(
    note: @escaping @Sendable (String) -> Void,
    progress: @escaping @Sendable (_ phase: String, _ fraction: Double) -> Void
  ) {
    let sent = SentLines()
    self.note = { line in if sent.isFirst(line) { note(line) } }
    self.progress = progress
  }

  /// Says nothing.
  public static let silent = Diagnostics()

  /// Remembers no line.
  private init() {
    note = { _ in }
    progress = { _, _ in }
  }
}

/// Tells lines that were sent from new ones.
private final class SentLines: Sendable {
  private let lines = Mutex<Set<String>>([])

  func isFirst(_ line: String) -> Bool { lines.withLock { $0.insert(line).inserted } }
}
