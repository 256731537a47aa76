import Execution
import GraphIR
import Operators
import Statistics
import Tensors

/// Compares the outputs of two models numerically: the verb `verify`.
public struct Verification: Sendable {
  /// The original model.
  public var a: String
  /// The model compared with it.
  public var b: String
  /// What to feed.
  public var data: DataRequest
  /// The largest relative error of an output that passes.
  public var maximumError: Double
  /// The smallest share of samples with the same largest class that passes.
  public var minimumAgreement: Double?
  /// What the work may use.
  public var machine: Machine
  /// A folder to look for external data of both in, beside their own.
  public var externalDataDirectory: String?

  private static let defaultSamples = 16

  /// The work to do; nothing is read before `run`.
  public init(
    a: String, b: String, data: DataRequest, maximumError: Double, minimumAgreement: Double?,
    machine: Machine, externalDataDirectory: String? = nil
  ) {
    self.a = a
    self.b = b
    self.data = data
    self.maximumError = maximumError
    self.minimumAgreement = minimumAgreement
    self.machine = machine
    self.externalDataDirectory = externalDataDirectory
  }

  /// Runs both models on the same data and compares their outputs.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> VerifyReport {
    let extents = try parseExtents(data.dimensions)
    try data.checkLabels(flag: "--inputs")
    guard maximumError >= 0 else {
      throw Failure(.usage, "--max-error: expected a number from 0, got \(maximumError)")
    }
    if let share = minimumAgreement, !(0...1).contains(share) {
      throw Failure(.usage, "--min-agreement: expected a number from 0 to 1, got \(share)")
    }
    let first = try LoadedModel(path: a, externalDataDirectory: externalDataDirectory)
    let second = try LoadedModel(path: b, externalDataDirectory: externalDataDirectory)
    try first.checkDimensions(extents)
    try checkInterfaces(first, second)
    let statistics = try data.statistics.map { path throws(Failure) in
      try StatisticsFile(path: path, of: first)
    }
    let samples = try DataSupply(loaded: first, diagnostics: diagnostics).samples(
      data, flag: "--inputs", defaultCount: Self.defaultSamples)
    let original = try outputs(first, samples)
    let labels = try matched(samples, original, in: first.model.graph)
    labels?.noteUse(diagnostics)
    let measurement = try Measurement(
      original, try outputs(second, samples), names: first.outputNames, labels: labels)
    try measurement.checkFinite(of: a, samples, diagnostics)
    if minimumAgreement != nil, measurement.outputs.allSatisfy({ $1.top1Agreement == nil }) {
      throw Failure(
        .usage,
        "--min-agreement: no output of \(a) is a score per class, [N, classes], with finite numbers"
      )
    }
    let refusal = measurement.outputs.compactMap { name, comparison in
      self.refusal(of: name, comparison)
    }.first
    let isEqual = measurement.outputs.allSatisfy { $0.comparison.maxAbsoluteError == 0 }
    return VerifyReport(
      samples: samples.count, synthetic: samples.isSynthetic, outputs: measurement.reports,
      accuracy: measurement.accuracy,
      firstDivergence: isEqual ? nil : try firstDivergence(first, second, samples),
      domainShift: try domainShift(
        first, second, samples, diagnostics, statistics: statistics),
      passed: refusal == nil, refusal: refusal)
  }

  /// The samples' labels with the output that has scores for them.
  private func matched(
    _ samples: SampleSet, _ outputs: [String: Tensor], in graph: Graph
  ) throws(Failure) -> ClassLabels? {
    try samples.labels?.matched(
      with: graph.outputs.compactMap { value in
        ClassLabels.Candidate(
          value, outputs[graph[value].name].map { ArrayType($0) }, batch: samples.count, in: graph)
      })
  }

  /// Which bound an output does not keep, if there is one.
  private func refusal(of name: String, _ comparison: OutputComparison) -> String? {
    guard !comparison.isBroken else {
      return "output '\(name)' has a NaN or an infinity in one of the models alone"
    }
    guard comparison.relativeError <= maximumError else {
      return "output '\(name)' has a relative error of \(comparison.relativeError), "
        + "the limit is \(maximumError)"
    }
    guard let agreement = comparison.top1Agreement, let least = minimumAgreement,
      !(agreement >= least)
    else { return nil }
    return "output '\(name)' has a top-1 agreement of \(agreement), the limit is \(least)"
  }

  private func outputs(
    _ loaded: LoadedModel, _ samples: SampleSet, fetches: [String]? = nil
  ) throws(Failure) -> [String: Tensor] {
    do throws(ExecutionError) {
      return try Executor(
        model: loaded.model, fetches: fetches,
        options: ExecutionOptions(threads: machine.threads, maximumBytes: machine.maximumBytes)
      ).run(samples.feeds)
    } catch { throw Failure(error, in: loaded.path, on: samples) }
  }

  /// Both must take and give values of the same names and types.
  private func checkInterfaces(_ first: LoadedModel, _ second: LoadedModel) throws(Failure) {
    let (x, y) = (try first.inputs, try second.inputs)
    guard Set(x.map(\.name)) == Set(y.map(\.name)) else {
      throw Failure(
        .malformedInput, "\(b): expected the inputs of \(a), \(list(x)), got \(list(y))")
    }
    for input in x {
      let other = y.first { $0.name == input.name }!
      guard input.type.isCompatible(with: other.type) else {
        throw Failure(
          .malformedInput,
          "\(b): input '\(input.name)': expected \(input.description) as in \(a), "
            + "got \(other.description)")
      }
    }
    let missing = first.outputNames.filter { !second.outputNames.contains($0) }
      .map { "'\($0)'" }
    guard missing.isEmpty else {
      throw Failure(
        .malformedInput,
        "\(b): expected the outputs of \(a), has no \(missing.joined(separator: ", "))")
    }
  }

  private func list(_ inputs: [ModelInput]) -> String {
    inputs.map { "'\($0.name)' \($0.description)" }.joined(separator: ", ")
  }

  /// The first value that both graphs compute under one name and that differs, for one sample.
  private func firstDivergence(
    _ first: LoadedModel, _ second: LoadedModel, _ samples: SampleSet
  ) throws(Failure) -> String? {
    let sample = samples.selecting([0])
    let graph = first.model.graph
    let other = second.model.graph
    let shared = graph.order.flatMap { graph[$0].outputs.compactMap(\.self) }
      .filter { graph.constant($0) == nil }.map { graph[$0].name }
      .filter { other.value(named: $0).flatMap(other.producer(of:)) != nil }
    let x = try outputs(first, sample, fetches: shared)
    let y = try outputs(second, sample, fetches: shared)
    return shared.first { name in
      guard let a = x[name], let b = y[name] else { return false }
      return !a.isIdentical(to: b)
    }
  }
}

extension TensorType {
  /// Whether some tensor is of both types.
  fileprivate func isCompatible(with other: TensorType) -> Bool {
    guard elementType == other.elementType else { return false }
    guard let shape, let otherShape = other.shape else { return true }
    return shape.count == otherShape.count
      && zip(shape, otherShape).allSatisfy { a, b in
        if case .size(let x) = a, case .size(let y) = b { x == y } else { true }
      }
  }
}
