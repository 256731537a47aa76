import Execution
import GraphIR
import Operators
import Planning
import Statistics
import Tensors

/// Refits the maps of several spans one after another, each on what the model computes once those
/// before it are in place, toward what the original computes.
///
/// Two sets of values travel through the model from span to span, the original's and the rewritten
/// model's, so that a refit costs two runs however many spans there are. Spans of streams that lie side
/// by side do not see one another's replacement.
struct SequentialFitting {
  let study: Study
  let policy: FitPolicy

  /// Bytes that travelling values may take; no more samples are used than fit.
  private static let activationBytes = 128 << 20
  /// Samples that are used however little fits.
  private static let fewestSamples = 16

  /// The same spans in the same forms, by position. Where values of several runs cannot be joined, the
  /// maps stay as they are.
  func refit(_ choices: [Choice]) throws(Failure) -> [Choice] {
    let ordered = choices.sorted { ($0.span.stream, $0.span.from) < ($1.span.stream, $1.span.from) }
    guard ordered.count > 1, study.batching != .pieces(of: study.batching.group) else {
      return ordered
    }
    var fit = Traveller(study.fit, limit: sampleLimit)
    var held = Traveller(study.held, limit: sampleLimit)
    var done: [Choice] = []
    for (index, choice) in ordered.enumerated() {
      study.diagnostics.progress("fitting in sequence", Double(index) / Double(ordered.count))
      let stream = study.streams[choice.span.stream]
      let source = study.name(choice.span.from, of: stream)
      let target = study.name(choice.span.to, of: stream)
      let fitRows = try fit.advance(from: source, to: target, study)
      let heldRows = try held.advance(from: source, to: target, study)
      var refitted = choice
      if choice.form != .identity {
        refitted = try policy.refit(
          choice, fitted: fitRows, fit.inputs, held: heldRows, held.inputs, study)
      }
      try fit.land(at: target, fitRows, refitted, study)
      try held.land(at: target, heldRows, refitted, study)
      done.append(refitted)
    }
    study.diagnostics.progress("fitting in sequence", 1)
    return done
  }

  private var sampleLimit: Int {
    // Two sets of values come in while two go out.
    let largest = study.streams.map(\.type.byteCount).max() ?? 1
    return max(Self.activationBytes / max(4 * largest, 1), Self.fewestSamples)
  }
}

/// Values of some samples on their way through the original and through the rewritten model.
private struct Traveller {
  let inputs: [String: SampleRows]
  /// Where the values are; the model's inputs at first.
  private var place: String?
  private var original: Tensor?
  private var rewritten: Tensor?

  init(_ samples: SampleSelection, limit: Int) { inputs = samples.first(limit).feeds }

  /// What the rewritten model has at the start of a span, and the original at its end.
  func advance(
    from source: String, to target: String, _ study: Study
  ) throws(Failure) -> (x: Tensor, y: Tensor) {
    guard let place, let original, let rewritten else {
      let values = try run([:], fetching: [source, target], study)
      return (values[source]!, values[target]!)
    }
    let x =
      source == place
      ? rewritten : try run([place: rewritten], fetching: [source], study)[source]!
    return (x, try run([place: original], fetching: [target], study)[target]!)
  }

  /// Goes on from the end of a span, which the choice now computes.
  mutating func land(
    at target: String, _ values: (x: Tensor, y: Tensor), _ choice: Choice, _ study: Study
  ) throws(Failure) {
    place = target
    original = values.y
    rewritten = try study.apply(choice, to: values.x, inputs)
  }

  private func run(
    _ values: [String: Tensor], fetching names: [String], _ study: Study
  ) throws(Failure) -> [String: Tensor] {
    let feeds = values.mapValues { SampleRows($0) }.merging(inputs) { first, _ in first }
    let executor = try study.executor(feeds: feeds.keys.sorted(), fetches: names)
    return try study.reporting { try executor.run(samples: feeds) }
  }
}
