import Execution
import Tensors

/// Samples to feed a model: one tensor per input, whose first axes run over the samples, or that are one
/// sample together.
struct SampleSet: Sendable {
  /// By input name.
  var feeds: [String: Tensor]
  /// Never fed.
  var labels: ClassLabels?
  /// Where they come from, for reports.
  var source: String
  var isSynthetic: Bool
  /// Whether the tensors are one sample, as a model without a batch axis takes it.
  var isSingle = false

  var count: Int { isSingle ? 1 : feeds.values.first?.shape.first ?? 0 }

  /// Some of the samples, in the order given.
  func selecting(_ indices: [Int]) -> SampleSet {
    guard !isSingle else { return self }
    var result = self
    result.feeds = feeds.mapValues { $0.gathering(indices) }
    result.labels = labels?.selecting(indices)
    return result
  }

  /// All of them.
  var all: SampleSelection { SampleSelection(samples: self, rows: Array(0..<count)) }
}

extension Failure {
  /// What ended a run of a model on samples. Where those are what a node or an input refuses, it says which
  /// they are.
  init(_ error: ExecutionError, in path: String, on samples: SampleSet) {
    self.init(error, in: path, fed: samples.isSynthetic ? nil : samples.source)
  }

  /// - Parameter source: where the data come from; `nil` where nobody gave them.
  init(_ error: ExecutionError, in path: String, fed source: String?) {
    let isOfData = [ExecutionError.Code.operatorFailed, .feedTypeMismatch].contains(error.code)
    guard isOfData, let source else {
      self.init(error, in: path)
      return
    }
    self.init(error, in: "\(path), run on \(source)")
  }
}

/// One class per sample.
struct ClassLabels: Sendable {
  private(set) var classes: [Int]
  /// The file that they are from, for errors.
  let path: String
  /// Where each stands there, counted from 0.
  private var places: [Int]
  /// The output that has scores for the classes; `nil` as long as none is known.
  private(set) var output: String?

  /// All of a file.
  init(classes: [Int], path: String) {
    self.classes = classes
    self.path = path
    places = Array(classes.indices)
  }

  /// Those of some samples, in the order given.
  func selecting(_ indices: [Int]) -> ClassLabels {
    var result = self
    result.classes = indices.map { classes[$0] }
    result.places = indices.map { places[$0] }
    return result
  }

  /// An output with one number for each of so many classes.
  struct Candidate {
    let output: String
    let classCount: Int
    /// Whether it is known to be scores.
    let isScores: Bool
  }

  /// The labels as those of the output that has a number for each of them, of those known to be scores where
  /// one of these has; where several have, of the one with fewest.
  ///
  /// - Throws: `Failure` naming the first sample whose class none has.
  func matched(with candidates: [Candidate]) throws(Failure) -> ClassLabels {
    let fitting = candidates.filter { firstBeyond($0.classCount) == nil }
    var result = self
    result.output =
      [fitting.filter(\.isScores), fitting].lazy
      .compactMap { $0.min { $0.classCount < $1.classCount } }.first?.output
    if result.output == nil,
      let most = candidates.max(by: { $0.classCount < $1.classCount }),
      let index = firstBeyond(most.classCount)
    {
      throw Failure(
        .malformedInput,
        "\(path): labels: expected classes from 0 to \(most.classCount - 1), as output "
          + "'\(most.output)' has them, got \(classes[index]) for sample \(places[index])")
    }
    return result
  }

  /// The first that is no class of so many.
  private func firstBeyond(_ classCount: Int) -> Int? {
    classes.firstIndex { !(0..<classCount).contains($0) }
  }

  /// Says so where no output has scores for the classes.
  func noteUse(_ diagnostics: Diagnostics) {
    guard output == nil else { return }
    diagnostics.note(
      "\(path): labels: no output is a score per class, [N, classes], so they decide nothing")
  }
}

extension Int {
  /// So many of `count` places, ascending: one of each of as many runs, evenly spread over data that is
  /// sorted and over data that repeats itself.
  ///
  /// The place in a run is a multiple of the golden ratio modulo 1: such are evenly spread over any
  /// arithmetic progression of runs (Weyl 1916), whatever the period of the data.
  func places(among count: Int) -> [Int] {
    let golden = (5.0.squareRoot() - 1) / 2
    let chosen = Swift.min(self, count)
    func start(_ run: Int) -> Int {
      chosen.dividingFullWidth(run.multipliedFullWidth(by: count)).quotient
    }
    return (0..<chosen).map { run in
      let end = start(run + 1)
      let place = (Double(run) * golden).truncatingRemainder(dividingBy: 1)
      return end - 1 - Int(place * Double(end - start(run)))
    }
  }
}
