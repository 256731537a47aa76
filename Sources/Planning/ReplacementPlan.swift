import FoundationEssentials
package import GraphIR

/// Which spans of which model are replaced by what: a document that people may edit.
///
/// Values are named, not numbered. Weights are little-endian float32 in base64, so that applying a
/// plan gives the same bytes wherever it is done.
package struct ReplacementPlan: Sendable, Hashable, Codable {
  /// One replacement.
  package struct Span: Sendable, Hashable, Codable {
    /// The names of the values h_from and h_to.
    package var from: String
    package var to: String
    /// What people call the span; for reading only.
    package var label: String
    package var form: ReplacementForm
    /// The ridge the weights were fitted with, relative to the Gram matrix's mean diagonal.
    package var ridge: Double?
    package var weights: ReplacementWeights?

    package init(
      from: String, to: String, label: String, form: ReplacementForm, ridge: Double? = nil,
      weights: ReplacementWeights? = nil
    ) {
      self.from = from
      self.to = to
      self.label = label
      self.form = form
      self.ridge = ridge
      self.weights = weights
    }
  }

  package static let currentSchema = "rba-convert/plan/1"

  package private(set) var schema = currentSchema
  /// The digest of the model's file.
  package var model: String
  package var spans: [Span]

  package init(model: String, spans: [Span]) {
    self.model = model
    self.spans = spans
  }

  /// Reads a document.
  ///
  /// - Throws: `PlanError` with `.malformed` or `.unknownSchema`.
  package init(json: [UInt8]) throws(PlanError) {
    struct Head: Decodable { let schema: String }
    do {
      let decoder = JSONDecoder()
      let head = try decoder.decode(Head.self, from: Data(json))
      guard head.schema == Self.currentSchema else {
        throw PlanError(
          .unknownSchema, path: "schema",
          "expected '\(Self.currentSchema)', got '\(head.schema)'")
      }
      self = try decoder.decode(Self.self, from: Data(json))
    } catch let error as PlanError {
      throw error
    } catch let error as DecodingError {
      throw PlanError(error)
    } catch {
      throw PlanError(.malformed, "cannot be read as JSON")
    }
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
      try span.checkWeights(width: streams[from.stream].width, path: path + ".weights")
      result.append(candidate)
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

extension ReplacementPlan.Span {
  /// Verifies that the weights are those the form takes.
  fileprivate func checkWeights(width: Int, path: String) throws(PlanError) {
    try check(weights?.weight, form.weightCount(width: width), path + ".weight")
    try check(weights?.bias, form.hasBias ? width : nil, path + ".bias")
  }

  private func check(_ values: [Float]?, _ count: Int?, _ path: String) throws(PlanError) {
    guard values?.count == count else {
      func text(_ count: Int?) -> String { count.map { "\($0) numbers" } ?? "none" }
      throw PlanError(
        .invalidWeights, path: path,
        "expected \(text(count)) for form '\(form.rawValue)', got \(text(values?.count))")
    }
    guard values?.allSatisfy(\.isFinite) ?? true else {
      throw PlanError(.invalidWeights, path: path, "has a number that is not finite")
    }
  }
}

extension ReplacementWeights: Codable {
  private enum CodingKeys: String, CodingKey { case bias, weight }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func floats(_ key: CodingKeys) throws -> [Float]? {
      guard let data = try container.decodeIfPresent(Data.self, forKey: key) else { return nil }
      guard data.count % 4 == 0 else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "expected whole float32 numbers")
      }
      let bytes = [UInt8](data)
      return stride(from: 0, to: bytes.count, by: 4).map { start in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
      }
    }
    self.init(weight: try floats(.weight), bias: try floats(.bias))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    func data(_ values: [Float]) -> Data {
      Data(values.flatMap { value in (0..<4).map { UInt8(value.bitPattern >> (8 * $0) & 0xff) } })
    }
    try container.encodeIfPresent(weight.map(data), forKey: .weight)
    try container.encodeIfPresent(bias.map(data), forKey: .bias)
  }
}

extension PlanError {
  /// The place and cause of a decoding fault.
  fileprivate init(_ error: DecodingError) {
    let (context, message): (DecodingError.Context, String) =
      switch error {
      case .keyNotFound(let key, let context): (context, "'\(key.stringValue)' is missing")
      case .typeMismatch(_, let context), .valueNotFound(_, let context),
        .dataCorrupted(let context):
        (
          context,
          context.debugDescription.prefix(1).lowercased()
            + context.debugDescription.dropFirst()
        )
      @unknown default:
        (DecodingError.Context(codingPath: [], debugDescription: ""), "cannot be read")
      }
    let path = context.codingPath.reduce(into: "") { path, key in
      if let index = key.intValue {
        path += "[\(index)]"
      } else {
        path += (path.isEmpty ? "" : ".") + key.stringValue
      }
    }
    self.init(.malformed, path: path, message)
  }
}
