/// Spans that do not touch, each with the form that takes its place.
///
/// Where two replaced spans touch they are one: nothing lies between them that could use the point
/// where they meet, and one map from the first point to the last is at least as good as two.
package struct SpanSet: Sendable, Hashable {
  /// A span and the form of its replacement.
  package struct Member: Sendable, Hashable {
    package let span: CandidateSpan
    package let form: ReplacementForm

    package init(_ span: CandidateSpan, _ form: ReplacementForm) {
      self.span = span
      self.form = form
    }
  }

  /// By stream and position.
  package let members: [Member]

  /// Nothing is replaced.
  package init() { members = [] }

  /// Members that overlap or touch are joined; the form of the most parameters is the whole's.
  package init(_ members: some Sequence<Member>) {
    var result: [Member] = []
    for member in members.sorted(by: { $0.span.isBefore($1.span) }) {
      guard let last = result.last, last.span.stream == member.span.stream,
        member.span.from <= last.span.to
      else {
        result.append(member)
        continue
      }
      let span = CandidateSpan(
        stream: last.span.stream, from: last.span.from, to: max(last.span.to, member.span.to))
      let isRicher = Self.richness(member.form) > Self.richness(last.form)
      result[result.count - 1] = Member(span, isRicher ? member.form : last.form)
    }
    self.members = result
  }

  /// Parameters that a form has at one width and rank: they order forms alike at any usual ones.
  private static func richness(_ form: ReplacementForm) -> Int {
    form.parameterCount(width: 64, rank: 8)
  }

  package var isEmpty: Bool { members.isEmpty }

  /// Whether the step between points `step` and `step + 1` is replaced.
  package func covers(_ step: Int, of stream: Int) -> Bool {
    members.contains { $0.span.stream == stream && $0.span.from <= step && step < $0.span.to }
  }

  /// The set with one more step replaced: part of the span it touches, or a span of its own.
  package func adding(
    _ step: Int, of stream: Int, as form: ReplacementForm = .identity
  ) -> SpanSet {
    SpanSet(members + [Member(CandidateSpan(stream: stream, from: step, to: step + 1), form)])
  }

  /// The set in which the member has another form.
  package func changing(_ member: Member, to form: ReplacementForm) -> SpanSet {
    SpanSet(members.map { $0 == member ? Member($0.span, form) : $0 })
  }

  /// The set with one step kept again: its span becomes shorter, falls in two, or goes.
  package func keeping(_ step: Int, of stream: Int) -> SpanSet {
    SpanSet(
      members.flatMap { member -> [Member] in
        let span = member.span
        guard span.stream == stream, span.from <= step, step < span.to else { return [member] }
        return [(span.from, step), (step + 1, span.to)].filter { $0 < $1 }.map { from, to in
          Member(CandidateSpan(stream: stream, from: from, to: to), member.form)
        }
      })
  }
}

extension CandidateSpan {
  /// Whether the span starts before another, streams in their order.
  fileprivate func isBefore(_ other: CandidateSpan) -> Bool {
    (stream, from, to) < (other.stream, other.from, other.to)
  }
}
