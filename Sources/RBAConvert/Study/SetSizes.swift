import Foundation
import GraphIR
import ONNXFormat
import Planning
import Statistics
import Tensors

/// Sizes of the models that sets of spans leave, before they are fitted: parameters, or bytes of the
/// files that are written.
///
/// Bytes are what each node, weight and declaration takes in the file's format, and what metadata say;
/// they are right but for a few. A set that cannot be, because a span of it cannot be folded, saves
/// nothing.
final class SetSizes {
  private let selector: Selector
  /// What the files take with nothing replaced, written anew, and each part of the graph.
  private let whole: (byteCount: Int, parts: PartSizes)?
  private var added: [SpanSet.Member: Int] = [:]
  private var known: [SpanSet: Int] = [:]
  private var foldable: [CandidateSpan: Bool] = [:]

  /// What the lengths of messages around others may add.
  private static let slack = 16

  init(_ selector: Selector, _ goal: Goal) throws(Failure) {
    self.selector = selector
    if case .bytes = goal {
      let (study, output) = (selector.study, selector.written.output)
      whole = (
        try selector.written.byteCount(of: try study.rewritten([]).model, study.outline(of: [])),
        output.partSizes(of: study.model.graph)
      )
    } else {
      whole = nil
    }
  }

  /// Of the model that is left by a set, in the unit of the goal.
  func size(_ set: SpanSet) -> Int {
    if let size = known[set] { return size }
    let size: Int
    if set.members.contains(where: { !isPossible($0) }) {
      size = self.size(SpanSet())
    } else if let whole {
      size = bytes(set, of: whole.byteCount, whole.parts)
    } else {
      size = selector.parameters(set)
    }
    known[set] = size
    return size
  }

  private func isPossible(_ member: SpanSet.Member) -> Bool {
    guard member.form == .folded else { return true }
    if let answer = foldable[member.span] { return answer }
    let folding = FoldedFitting(
      study: selector.study, policy: selector.policy, memory: selector.memory)
    let answer = folding.canFold(member.span)
    foldable[member.span] = answer
    return answer
  }

  private func bytes(_ set: SpanSet, of whole: Int, _ parts: PartSizes) -> Int {
    guard !set.isEmpty else { return whole }
    let graph = selector.study.model.graph
    let removal = selector.removal(of: set)
    var size = saturatingSum(whole, Self.slack)
    for id in removal.nodes {
      size -= parts.nodes[id] ?? 0
      for case let output? in graph[id].outputs { size -= parts.declarations[output] ?? 0 }
    }
    for value in removal.initializers {
      size -= (parts.initializers[value] ?? 0) + (parts.declarations[value] ?? 0)
    }
    for member in set.members { size = saturatingSum(size, added(member)) }
    return saturatingSum(size, provenance(set) - provenance(SpanSet()))
  }

  private func provenance(_ set: SpanSet) -> Int {
    // What cannot be told here is told when it is written.
    (try? selector.written.provenanceByteCount(selector.study.outline(of: set.members))) ?? 0
  }

  /// What takes a span's place, and the other name that its readers read.
  private func added(_ member: SpanSet.Member) -> Int {
    if let count = added[member] { return count }
    let count = measure(member)
    added[member] = count
    return count
  }

  private func measure(_ member: SpanSet.Member) -> Int {
    let study = selector.study
    let stream = study.streams[member.span.stream]
    let (from, to) = (stream.points[member.span.from], stream.points[member.span.to])
    var graph = study.model.graph
    let start = (
      node: NodeID((graph.order.map(\.index).max() ?? -1) + 1), value: ValueID(graph.values.count)
    )
    let replacement = ReplaceSpanWithLinear(
      member.span, form: member.form, weights: .zeros(of: member.form, width: stream.width),
      mask: member.form == .context ? stream.mask : nil)
    let (old, readers) = (graph[to].name, graph[to].users.count)
    guard
      let (patch, result) = try? replacement.patch(
        reading: from, in: graph, study.streams, opset: study.opset),
      (try? graph.apply(patch)) != nil
    else {
      // What cannot be built is refused where it is fitted.
      return stream.byteCount(
        ofParameters: FitPolicy.searchedSize(member.form, width: stream.width))
    }
    let names = (graph[result].name.utf8.count - old.utf8.count) * readers
    return selector.written.output.partSizes(of: graph, from: start).total + names
  }
}

extension ReplacementWeights {
  /// As many numbers as a form has where sets of spans are searched.
  fileprivate static func zeros(of form: ReplacementForm, width: Int) -> ReplacementWeights {
    let rank = FitPolicy.searchedRank(width: width)
    func zeros(_ part: Part) -> [Float]? {
      form.count(of: part, width: width, rank: rank).map { [Float](repeating: 0, count: $0) }
    }
    return ReplacementWeights(
      weight: zeros(.weight), up: zeros(.up), context: zeros(.context), bias: zeros(.bias))
  }
}

extension Study {
  /// A plan without its numbers that says as much of the spans, and of their data, as one with them.
  func outline(of members: [SpanSet.Member]) -> ReplacementPlan {
    let points = Set(members.map(\.span.start)).sorted().map { start in
      let stream = streams[start.stream]
      return CalibrationSignature.Point(
        name: name(start),
        SampleProfile(
          width: stream.width, sampleCount: fit.count,
          means: Array(repeating: 0, count: 2 * stream.width),
          squares: Array(repeating: 0, count: 2 * stream.width)),
        // As long as numbers get: distances are estimates, and may be negative.
        heldDistance: -1.2345678806304932e-05)
    }
    return ReplacementPlan(
      model: String(repeating: "0", count: 64),
      spans: members.map { member in
        ReplacementPlan.Span(
          from: name(member.span.start), to: name(member.span.end),
          label: member.span.label(in: streams), form: member.form)
      }, calibration: members.isEmpty ? nil : CalibrationSignature(points: points))
  }
}

extension Selector {
  /// What a fitted set leaves, in the unit of the goal: exactly, but for numbers in metadata that may be
  /// shorter.
  func exactSize(
    _ choices: [Choice], _ updates: [WeightUpdate], _ goal: Goal
  ) throws(Failure) -> Int {
    if case .bytes = goal { return try byteCount(choices, updates) }
    if choices.isEmpty { return study.loaded.model.graph.parameterCount }
    return try study.rewritten(choices, updates: updates).model.graph.parameterCount
  }

  /// Bytes of the files once the model with these choices is written; of the original where there are
  /// none.
  func byteCount(_ choices: [Choice], _ updates: [WeightUpdate]) throws(Failure) -> Int {
    guard !choices.isEmpty else { return study.loaded.byteCount }
    let ordered = choices.sorted { ($0.span.stream, $0.span.from) < ($1.span.stream, $1.span.from) }
    return try written.byteCount(
      of: try study.rewritten(choices, updates: updates).model,
      study.outline(of: ordered.map { SpanSet.Member($0.span, $0.form) }))
  }
}
