import Execution
import GraphIR
import Operators
import Planning
import Tensors

/// The model with what has been decided so far in place.
struct PartialRewrite: Sendable {
  let model: Model
  /// What stands for points that were replaced.
  private let standIns: [ValueID: ValueID]

  init(_ study: Study, _ choices: [Choice], _ updates: [WeightUpdate]) throws(Failure) {
    (model, standIns) = try study.replaced(choices, updates: updates)
  }

  /// What a value of the original is called here.
  func name(_ value: ValueID) -> String { model.graph[standIns[value] ?? value].name }
}

/// What the original has of some samples, for passes over the same ones.
final class OriginalValues {
  private(set) var values: [ValueID: Tensor] = [:]
  /// Bytes that further values may take.
  private var room: Int

  init(capacity: Int) { room = capacity }

  func add(_ tensor: Tensor, of value: ValueID) {
    guard tensor.byteCount <= room else { return }
    room -= tensor.byteCount
    values[value] = tensor
  }
}

/// Values of some samples on their way through the original and through the rewritten model.
struct Traveller {
  let inputs: [String: SampleRows]
  /// Where the values are, a value of the original; the model's inputs at first.
  private var place: ValueID?
  private var original: Tensor?
  private var rewritten: Tensor?

  /// What others like this one have found of the original.
  private let known: OriginalValues?

  /// Of the rewritten model's values: none as long as they are the model's inputs.
  var byteCount: Int { rewritten?.byteCount ?? 0 }

  init(_ samples: SampleSelection, limit: Int, known: OriginalValues?) {
    inputs = samples.first(limit).feeds
    self.known = known
  }

  /// Values that the original has, of all samples.
  func originals(_ values: [ValueID], _ study: Study) throws(Failure) -> [ValueID: Tensor] {
    var result: [ValueID: Tensor] = [:]
    for value in values { result[value] = value == place ? original : known?.values[value] }
    let rest = values.filter { result[$0] == nil }
    guard !rest.isEmpty else { return result }
    let graph = study.model.graph
    var feeds = inputs
    if let place, let original { feeds[graph[place].name] = SampleRows(original) }
    let executor = try study.executor(
      feeds: feeds.keys.sorted(), fetches: Set(rest.map { graph[$0].name }).sorted())
    let fetched = try study.reporting { try executor.run(samples: feeds) }
    for value in rest {
      let tensor = fetched[graph[value].name]!
      result[value] = tensor
      known?.add(tensor, of: value)
    }
    return result
  }

  /// Hands values that the rewritten model has to `work`, batch by batch, and what it gives to `merge`,
  /// in order.
  func forEachBatch<Result: Sendable>(
    of values: [ValueID], in rewrite: PartialRewrite, _ study: Study,
    work: @Sendable (Range<Int>, [ValueID: Tensor]) throws -> Result,
    merge: (Result) throws -> Void
  ) throws(Failure) {
    var feeds = inputs
    if let place, let rewritten { feeds[rewrite.name(place)] = SampleRows(rewritten) }
    let names = values.map { rewrite.name($0) }
    let executor = try study.executor(
      rewrite.model, feeds: feeds.keys.sorted(), fetches: Set(names).sorted())
    try study.reporting {
      try executor.forEachMicroBatch(
        feeds,
        work: { batch in
          let fetched = zip(values, names).map { ($0, batch.fetches[$1]!) }
          return try work(
            batch.samples, Dictionary(fetched, uniquingKeysWith: { first, _ in first }))
        }, merge: merge)
    }
  }

  /// A value that the rewritten model has, of all samples.
  func rewritten(
    _ value: ValueID, in rewrite: PartialRewrite, _ study: Study
  ) throws(Failure) -> Tensor {
    // A point that was passed over is called what the one before it is.
    if let place, let rewritten, rewrite.name(place) == rewrite.name(value) { return rewritten }
    var parts: [Tensor] = []
    try forEachBatch(of: [value], in: rewrite, study) { _, values in
      values[value]!
    } merge: {
      parts.append($0)
    }
    return Tensor.concatenating(parts)
  }

  /// Goes on from a value, given what both models have there.
  mutating func move(to value: ValueID, original: Tensor, rewritten: Tensor) {
    place = value
    self.original = original
    self.rewritten = rewritten
  }
}
