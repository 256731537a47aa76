import ArgumentParser
import Glibc

/// Feeds the readers mutated files, and reports traps, hangs, leaks and what does not come back equal.
@main
struct Fuzz: ParsableCommand {
  @Option(help: "The reader to try; more than once for several. Default: all.")
  var reader: [FuzzedReader] = []

  @Option(help: "Inputs for each reader.")
  var iterations = 10_000

  @Option(help: "What the inputs follow from, with their index and the corpus.")
  var seed: UInt64 = 1

  @Option(help: "Processes at a time.")
  var jobs = sysconf(Int32(_SC_NPROCESSORS_ONLN))

  @Option(help: "Folder of seed files, a folder for each reader.")
  var corpus = "Tests/Fixtures/fuzzing"

  @Option(help: "Folder for inputs that fail.")
  var failures = ".cache/fuzzing"

  @Option(help: "Write the input at this index to standard output, and try it in this process.")
  var only: Int?

  @Argument(help: "Files to try in this process, instead of mutated ones.")
  var inputs: [String] = []

  @Option(help: .hidden) var worker: Int?
  @Option(help: .hidden) var files: String?

  @Option(help: "Let libFuzzer drive, in a build that has it; for so many seconds.")
  var libfuzzer: Int?

  func validate() throws {
    let isSingle = worker != nil || libfuzzer != nil || only != nil || !inputs.isEmpty
    if isSingle && reader.count != 1 { throw ValidationError("expected one --reader") }
    if libfuzzer != nil && reader[0].shape == .pair {
      throw ValidationError("\(reader[0]) is fed pairs of files, which libFuzzer does not make")
    }
    if iterations < 1 || jobs < 1 { throw ValidationError("expected a positive number") }
  }

  func run() throws {
    if let worker, let files {
      let reader = reader[0]
      let worker = Worker(
        reader: reader, inputs: try mutations(reader), range: worker..<iterations,
        progress: files + ".progress")
      return try worker.run(report: files + ".report")
    }
    if let seconds = libfuzzer {
      try CoverageGuided(reader: reader[0], corpus: "\(corpus)/\(reader[0])", failures: failures)
        .run(seconds: seconds)
    }
    if let only {
      let reader = reader[0]
      let input = try mutations(reader).input(only)
      guard writeAll(input, to: STDOUT_FILENO) else { throw Fault("cannot write the input") }
      let verdict = try reader.read(input, in: try Scratch())
      _ = writeAll(Array("\(verdict)\n".utf8), to: STDERR_FILENO)
      return
    }
    for input in inputs {
      show("\(input):", try reader[0].read(try readFile(input), in: try Scratch()))
    }
    guard inputs.isEmpty else { return }
    var failed = 0
    for reader in reader.isEmpty ? FuzzedReader.allCases : reader { failed += try campaign(reader) }
    if failed > 0 { throw ExitCode(1) }
  }

  /// Tries one reader and prints what came of it; returns the number of failures.
  private func campaign(_ reader: FuzzedReader) throws -> Int {
    let inputs = try mutations(reader)
    let campaign = Campaign(
      reader: reader, inputs: inputs, iterations: iterations, jobs: jobs,
      arguments: ["--seed", "\(seed)", "--corpus", corpus], failureFolder: failures)
    let clock = ContinuousClock()
    let start = clock.now
    let outcome = try campaign.run()
    let elapsed = clock.now - start
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    let percent = 1000 * outcome.report.accepted / max(outcome.executed, 1)
    show(
      outcome.failures.isEmpty ? "ok  " : "FAIL", reader,
      "\(outcome.executed) inputs of \(inputs.corpus.count) files, seed \(seed),",
      "\(Int(seconds.rounded())) s, \(Int(Double(outcome.executed) / max(seconds, 0.001)))/s,",
      "accepted \(percent / 10).\(percent % 10) %, heap grew by \(outcome.report.growth) bytes")
    let codes = outcome.report.refused.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    show("    ", codes.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    for (index, reason) in outcome.failures { show("    index \(index): \(reason)") }
    return outcome.failures.count
  }

  /// Prints a line at once.
  private func show(_ words: Any...) {
    let line = words.map { "\($0)" }.joined(separator: " ") + "\n"
    _ = writeAll(Array(line.utf8), to: STDOUT_FILENO)
  }

  private func mutations(_ reader: FuzzedReader) throws -> Inputs {
    let arrays = reader == .npz ? try seeds(of: .npy) : []
    return Inputs(reader.shape, corpus: try seeds(of: reader), arrays: arrays, seed: seed)
  }

  private func seeds(of reader: FuzzedReader) throws -> [[UInt8]] {
    let folder = "\(corpus)/\(reader.seeds.rawValue)"
    let seeds = try fileNames(in: folder).map { try readFile("\(folder)/\($0)") }
    guard !seeds.isEmpty else { throw Fault("no files in \(folder)") }
    guard reader.shape == .pair else { return seeds }
    return seeds.map { StoredArchive.encode([("input.onnx", $0), ("same.onnx", $0)]) }
  }
}
