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

  /// The work to do; nothing is read before `run`.
  public init(
    model: String, data: DataRequest, testSet: String?, relativeTolerance: Double,
    absoluteTolerance: Double, outputFolder: String?, overwriting: Bool, repetitions: Int,
    machine: Machine
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
  }

  /// Runs the model and writes what was asked for.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> RunReport {
    let loaded = try LoadedModel(path: model)
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
    if let outputFolder { try write(outputs, executor.fetches, outputFolder) }
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

  /// One file per output. An output's name is never used as a path: anything but ASCII letters, digits,
  /// dots, dashes and underscores becomes an underscore.
  private func write(
    _ outputs: [String: Tensor], _ names: [String], _ folder: String
  ) throws(Failure) {
    var isDirectory: ObjCBool = false
    if !FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory) {
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
      } catch { throw Failure(.cannotCreate, "\(folder): cannot create the folder") }
    } else if !isDirectory.boolValue {
      throw Failure(.cannotCreate, "\(folder): expected a folder, got a file")
    }
    for name in names {
      let plain = name.map { character in
        let isPlain = character.isASCII && (character.isLetter || character.isNumber)
        return isPlain || "-_.".contains(character) ? character : "_"
      }
      let file = plain.first == "." ? "_" + String(plain) : String(plain)
      do throws(ArrayFormatError) {
        try NpyFile.write(outputs[name]!, path: "\(folder)/\(file).npy", overwriting: overwriting)
      } catch { throw Failure(.cannotCreate, "\(error)") }
    }
  }
}
