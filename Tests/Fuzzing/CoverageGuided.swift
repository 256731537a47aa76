import Glibc

/// Lets libFuzzer choose the inputs by the code they reach, in a build that links it.
struct CoverageGuided {
  let reader: FuzzedReader
  let corpus: String
  let failures: String

  private typealias Callback = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
  private typealias Driver =
    @convention(c) (
      UnsafeMutablePointer<CInt>,
      UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>, Callback
    ) -> CInt

  /// Runs for some seconds; the process ends with libFuzzer's status.
  func run(seconds: Int) throws -> Never {
    guard let symbol = dlsym(nil, "LLVMFuzzerRunDriver") else {
      throw Fault("this build has no libFuzzer; use 'tools/fuzz --libfuzzer'")
    }
    mkdir(failures, 0o755)
    let found = "\(failures)/\(reader.rawValue)-corpus"
    mkdir(found, 0o755)
    let words = [
      CommandLine.arguments[0], "-max_total_time=\(seconds)", "-timeout=10", "-rss_limit_mb=4096",
      "-max_len=16384", "-artifact_prefix=\(failures)/\(reader.rawValue)-", "-print_final_stats=1",
      found, corpus,
    ]
    var count = CInt(words.count)
    let argv = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(
      capacity: words.count + 1)
    _ = argv.initialize(from: words.map { strdup($0) } + [nil])
    var start = argv.baseAddress
    state = (reader, try Scratch())
    exit(
      unsafeBitCast(symbol, to: Driver.self)(&count, &start) { bytes, count in
        let input = Array(UnsafeBufferPointer(start: bytes, count: count))
        let verdict = try? state!.reader.read(input, in: state!.folder)
        if case .broken(let reason) = verdict { fatalError(reason) }
        precondition(verdict != nil, "an error that is no refusal")
        return 0
      })
  }
}

/// What libFuzzer's callback works with, which takes no context; set once, before it is called.
nonisolated(unsafe) private var state: (reader: FuzzedReader, folder: Scratch)?
