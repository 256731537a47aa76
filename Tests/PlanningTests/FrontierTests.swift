import Planning
import Testing

@Suite struct FrontierTests {
  @Test(arguments: 0..<40)
  func agreesWithTryingEverySet(_ seed: UInt64) {
    var state = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let options = (0..<9).map { _ in
      let from = random(5)
      return Frontier.Option(
        span: CandidateSpan(stream: random(2), from: from, to: from + 1 + random(3)),
        form: .identity, parametersSaved: 1 + random(30), damage: Double(random(64)) / 64)
    }
    let points = Frontier(options).points
    var sets: [(saved: Int, damage: Double)] = []
    for mask in 0..<1 << options.count {
      let chosen = options.indices.filter { mask >> $0 & 1 == 1 }
      let isDisjoint = chosen.allSatisfy { a in
        chosen.allSatisfy { $0 == a || !options[a].span.overlaps(options[$0].span) }
      }
      if isDisjoint {
        sets.append(
          (
            chosen.map { options[$0].parametersSaved }.reduce(0, +),
            chosen.map { options[$0].damage }.reduce(0, +)
          ))
      }
    }
    for limit in stride(from: 0.0, through: 3, by: 0.25) {
      let expected = sets.filter { $0.damage <= limit }.map(\.saved).max()
      #expect(points.last { $0.damage <= limit }?.parametersSaved == expected)
    }
    for target in stride(from: 0, through: 150, by: 10) {
      let expected = sets.filter { $0.saved >= target }.map(\.damage).min()
      #expect(points.first { $0.parametersSaved >= target }?.damage == expected)
    }
  }

  @Test func unusableOptionsAreLeftOut() {
    let span = CandidateSpan(stream: 0, from: 0, to: 1)
    let options = [(0, 0.1), (5, Double.nan), (-3, 0)].map {
      Frontier.Option(span: span, form: .linear, parametersSaved: $0.0, damage: $0.1)
    }
    #expect(Frontier(options).points.map(\.parametersSaved) == [0])
  }
}
