import FoundationEssentials
package import GraphIR
import Operators
import Tensors

/// Which spans of which model are replaced by what: a document that people may edit.
///
/// Values are named, not numbered. Weights are little-endian float32 in base64, so that applying a
/// plan gives the same bytes wherever it is done.
package struct ReplacementPlan: Sendable, Hashable, Encodable {
  /// One replacement.
  package struct Span: Sendable, Hashable, Encodable {
    /// The names of the values h_from and h_to.
    package var from: String
    package var to: String
    /// What people call the span; `from` and `to` decide.
    package var label: String
    package var form: ReplacementForm
    /// The ridge the weights were fitted with, relative to the Gram matrix's mean diagonal.
    package var ridge: Double?
    /// The model's input that tells tokens from padding, where the form takes a mean over tokens.
    package var mask: String?
    package var weights: ReplacementWeights?

    package init(
      from: String, to: String, label: String, form: ReplacementForm, ridge: Double? = nil,
      mask: String? = nil, weights: ReplacementWeights? = nil
    ) {
      self.from = from
      self.to = to
      self.label = label
      self.form = form
      self.ridge = ridge
      self.mask = mask
      self.weights = weights
    }
  }

  package static let currentSchema = "rba-convert/plan/1"

  package private(set) var schema = currentSchema
  /// The digest of the model's file.
  package var model: String
  package var spans: [Span]
  /// New numbers for weights that stay; applied before spans are replaced.
  package var updates: [WeightUpdate]
  /// A digest of the spans that the updates were solved for; `nil` where that is not known, or there are
  /// none.
  package internal(set) var updatesFor: String?
  /// What the data were like that the weights were fitted on.
  package var calibration: CalibrationSignature?

  package init(
    model: String, spans: [Span], updates: [WeightUpdate] = [],
    calibration: CalibrationSignature? = nil
  ) {
    self.model = model
    self.spans = spans
    self.updates = updates
    self.calibration = calibration
    if !updates.isEmpty { updatesFor = spans.digest }
  }

  /// The document, with keys in a fixed order.
  package func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self))
  }

  /// The spans among the streams of `graph`, in the plan's order.
  ///
  /// - Throws: `PlanError` with the place of the first fault.
  package func resolve(
    in graph: Graph, _ streams: [ResidualStream], digest: String
  ) throws(PlanError) -> [CandidateSpan] {
    guard model == digest else {
      throw PlanError(.otherModel, path: "model", "expected '\(digest)', got '\(model)'")
    }
    var result: [CandidateSpan] = []
    for (index, span) in spans.enumerated() {
      let path = "spans[\(index)]"
      let from = try Self.point(span.from, in: graph, streams, path: path + ".from")
      let to = try Self.point(span.to, in: graph, streams, path: path + ".to")
      guard from.stream == to.stream, from.index < to.index else {
        throw PlanError(
          .invalidSpan, path: path, "'\(span.to)' does not follow '\(span.from)' in one stream")
      }
      let candidate = CandidateSpan(stream: from.stream, from: from.index, to: to.index)
      if let other = result.firstIndex(where: { $0.overlaps(candidate) }) {
        throw PlanError(.overlap, path: path, "overlaps spans[\(other)]")
      }
      let stream = streams[from.stream]
      if let objection = span.form.objection(to: stream) {
        throw PlanError(.invalidWeights, path: path + ".form", objection)
      }
      try span.checkMask(of: stream, in: graph, path: path + ".mask")
      try span.checkWeights(of: stream, path: path + ".weights")
      result.append(candidate)
    }
    guard updates.isEmpty || updatesFor == nil || updatesFor == spans.digest else {
      throw PlanError(
        .invalidWeights, path: "updates",
        "were solved for other spans than these: take them out, and those weights stay and nothing is "
          + "folded, or convert with --spans to solve them anew")
    }
    return result
  }

  private static func point(
    _ name: String, in graph: Graph, _ streams: [ResidualStream], path: String
  ) throws(PlanError) -> (stream: Int, index: Int) {
    if let value = graph.value(named: name) {
      for (index, stream) in streams.enumerated() {
        if let point = stream.points.firstIndex(of: value) { return (index, point) }
      }
    }
    throw PlanError(.unknownPoint, path: path, "'\(name)' is no point of a residual stream")
  }
}

