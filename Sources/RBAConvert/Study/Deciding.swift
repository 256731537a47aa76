import Planning

extension Selector {
  /// How much less damage the next set must do than one that failed on all samples.
  private static let retreat = 0.9

  /// Fits the set that meets the goal on all samples, and measures it on all held out.
  func decide(
    _ goal: Goal, _ measured: [SpanSetSearch.Measured], _ descents: [SpanSetSearch.Descent],
    _ frontier: [FrontierEntry], fitted: (SpanSet) throws(Failure) -> Refit
  ) throws(Failure) -> Refit {
    switch (goal, target(goal)) {
    case (.pick(let number), _):
      guard frontier.indices.contains(number) else {
        throw Failure(
          .usage,
          frontier.count > 1
            ? "--pick: expected a number from 1 to \(frontier.count - 1), got \(number)"
            : "--pick: nothing that was measured makes the model smaller, got \(number)")
      }
      return try fitted(frontier[number].spans)
    case (_, .size(let limit)): return try decide(limit, goal, measured, fitted)
    default:
      // What passed on some samples need not pass when fitted on all.
      var limit = Double.infinity
      let passing = measured.filter { $0.isAcceptable && !$0.set.isEmpty }
        .sorted { ($0.size, $0.damage) < ($1.size, $1.damage) }
      for candidate in passing where candidate.damage <= limit {
        let result = try fitted(candidate.set)
        if acceptance.verdict(on: result.measurement).passed { return result }
        limit = candidate.damage * Self.retreat
      }
      // A short search may have come by no milder set.
      let failed =
        passing.first?.size ?? measured.lazy.filter { !$0.set.isEmpty }.map(\.size).max() ?? .max
      var counts = descents.map { $0.seeds.prefix { parameters($0.set) > failed }.count }
      while counts.contains(where: { $0 > 0 }) {
        for index in counts.indices where counts[index] > 0 {
          counts[index] /= 2
          let result = try fitted(descents[index].seeds[counts[index]].set)
          if acceptance.verdict(on: result.measurement).passed { return result }
        }
      }
      return try fitted(SpanSet())
    }
  }

  /// The set that does least damage at a size, or the smallest where none is as small.
  private func decide(
    _ limit: Int, _ goal: Goal, _ measured: [SpanSetSearch.Measured],
    _ fitted: (SpanSet) throws(Failure) -> Refit
  ) throws(Failure) -> Refit {
    var smallest: (refit: Refit, size: Int)?
    // Where a size turns out larger than predicted, so do others.
    var allowed = limit
    // A set whose damage is not known may be sound; one whose damage is infinite is not.
    func order(_ entry: SpanSetSearch.Measured) -> (Double, Int, Int) {
      (entry.damage, entry.isUnmeasured ? 0 : 1, entry.size)
    }
    let small = measured.filter { $0.size <= limit }.sorted { order($0) < order($1) }
    for candidate in small where candidate.size <= allowed {
      let refit = try fitted(candidate.set)
      let size = try exactSize(refit.choices, refit.updates, goal)
      if size <= limit { return refit }
      allowed = min(allowed, limit - (size - candidate.size))
      if size < smallest?.size ?? .max { smallest = (refit, size) }
    }
    if let smallest { return smallest.refit }
    let rest = measured.min { ($0.size, $0.damage) < ($1.size, $1.damage) }
    return try fitted(rest?.set ?? SpanSet())
  }
}
