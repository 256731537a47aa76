import FoundationEssentials
import Glibc

/// Many inputs for one reader, tried in child processes.
struct Campaign {
  let reader: FuzzedReader
  let inputs: Inputs
  let iterations: Int
  let jobs: Int
  /// What a child is called with besides its range and files.
  let arguments: [String]
  /// Where inputs that fail are put.
  let failureFolder: String

  /// Inputs that one child tries.
  private static let chunk = 10_000
  /// Bytes the heap may grow by in a chunk: the report itself, and caches of the libraries.
  private static let allowedGrowth = 1 << 17
  private static let maximumFailures = 20

  /// The outcome of a campaign.
  struct Outcome {
    var executed = 0
    var report = WorkerReport()
    /// What is wrong, by index; a leak stands at the start of its chunk.
    var failures: [(index: Int, reason: String)] = []
  }

  private struct Child {
    let process: pid_t
    let range: Range<Int>
    let files: String
  }

  func run() throws -> Outcome {
    var outcome = Outcome()
    let scratch = try Scratch()
    var pending = stride(from: 0, to: iterations, by: Self.chunk).reversed().map {
      $0..<min($0 + Self.chunk, iterations)
    }
    var children: [Child] = []
    var started = 0
    while !pending.isEmpty || !children.isEmpty {
      while children.count < jobs, let range = pending.popLast() {
        started += 1
        children.append(try start(range, files: scratch.path("\(started)")))
      }
      var status: Int32 = 0
      let ended = waitpid(-1, &status, 0)
      guard let position = children.firstIndex(where: { $0.process == ended }) else { continue }
      let child = children.remove(at: position)
      if let rest = try conclude(child, status: status, &outcome) { pending.append(rest) }
      if outcome.failures.count >= Self.maximumFailures { pending = [] }
    }
    outcome.failures.sort { $0.index < $1.index }
    return outcome
  }

  private func start(_ range: Range<Int>, files: String) throws -> Child {
    try writeFile([UInt8](repeating: 0, count: 8), to: files + ".progress")
    let program = "/proc/self/exe"
    let words =
      [CommandLine.arguments[0]] + arguments + [
        "--reader", reader.rawValue, "--worker", "\(range.lowerBound)", "--iterations",
        "\(range.upperBound)", "--files", files,
      ]
    var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for pointer in argv { free(pointer) } }
    // A child that traps must end at once, not describe itself.
    setenv("SWIFT_BACKTRACE", "enable=no", 1)
    var process: pid_t = 0
    guard posix_spawn(&process, program, nil, nil, &argv, environ) == 0 else {
      throw Fault("cannot start a process")
    }
    return Child(process: process, range: range, files: files)
  }

  /// Adds what a child found; returns the inputs it left.
  private func conclude(
    _ child: Child, status: Int32, _ outcome: inout Outcome
  ) throws -> Range<Int>? {
    let signal = status & 0x7F
    let exitCode = status >> 8 & 0xFF
    guard signal == 0, exitCode == 0 else {
      let bytes = try readFile(child.files + ".progress")
      let index = bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
      let reason =
        signal == SIGALRM
        ? "still running after \(Worker.secondsPerInput) s"
        : signal != 0 ? "ended by signal \(signal)" : "ended with status \(exitCode)"
      try fail(index, reason, &outcome)
      outcome.executed += index + 1 - child.range.lowerBound
      return index + 1 < child.range.upperBound ? index + 1..<child.range.upperBound : nil
    }
    let report = try JSONDecoder().decode(
      WorkerReport.self, from: Data(try readFile(child.files + ".report")))
    outcome.executed += child.range.count
    outcome.report.accepted += report.accepted
    outcome.report.refused.merge(report.refused, uniquingKeysWith: +)
    outcome.report.growth = max(outcome.report.growth, report.growth)
    for (index, reason) in report.broken { try fail(index, reason, &outcome) }
    if report.growth > Self.allowedGrowth {
      outcome.failures.append(
        (child.range.lowerBound, "the heap grew by \(report.growth) bytes over \(child.range)"))
    }
    return nil
  }

  private func fail(_ index: Int, _ reason: String, _ outcome: inout Outcome) throws {
    mkdir(failureFolder, 0o755)
    let path = "\(failureFolder)/\(reader.rawValue)-\(index)"
    try writeFile(inputs.input(index), to: path)
    outcome.failures.append((index, "\(reason), input in \(path)"))
  }
}
