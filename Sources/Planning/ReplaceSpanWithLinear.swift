package import GraphIR

/// Replaces the work of a span by a map of its first point.
///
///     before: h_to = Add(h_from, branch(h_from))
///     after:  h_to = Add(MatMul(h_from, W), b)
///
/// What each form becomes is in `ReplacementBuilder`.
package struct ReplaceSpanWithLinear: Sendable {
  package static let name = "replace-span-with-linear"

  package let span: CandidateSpan
  package let form: ReplacementForm
  package let weights: ReplacementWeights
  /// The input that is zero at padding, where the form takes a mean over tokens.
  package let mask: ValueID?

  /// Weights are those that `form` takes at the stream's width, and the form takes the stream.
  package init(
    _ span: CandidateSpan, form: ReplacementForm, weights: ReplacementWeights = .init(),
    mask: ValueID? = nil
  ) {
    self.span = span
    self.form = form
    self.weights = weights
    self.mask = mask
  }

  /// The edit of `graph`, and the value that stands for h_to after it.
  ///
  /// - Parameters:
  ///   - source: stands for h_from; another value than the stream's point where that was replaced.
  ///   - streams: found in the graph before any replacement.
  ///   - opset: the imported version of the default operator set.
  package func patch(
    reading source: ValueID, in graph: Graph, _ streams: [ResidualStream], opset: Int
  ) throws(PlanError) -> (patch: GraphPatch, result: ValueID) {
    let stream = streams[span.stream]
    let target = stream.points[span.to]
    guard let anchor = graph.producer(of: target) else {
      throw PlanError(.invalidSpan, "no node computes '\(graph[target].name)'")
    }
    if let objection = form.objection(to: stream) {
      throw PlanError(.invalidSpan, objection)
    }
    var builder = ReplacementBuilder(
      patch: GraphPatch(Self.name, of: graph), anchor: anchor, stream: stream,
      weights: weights, stem: stem(in: streams), opset: opset)
    let source = builder.dequantized(source, in: graph) ?? source
    let result: ValueID
    if form == .identity || form == .folded {
      result =
        graph[target].outputCount == 0
        ? source : builder.insert("Identity", [source], suffix: "output")
    } else {
      result = try builder.apply(form, to: source, mask: mask)
    }
    builder.patch.replace(target, with: result)
    return (builder.patch, result)
  }

  private func stem(in streams: [ResidualStream]) -> String {
    let stream = streams[span.stream]
    let prefix = streams.count == 1 ? "rba.span" : "rba.stream_\(span.stream).span"
    return "\(prefix)_\(stream.label(of: span.from))_\(stream.label(of: span.to))"
  }
}

extension Graph {
  /// The node that quantises `value`, where that is all that becomes of it.
  func quantizer(of value: ValueID) -> NodeID? {
    guard let first = self[value].users.first, self[value].outputCount == 0,
      self[value].users.allSatisfy({ user in
        let node = self[user]
        return node.operatorType == "QuantizeLinear" && node.outputs.first ?? nil != nil
          && node.inputs[0] == value && !node.inputs.dropFirst().contains(value)
      })
    else { return nil }
    return first
  }

  /// What a replacement that starts at the point `value` reads: the point, or what dequantising it takes.
  func readings(of value: ValueID) -> [ValueID] {
    guard let id = quantizer(of: value), let quantized = self[id].outputs[0] else { return [value] }
    return [quantized] + self[id].inputs.dropFirst().compactMap(\.self)
  }

  /// Replaces spans that do not overlap, in order of position, and removes what nothing needs then.
  ///
  /// - Parameter opset: the imported version of the default operator set.
  /// - Returns: for each replaced point the value that stands for it now.
  /// - Throws: `PlanError` if the model's operator set is older than broadcasting or a patch fails;
  ///   the graph is then as it was.
  @discardableResult
  package mutating func replace(
    _ replacements: [ReplaceSpanWithLinear], _ streams: [ResidualStream], opset: Int
  ) throws(PlanError) -> [ValueID: ValueID] {
    guard opset >= 7 else {
      throw PlanError(.unsupportedModel, "expected operator set 7 or later, got \(opset)")
    }
    var copy = self
    var standIns: [ValueID: ValueID] = [:]
    let ordered = replacements.sorted {
      ($0.span.stream, $0.span.from) < ($1.span.stream, $1.span.from)
    }
    for replacement in ordered {
      let points = streams[replacement.span.stream].points
      let source = points[replacement.span.from]
      let (patch, result) = try replacement.patch(
        reading: standIns[source] ?? source, in: copy, streams, opset: opset)
      do throws(GraphError) { try copy.apply(patch) } catch {
        throw PlanError(.invalidSpan, error.message)
      }
      standIns[points[replacement.span.to]] = result
    }
    copy.removeDeadParts()
    self = copy
    return standIns
  }
}
