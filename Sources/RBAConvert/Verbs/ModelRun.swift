import ArrayFormats
import Execution
import Foundation
import GraphIR
import Tensors

/// Runs a model on data: the verb `run`.
public struct ModelRun: Sendable {
  /// The model to read.
  public var model: String
  /// What to feed.
  public var data: DataRequest
  /// An ONNX test_data_set folder to compare with.
  public var testSet: String?
  /// Of the comparison, relative to what the test set expects.
  public var relativeTolerance: Double
  /// Of the comparison, added to the relative one.
  public var absoluteTolerance: Double
  /// Where to write outputs, one .npy each.
  public var outputFolder: String?
  /// Whether files that stand there may be replaced.
  public var overwriting: Bool
  /// How often to run.
  public var repetitions: Int
  /// What the work may use.
  public var machine: Machine
  /// A folder to look for external data in, beside the model's own.
  public var externalDataDirectory: String?

  /// The work to do; nothing is read before `run`.
  public init(
    model: String, data: DataRequest, testSet: String?, relativeTolerance: Double,
    absoluteTolerance: Double, outputFolder: String?, overwriting: Bool, repetitions: Int,
    machine: Machine, externalDataDirectory: String? = nil
  ) {
    self.model = model
    self.data = data
    self.testSet = testSet
    self.relativeTolerance = relativeTolerance
    self.absoluteTolerance = absoluteTolerance
    self.outputFolder = outputFolder
    self.overwriting = overwriting
    self.repetitions = repetitions
    self.machine = machine
    self.externalDataDirectory = externalDataDirectory
  }

  /// Runs the model and writes what was asked for.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> RunReport {
    _ = try parseExtents(data.dimensions)
    let loaded = try LoadedModel(path: model, externalDataDirectory: externalDataDirectory)
    let files = try outputFiles(loaded)
    let feeds = try feeds(loaded, diagnostics)
    let options = ExecutionOptions(threads: machine.threads, maximumBytes: machine.maximumBytes)
    let executor: Executor
    var outputs: [String: Tensor] = [:]
    var seconds: [Double] = []
    do throws(ExecutionError) {
      executor = try Executor(model: loaded.model, options: options)
      for _ in 0..<repetitions {
        var clock = PhaseClock()
        outputs = try executor.run(feeds)
        clock.mark("run")
        seconds.append(clock.seconds["run"] ?? 0)
      }
    } catch { throw Failure(error, in: model) }
    var report = RunReport(
      outputs: executor.fetches.map { name in
        PortReport(
          name: name, type: outputs[name]!.elementType.description,
          shape: outputs[name]!.shape.map(String.init))
      }, secondsPerRun: seconds, peakBytes: peakResidentBytes(),
      threads: machine.threads ?? ProcessInfo.processInfo.activeProcessorCount,
      batch: feeds.values.first?.shape.first ?? 1)
    if let testSet {
      let error = try compare(outputs, executor.fetches, testSet)
      report.passed = error.isWithinTolerance
      report.maxAbsoluteError = error.largest
    }
    if let outputFolder { try write(outputs, files, outputFolder) }
    return report
  }

  private func feeds(
    _ loaded: LoadedModel, _ diagnostics: Diagnostics
  ) throws(Failure) -> [String: Tensor] {
    guard let testSet else {
      return try DataSupply(loaded: loaded, diagnostics: diagnostics)
        .samples(data, flag: "--inputs", defaultCount: 1).feeds
    }
    var result: [String: Tensor] = [:]
    for (index, input) in try loaded.inputs.enumerated() {
      result[input.name] = try readTensors("\(testSet)/input_\(index).pb")[0].tensor
    }
    return result
  }

  private func compare(
    _ outputs: [String: Tensor], _ names: [String], _ folder: String
  ) throws(Failure) -> (isWithinTolerance: Bool, largest: Double) {
    var (isWithinTolerance, largest) = (true, 0.0)
    for (index, name) in names.enumerated() {
      let path = "\(folder)/output_\(index).pb"
      let expected = try readTensors(path)[0].tensor
      let got = outputs[name]!
      guard got.elementType == expected.elementType, got.shape == expected.shape else {
        throw Failure(
          .malformedInput,
          "\(path): output '\(name)' is \(got.elementType)\(got.shape), "
            + "expected \(expected.elementType)\(expected.shape)")
      }
      guard let x = expected.floats, let y = got.floats else {
        isWithinTolerance = isWithinTolerance && expected.isIdentical(to: got)
        continue
      }
      for (a, b) in zip(x, y) {
        let error = a == b || (a.isNaN && b.isNaN) ? 0 : abs(Double(b) - Double(a))
        largest = max(largest, error.isNaN ? .infinity : error)
        if !(error <= absoluteTolerance + relativeTolerance * abs(Double(a))) {
          isWithinTolerance = false
        }
      }
    }
    return (isWithinTolerance, largest)
  }

  /// One file per output; an output's name is never used as a path.
  ///
  /// - Throws: `Failure` if one would replace what is read.
  private func outputFiles(
    _ loaded: LoadedModel
  ) throws(Failure) -> [(name: String, path: String)] {
    guard let outputFolder else { return [] }
    var inputs = InputFiles()
    inputs.add(model: model)
    inputs.add(partsOf: loaded)
    inputs.add(data)
    if let testSet { inputs.add(DataRequest(paths: [testSet])) }
    var seen: Set<String> = []
    let names = loaded.outputNames.filter { seen.insert($0).inserted }
    let files = zip(names, plainFileNames(names)).map { ($0, "\(outputFolder)/\($1).npy") }
    for (_, path) in files { try inputs.checkDistinct(path) }
    return files
  }

  /// Each file is whole or absent.
  private func write(
    _ outputs: [String: Tensor], _ files: [(name: String, path: String)], _ folder: String
  ) throws(Failure) {
    do throws(FileError) { try Folder.create(at: folder) } catch { throw Failure(error) }
    for (_, path) in files { try checkWritable(path, overwriting: overwriting) }
    for (name, path) in files {
      do throws(ArrayFormatError) {
        try NpyFile.write(outputs[name]!, path: path, overwriting: overwriting)
      } catch { throw Failure(error) }
    }
  }
}

/// File names for `names`, which come from a file and are never used as paths.
///
/// Anything but ASCII letters, digits, dashes, dots and underscores becomes an underscore, a dot does
/// not stand first, and 200 characters are kept; names that have become equal, for people who do not
/// tell capital letters too, are told apart by a number.
func plainFileNames(_ names: [String]) -> [String] {
  var taken: Set<String> = []
  var numbers: [String: Int] = [:]
  return names.map { name in
    var plain = String(
      name.unicodeScalars.prefix(200).map { scalar -> Character in
        let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.isDigit)
        return isPlain || "-_.".unicodeScalars.contains(scalar) ? Character(scalar) : "_"
      })
    if plain.isEmpty || plain.hasPrefix(".") { plain = "_" + plain }
    var result = plain
    while !taken.insert(result.lowercased()).inserted {
      let number = numbers[plain.lowercased(), default: 1] + 1
      numbers[plain.lowercased()] = number
      result = "\(plain)-\(number)"
    }
    return result
  }
}

extension Unicode.Scalar {
  fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
}
