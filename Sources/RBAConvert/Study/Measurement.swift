import Execution
import GraphIR
import Operators
import Planning
import Statistics
import Tensors

/// How the outputs of a model compare with the original's on some samples.
struct Measurement: Sendable {
  /// In the order of the original's outputs.
  var outputs: [(name: String, comparison: OutputComparison)] = []
  /// Of the original's outputs over all samples, by name, where they are known.
  private let means: [String: [Double]]

  /// Compares outputs that both models gave, sample by sample.
  ///
  /// - Throws: `Failure` where shapes differ.
  init(
    _ a: [String: Tensor], _ b: [String: Tensor], names: [String], labels: ClassLabels?,
    means: [String: [Double]] = [:]
  ) throws(Failure) {
    self.init(means: means)
    try add(a, b, names: names, labels: labels)
  }

  /// Nothing compared yet.
  ///
  /// - Parameter means: of the original's outputs over all samples to come, where they are known.
  init(means: [String: [Double]] = [:]) { self.means = means }

  /// Adds the outputs of further samples, and their classes where those are known.
  ///
  /// - Throws: `Failure` where shapes differ.
  mutating func add(
    _ a: [String: Tensor], _ b: [String: Tensor], names: [String], labels: ClassLabels?
  ) throws(Failure) {
    for (index, name) in names.enumerated() {
      guard let x = a[name], let y = b[name] else {
        throw Failure(.malformedInput, "output '\(name)' is not in both models")
      }
      if index == outputs.count {
        let comparison = OutputComparison(
          countsClasses: ArrayType(x).isClassScores, knownMeans: means[name])
        outputs.append((name, comparison))
      }
      try outputs[index].comparison.add(x, y, labels: labels, name: name)
    }
  }

  var reports: [OutputReport] {
    outputs.map { name, comparison in
      OutputReport(
        name: name, maxAbsoluteError: comparison.maxAbsoluteError,
        meanAbsoluteError: comparison.meanAbsoluteError, relativeError: comparison.relativeError,
        cosine: comparison.cosine, top1Agreement: comparison.top1Agreement,
        minimumTolerance: comparison.minimumTolerance)
    }
  }

  /// Says which outputs of the original have no finite number.
  ///
  /// - Throws: `Failure` where that is so of all of them: nothing is compared then.
  func checkFinite(
    of path: String, _ samples: SampleSet, _ diagnostics: Diagnostics
  ) throws(Failure) {
    let empty = outputs.filter { !$0.comparison.hasFiniteValues }
    guard !empty.isEmpty else { return }
    let names = empty.map { "'\($0.name)'" }.joined(separator: ", ")
    guard empty.count < outputs.count else {
      throw Failure(
        .malformedInput,
        "\(samples.source): expected data for which \(path) gives finite numbers, got none in output "
          + names)
    }
    diagnostics.note(
      "\(path) gives no finite number in output \(names): it tells nothing of what is lost")
  }

  /// Label accuracy at the first output that has class scores.
  var accuracy: AccuracyReport? {
    outputs.lazy.compactMap(\.comparison.accuracy).first.map { AccuracyReport(a: $0.a, b: $0.b) }
  }

  /// The mean over outputs of their relative errors.
  var damage: Double {
    outputs.reduce(0) { $0 + $1.comparison.relativeError } / Double(max(outputs.count, 1))
  }
}

extension Failure {
  /// An output of the original that another model gives in another type or shape.
  init(output name: String, _ type: ArrayType, became other: ArrayType) {
    self.init(
      .malformedInput,
      "output '\(name)': expected \(type.elementType)\(type.shape) from both models, "
        + "got \(other.elementType)\(other.shape) from the second")
  }
}

extension ArrayType {
  /// Whether it is [N, classes], one score per class.
  var isClassScores: Bool {
    shape.count == 2 && shape[1] > 1 && elementType.isFloatingPoint
  }
}

extension ClassLabels.Candidate {
  /// - Returns: `nil` where a value of `graph` has no number for each class of each of `batch` samples.
  init?(_ value: ValueID, _ type: ArrayType?, batch: Int, in graph: Graph) {
    guard let type, type.isClassScores, type.shape[0] == batch else { return nil }
    self.init(
      output: graph[value].name, classCount: type.shape[1], isScores: graph.isClassScores(value))
  }
}

extension Tensor {
  /// The mean of each element over the samples, which the first axis runs over, of its finite values; `nil`
  /// of what has no numbers.
  var sampleMeans: [Double]? {
    guard let values = floats, let samples = shape.first, samples > 0 else { return nil }
    let size = values.count / samples
    var sums = [Double](repeating: 0, count: size)
    var counts = sums
    for sample in 0..<samples {
      for index in 0..<size where values[sample * size + index].isFinite {
        sums[index] += Double(values[sample * size + index])
        counts[index] += 1
      }
    }
    return zip(sums, counts).map { sum, count in count > 0 ? sum / count : 0 }
  }
}

extension OutputComparison {
  /// Adds an output of both models, whose first axis runs over samples.
  fileprivate mutating func add(
    _ a: Tensor, _ b: Tensor, labels: ClassLabels?, name: String
  ) throws(Failure) {
    guard a.elementType == b.elementType, a.shape == b.shape else {
      throw Failure(output: name, ArrayType(a), became: ArrayType(b))
    }
    guard let x = a.floats, let y = b.floats else {
      throw Failure(
        .malformedInput, "output '\(name)': cannot compare elements of type \(a.elementType)")
    }
    let samples = a.shape.first ?? 1
    let size = samples == 0 ? 0 : x.count / samples
    if samples > 0, let others = elementsPerSample, others != size {
      throw Failure(
        .malformedInput,
        "output '\(name)': expected \(others) numbers for each sample as for those before, got \(size)"
      )
    }
    let labels = labels?.output == name ? labels : nil
    for sample in 0..<samples {
      let range = sample * size..<(sample + 1) * size
      add(x[range], y[range], label: labels?.classes[sample])
    }
  }
}

extension Study {
  /// The original against another model, on held-out data.
  func compare(with other: RewrittenModel) throws(Failure) -> Measurement {
    let executor = try executor(other.model, fetches: Array(Set(other.compared)).sorted())
    let names = zip(outputNames, other.compared)
    let labels = held.labels
    var result = Measurement(means: heldOutputs.means)
    try reporting {
      try forEachBatch(
        of: held, executor,
        work: { batch, range in
          (
            range, try heldOutputs.outputs(for: batch),
            Dictionary(uniqueKeysWithValues: names.map { ($0, batch.fetches[$1]!) })
          )
        },
        merge: { samples, a, b in
          try result.add(
            a, b, names: outputNames, labels: labels?.selecting(Array(samples)))
        })
    }
    return result
  }
}
