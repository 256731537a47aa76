import Execution
import GraphIR
import Operators
import Planning
import Tensors

/// The way from where values are to others further on, in one of the two models that they travel
/// through. All travellers that are at one place go it with one executor.
struct Leg {
  let values: [ValueID]
  /// What the model calls them.
  fileprivate let names: [String]
  fileprivate let start: String?
  fileprivate let executor: Executor

  /// - Parameter place: where travellers are; the model's inputs where `nil`.
  init(
    from place: ValueID?, to values: ValueID..., in rewrite: PartialRewrite, _ study: Study
  ) throws(Failure) {
    self.values = values
    names = values.map { rewrite.name($0) }
    start = place.map { rewrite.name($0) }
    let feeds = Set(study.fit.feeds.keys).union(start.map { [$0] } ?? [])
    executor = try study.executor(
      rewrite.model, feeds: feeds.sorted(), fetches: Set(names).sorted())
  }
}

/// Values of some samples on their way through the original and through the rewritten model.
struct Traveller {
  let inputs: [String: SampleRows]
  /// Where the values are, a value of the original; the model's inputs at first.
  private(set) var place: ValueID?
  private var original: Tensor?
  private var rewritten: Tensor?

  /// What others like this one have found of the original.
  private let known: OriginalValues?

  /// Of the values that only this traveller has: none as long as they are the model's inputs.
  var byteCount: Int {
    let isShared = place.map { known?.values[$0] != nil } ?? true
    return (rewritten?.byteCount ?? 0) + (isShared ? 0 : original?.byteCount ?? 0)
  }

  init(_ samples: SampleSelection, known: OriginalValues?) {
    inputs = samples.feeds
    self.known = known
  }

  /// A value that the original has, where it is known without a run.
  func knownOriginal(_ value: ValueID) -> Tensor? {
    value == place ? original : known?.values[value]
  }

  /// The value that the original has at the end of a leg, of all samples.
  func original(on leg: Leg, _ study: Study) throws(Failure) -> Tensor {
    let value = leg.values[0]
    if let tensor = knownOriginal(value) { return tensor }
    let feeds = feeds(at: leg.start, original)
    let tensor = try study.reporting { try leg.executor.run(samples: feeds)[leg.names[0]]! }
    known?.add(tensor, of: value)
    return tensor
  }

  /// Hands values that the rewritten model has to `work`, batch by batch, and what it gives to `merge`,
  /// in order.
  func forEachBatch<Result: Sendable>(
    on leg: Leg, _ study: Study,
    work: @Sendable (Range<Int>, [ValueID: Tensor]) throws -> Result,
    merge: (Result) throws -> Void
  ) throws(Failure) {
    let (values, names) = (leg.values, leg.names)
    try study.reporting {
      try leg.executor.forEachMicroBatch(
        feeds(at: leg.start, rewritten),
        work: { batch in
          let fetched = zip(values, names).map { ($0, batch.fetches[$1]!) }
          return try work(
            batch.samples, Dictionary(fetched, uniquingKeysWith: { first, _ in first }))
        }, merge: merge)
    }
  }

  /// The value that the rewritten model has at the end of a leg, of all samples; where there is none to
  /// go, the one at hand.
  func rewritten(on leg: Leg?, _ study: Study) throws(Failure) -> Tensor {
    guard let leg else { return rewritten! }
    var parts: [Tensor] = []
    try forEachBatch(on: leg, study) { _, values in
      values[leg.values[0]]!
    } merge: {
      parts.append($0)
    }
    return Tensor.concatenating(parts)
  }

  private func feeds(at start: String?, _ tensor: Tensor?) -> [String: SampleRows] {
    guard let start, let tensor else { return inputs }
    return inputs.merging([start: SampleRows(tensor)]) { $1 }
  }

  /// Goes on from a value, given what both models have there; `nil` where the original's is not needed.
  mutating func move(to value: ValueID, original: Tensor?, rewritten: Tensor) {
    place = value
    self.original = original
    self.rewritten = rewritten
  }
}
