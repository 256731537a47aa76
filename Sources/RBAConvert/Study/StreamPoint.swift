import Planning

/// A point of one of the residual streams.
struct StreamPoint: Hashable, Comparable, Sendable {
  /// Which stream.
  let stream: Int
  /// Which of its points.
  let index: Int

  static func < (a: StreamPoint, b: StreamPoint) -> Bool {
    (a.stream, a.index) < (b.stream, b.index)
  }
}

extension CandidateSpan {
  var start: StreamPoint { StreamPoint(stream: stream, index: from) }
  var end: StreamPoint { StreamPoint(stream: stream, index: to) }
}

extension Study {
  /// The name of a point's value.
  func name(_ point: StreamPoint) -> String { name(point.index, of: streams[point.stream]) }
}
