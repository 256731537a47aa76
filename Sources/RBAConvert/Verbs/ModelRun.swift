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
    let extents = try parseExtents(data.dimensions)
    let loaded = try LoadedModel(path: model, externalDataDirectory: externalDataDirectory)
    try loaded.checkDimensions(extents)
    let files = try outputFiles(loaded)
    let feeds = try feeds(loaded, diagnostics)
    let options = ExecutionOptions(threads: machine.threads, maximumBytes: machine.maximumBytes)
    let graph = loaded.model.graph
    let executor: Executor
    var outputs: [String: RuntimeValue] = [:]
    var seconds: [Double] = []
    do throws(ExecutionError) {
      executor = try Executor(
        model: loaded.model, feeds: graph.inputs.map { graph[$0].name }.filter { feeds[$0] != nil },
        options: options)
      for _ in 0..<repetitions {
        var clock = PhaseClock()
        outputs = try evaluate(executor, feeds, graph)
        clock.mark("run")
        seconds.append(clock.seconds["run"] ?? 0)
      }
    } catch {
      let source = testSet ?? (data.paths.isEmpty ? nil : data.paths.joined(separator: ", "))
      throw Failure(error, in: model, fed: source)
    }
    let types = graph.outputs.map { graph[$0].declaration?.type }
    var report = RunReport(
      outputs: zip(executor.fetches, types).map { name, type in
        PortReport(name: name, outputs[name]!, declared: type)
      }, secondsPerRun: seconds, peakBytes: peakResidentBytes(),
      threads: machine.threads ?? ProcessInfo.processInfo.activeProcessorCount,
      batch: batch(executor.feeds.compactMap { feeds[$0] }))
    if let testSet {
      var comparison = TestSetComparison(
        relativeTolerance: relativeTolerance, absoluteTolerance: absoluteTolerance)
      for (index, name) in executor.fetches.enumerated() {
        let expected = try TestSet(folder: testSet).output(index, as: types[index])
        try comparison.compare(
          outputs[name]!, with: expected.value, "\(expected.path): output '\(name)'")
      }
      report.passed = comparison.isWithinTolerance
      report.maxAbsoluteError = comparison.largestError
      if !comparison.isWithinTolerance {
        report.refusal =
          "the outputs are not within \(absoluteTolerance) + \(relativeTolerance) · |expected| of those "
          + "in \(testSet): the largest error is \(comparison.largestError)"
      }
    }
    if let outputFolder { try write(outputs, files, outputFolder) }
    return report
  }

  private func feeds(
    _ loaded: LoadedModel, _ diagnostics: Diagnostics
  ) throws(Failure) -> [String: RuntimeValue] {
    if let testSet { return try TestSet(folder: testSet).inputs(of: loaded.model.graph) }
    var data = data
    data.readsLabels = false
    return try DataSupply(loaded: loaded, diagnostics: diagnostics)
      .samples(data, flag: "--inputs", defaultCount: defaultCount(loaded)).feeds
      .mapValues { .tensor($0) }
  }

  /// One sample, or as many as a batch has where all must run at once.
  private func defaultCount(_ loaded: LoadedModel) -> Int {
    let graph = loaded.model.graph
    let areTensors = graph.outputs.allSatisfy { graph[$0].declaration?.type?.tensor != nil }
    guard !areTensors, case .size(let size)? = loaded.tensorInputs.first?.type.shape?.first else {
      return 1
    }
    return max(size, 1)
  }

  /// Samples run side by side where all that goes in and comes out is tensors.
  private func evaluate(
    _ executor: Executor, _ feeds: [String: RuntimeValue], _ graph: Graph
  ) throws(ExecutionError) -> [String: RuntimeValue] {
    var tensors: [String: Tensor] = [:]
    for case (let name, .tensor(let tensor)) in feeds { tensors[name] = tensor }
    let types = graph.outputs.compactMap { graph[$0].declaration?.type }
    if tensors.count == feeds.count, types.allSatisfy({ $0.tensor != nil }) {
      do throws(ExecutionError) {
        return try executor.run(tensors).mapValues { .tensor($0) }
      } catch  where error.code == .unsupportedFetch {
        // An output without a declared type turned out to be no tensor.
      }
    }
    return try executor.evaluate(values: feeds)
  }

  /// The length of the first axis of the first input that is a tensor and has one.
  private func batch(_ feeds: [RuntimeValue]) -> Int {
    for case .tensor(let tensor) in feeds where !tensor.shape.isEmpty { return tensor.shape[0] }
    return 1
  }

  /// One file per output; an output's name is never used as a path.
  ///
  /// - Throws: `Failure` if one would replace what is read, or an output is declared as no tensor.
  private func outputFiles(
    _ loaded: LoadedModel
  ) throws(Failure) -> [(name: String, path: String)] {
    guard let outputFolder else { return [] }
    let graph = loaded.model.graph
    for output in graph.outputs {
      if let type = graph[output].declaration?.type, type.tensor == nil {
        throw notWritable(graph[output].name, type.specificationName)
      }
    }
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

  private func notWritable(_ name: String, _ type: String) -> Failure {
    Failure(
      .malformedInput,
      "\(model): output '\(name)': expected a tensor, as .npy files hold, got \(type)")
  }

  /// Each file is whole or absent.
  private func write(
    _ outputs: [String: RuntimeValue], _ files: [(name: String, path: String)], _ folder: String
  ) throws(Failure) {
    var tensors: [(tensor: Tensor, path: String)] = []
    for (name, path) in files {
      guard case .tensor(let tensor)? = outputs[name] else {
        throw notWritable(name, outputs[name]?.specificationName ?? "nothing")
      }
      tensors.append((tensor, path))
    }
    do throws(FileError) { try Folder.create(at: folder) } catch { throw Failure(error) }
    for (_, path) in files { try checkWritable(path, overwriting: overwriting) }
    for (tensor, path) in tensors {
      do throws(ArrayFormatError) {
        try NpyFile.write(tensor, path: path, overwriting: overwriting)
      } catch { throw Failure(error) }
    }
  }
}