extension [ReplacementPlan.Span] {
  /// SHA-256, in hexadecimal, of all that decides what the spans compute, in whatever order they stand.
  fileprivate var digest: String {
    var digest = Digest()
    for span in sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) }) {
      // No name holds a zero.
      for text in [span.from, span.to, span.form.rawValue, span.mask ?? ""] {
        digest.update([UInt8](text.utf8) + [0])
      }
      for part in ReplacementWeights.Part.allCases {
        digest.update([UInt8]((span.weights?[part] ?? []).littleEndian))
      }
    }
    return digest.finish()
  }
}

extension ReplacementPlan.Span {
  /// Verifies that the mask is the stream's.
  fileprivate func checkMask(
    of stream: ResidualStream, in graph: Graph, path: String
  ) throws(PlanError) {
    guard let mask else { return }
    guard form == .context else {
      throw PlanError(.invalidWeights, path: path, "expected none for form '\(form.rawValue)'")
    }
    guard let known = stream.mask, graph[known].name == mask else {
      throw PlanError(
        .unknownPoint, path: path, "'\(mask)' is no input that masks the stream's tokens")
    }
  }

  /// Verifies that the weights are those the form takes, and numbers of the stream's type.
  fileprivate func checkWeights(of stream: ResidualStream, path: String) throws(PlanError) {
    let width = stream.width
    let weights = weights ?? .init()
    let rank = weights.rank(width: width)
    if form == .lowRank, let count = weights.weight?.count {
      guard (1...max(width, 1)).contains(rank), count == rank * width else {
        throw PlanError(
          .invalidWeights, path: path + ".weight",
          "expected from 1 to \(width) times \(width) numbers for form '\(form.rawValue)', "
            + "got \(count) numbers")
      }
    }
    for part in ReplacementWeights.Part.allCases {
      let expected = form.count(of: part, width: width, rank: max(rank, 1))
      try check(weights[part], expected, stream.type.elementType, "\(path).\(part.rawValue)")
    }
  }

  private func check(
    _ values: [Float]?, _ count: Int?, _ type: ElementType, _ path: String
  ) throws(PlanError) {
    guard values?.count == count else {
      func text(_ count: Int?) -> String { count.map { "\($0) numbers" } ?? "none" }
      throw PlanError(
        .invalidWeights, path: path,
        "expected \(text(count)) for form '\(form.rawValue)', got \(text(values?.count))")
    }
    guard let values else { return }
    _ = try values.rounded(to: type, shape: [values.count], path: path)
  }
}

extension ReplacementWeights: Encodable {
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Part.self)
    for part in Part.allCases {
      try container.encodeIfPresent(self[part]?.littleEndian, forKey: part)
    }
  }
}

extension WeightUpdate: Encodable {
  private enum CodingKeys: String, CodingKey { case values, weight }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(weight, forKey: .weight)
    try container.encode(values.littleEndian, forKey: .values)
  }
}

extension [Float] {
  /// The numbers in the type that a model keeps them in.
  ///
  /// - Throws: `PlanError` naming `path` where one is not finite, or beyond that type.
  func rounded(to type: ElementType, shape: [Int], path: String) throws(PlanError) -> Tensor {
    guard allSatisfy(\.isFinite) else {
      throw PlanError(.invalidWeights, path: path, "has a number that is not finite")
    }
    guard let tensor = Tensor(rounding: self, to: type, shape: shape),
      tensor.numbers?.allSatisfy(\.isFinite) ?? false
    else { throw PlanError(.invalidWeights, path: path, "has a number that is beyond \(type)") }
    return tensor
  }

  /// The numbers' bytes, which are written in base64.
  var littleEndian: Data {
    Data(flatMap { value in (0..<4).map { UInt8(value.bitPattern >> (8 * $0) & 0xff) } })
  }
}
