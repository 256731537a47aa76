import ArgumentParser
import RBAConvert

/// Options every verb has.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print one JSON document on standard output.")
  var json = false

  @Flag(name: .shortAndLong, help: "Say nothing but errors.")
  var quiet = false

  /// Notes go to standard error; progress too, if it is a terminal.
  var diagnostics: Diagnostics {
    guard !quiet else { return .silent }
    let showsProgress = Terminal.showsProgress
    return Diagnostics(
      note: { Terminal.complain("note: \($0)") },
      progress: { phase, fraction in
        guard showsProgress else { return }
        let line = fraction < 1 ? "\(phase) \(Format.percent(fraction))" : ""
        Terminal.showProgress(line)
      })
  }

  /// Says on standard error why the status is 1, whatever is said beside.
  func refuse(_ reason: String?) throws -> Never {
    Terminal.complain("rba-convert: error: \(reason ?? "not as asked for")")
    throw ExitCode(ExitStatus.refused.rawValue)
  }

  /// Prints a report as JSON, or the lines that show it to a person.
  func show(_ report: some Encodable, _ lines: @autoclosure () -> [String]) throws {
    if json {
      try Terminal.write(jsonDocument(report))
    } else if !quiet {
      for line in lines() { try Terminal.print(line) }
    }
  }
}

/// Options of verbs that read a model.
struct ModelOptions: ParsableArguments {
  @Option(help: "A folder to look for external data in, beside the model's own.")
  var externalDataDir: String?
}

/// Options of verbs that write a model and may move its weights.
struct PlacementOptions: ParsableArguments {
  @Option(
    help: "Where weights of an .onnx output go: keep, inline, or the name of a file beside it.")
  var externalData = "keep"
}

/// Options of verbs that run a model.
struct MachineOptions: ParsableArguments {
  @Option(help: "Worker threads. The result is the same for any number. Default: all cores.")
  var threads: Int?

  @Option(
    help: """
      Bytes that intermediate results may take, such as 2G; where maps are fitted, half of them is \
      for that and half for moments. Default: the machine's memory, and 256Mi for moments.
      """)
  var maxMemory: ByteCount?

  var machine: Machine { Machine(threads: threads, maximumBytes: maxMemory?.value) }

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads: expected a number from 1 to 1024, got \(threads)")
    }
  }
}

/// Options that say where data comes from and how it is fed.
struct DataOptions: ParsableArguments {
  @Option(help: "Use at most this many samples, spread evenly over those given.")
  var samples: Int?

  @Option(help: "Seed of synthetic data; without effect where data are given.")
  var seed: UInt64 = 0

  @Option(
    help: """
      Extent of a dimension parameter of the model's inputs, as name=number; that of data given comes \
      first, and the first axis is that of the samples.
      """)
  var dim: [String] = []

  func request(
    _ paths: [String], labels: LabelOptions? = nil, statistics: String? = nil
  ) -> DataRequest {
    DataRequest(
      paths: paths, labels: labels?.labels, maximumSamples: samples, seed: seed, dimensions: dim,
      statistics: statistics)
  }

  func validate() throws {
    if let samples, samples < 1 {
      throw ValidationError("--samples: expected a positive number, got \(samples)")
    }
  }
}

/// Of verbs that count accuracy.
struct LabelOptions: ParsableArguments {
  @Option(help: "Integer class labels of the data given: .npy, .npz or .safetensors. Never fed.")
  var labels: String?
}

/// A number of bytes with an optional decimal (k, M, G) or binary (Ki, Mi, Gi) prefix.
struct ByteCount: ExpressibleByArgument {
  let value: Int

  init?(argument: String) {
    let units: [(String, Int)] = [
      ("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("k", 1000), ("K", 1000), ("M", 1_000_000),
      ("G", 1_000_000_000),
    ]
    let text = argument.hasSuffix("B") ? String(argument.dropLast()) : argument
    let unit = units.first { text.hasSuffix($0.0) }
    let digits = text.dropLast(unit?.0.count ?? 0)
    guard let number = Int(digits), number > 0 else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
    guard !overflow else { return nil }
    value = product
  }
}
