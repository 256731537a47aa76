/// Sets of spans that do not overlap, none of which another beats in both size and predicted damage.
package struct Frontier: Sendable {
  /// A span in some form, with what it saves and what it is expected to cost.
  package struct Option: Sendable, Hashable {
    package let span: CandidateSpan
    package let form: ReplacementForm
    package let parametersSaved: Int
    /// At the model's outputs; adds up over disjoint spans.
    package let damage: Double

    package init(
      span: CandidateSpan, form: ReplacementForm, parametersSaved: Int, damage: Double
    ) {
      self.span = span
      self.form = form
      self.parametersSaved = parametersSaved
      self.damage = damage
    }
  }

  /// One set of options.
  package struct Point: Sendable {
    package let parametersSaved: Int
    package let damage: Double
    /// Places in the list of options, by stream and position.
    package let options: [Int]
  }

  /// By falling size: the first, which saves nothing, does no damage.
  package let points: [Point]

  /// Options that save nothing, or whose damage is not a finite number, are left out; damage below
  /// zero counts as none.
  ///
  /// Exact as long as no partial frontier has more than `capacity` points; beyond that the points kept
  /// are spread evenly over the sizes.
  ///
  /// - Complexity: O(options × capacity × log capacity) per stream, O(capacity²) for each further one.
  package init(_ options: [Option], capacity: Int = 1024) {
    precondition(capacity >= 2, "a frontier needs its two ends")
    let usable = options.indices.filter {
      options[$0].parametersSaved > 0 && options[$0].damage.isFinite
    }
    let byStream = Dictionary(grouping: usable) { options[$0].span.stream }
    let nothing = Point(parametersSaved: 0, damage: 0, options: [])
    var result = [nothing]
    for stream in byStream.keys.sorted() {
      // fronts[p]: the best sets of spans that end at point p or before.
      let ends = Dictionary(grouping: byStream[stream]!) { options[$0].span.to }
      var fronts = [[nothing]]
      for point in 1...max(ends.keys.max()!, 1) {
        var candidates = fronts[point - 1]
        for index in ends[point] ?? [] {
          let option = options[index]
          let single = Point(
            parametersSaved: option.parametersSaved, damage: max(option.damage, 0),
            options: [index])
          candidates += fronts[option.span.from].map { $0 + single }
        }
        fronts.append(Self.undominated(candidates, capacity))
      }
      let last = fronts[fronts.count - 1]
      result = Self.undominated(result.flatMap { a in last.map { a + $0 } }, capacity)
    }
    points = result
  }

  private static func undominated(_ points: [Point], _ capacity: Int) -> [Point] {
    let sorted = points.sorted {
      ($0.damage, -$0.parametersSaved, $0.options.count)
        < ($1.damage, -$1.parametersSaved, $1.options.count)
    }
    var result: [Point] = []
    for point in sorted where point.parametersSaved > result.last?.parametersSaved ?? -1 {
      result.append(point)
    }
    guard result.count > capacity else { return result }
    return (0..<capacity).map { result[$0 * (result.count - 1) / (capacity - 1)] }
  }
}

extension Frontier.Point {
  fileprivate static func + (a: Self, b: Self) -> Self {
    let (saved, overflow) = a.parametersSaved.addingReportingOverflow(b.parametersSaved)
    return Self(
      parametersSaved: overflow ? .max : saved, damage: a.damage + b.damage,
      options: a.options + b.options)
  }
}
