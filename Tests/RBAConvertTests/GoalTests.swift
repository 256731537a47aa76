import GraphIR
import Operators
import Tensors
import Testing

@testable import Planning
@testable import RBAConvert

@Suite struct GoalTests {
  /// Five points of one block each.
  private let streams = [
    ResidualStream(
      points: (0..<5).map(ValueID.init),
      steps: (0..<4).map { _ in
        ResidualStream.Step(
          kind: .other, removal: Removal(replacing: [], in: Graph(), multiplyAdds: { _ in 0 }))
      }, type: ArrayType(.float, [1, 8]), layout: .lastAxis)
  ]

  private func goal(_ options: SelectionOptions) throws(Failure) -> Goal {
    try Goal(options, parameters: 1000, streams: streams)
  }

  @Test func nothingSetMeansAsMuchAsTheGuardAllows() throws {
    #expect(try goal(SelectionOptions()).isGuarded)
    #expect(try goal(SelectionOptions(maximumDrop: 0.5)).isGuarded)
    #expect(try !goal(SelectionOptions(pick: 1)).isGuarded)
  }

  @Test(arguments: [("60%", 600), ("60", 600), ("12.5%", 125), ("100%", 1000)])
  func parametersAreAPercentage(text: String, count: Int) throws {
    guard case .parameters(count) = try goal(SelectionOptions(targetParameters: text)) else {
      Issue.record("expected \(count) parameters")
      return
    }
  }

  @Test(arguments: ["0%", "-5%", "101%", "x", "", "%", "nan%", "inf"])
  func whatIsNoPercentageIsRefused(text: String) throws {
    let refusal = try failure { () throws(Failure) in
      try goal(SelectionOptions(targetParameters: text))
    }
    #expect(refusal.status == .usage)
    #expect(
      refusal.message == "--target-params: expected a percentage such as 60%, got '\(text)'")
  }

  @Test func bytesAndPicksAreTakenAsTheyAre() throws {
    guard case .bytes(5000) = try goal(SelectionOptions(targetBytes: 5000)),
      case .pick(3) = try goal(SelectionOptions(pick: 3))
    else {
      Issue.record("expected 5000 bytes and pick 3")
      return
    }
  }

  @Test(arguments: [0, -1])
  func picksCountFromOne(number: Int) throws {
    let refusal = try failure { () throws(Failure) in try goal(SelectionOptions(pick: number)) }
    #expect(refusal.status == .usage)
    #expect(refusal.message == "--pick: expected a number from 1, got \(number)")
  }

  @Test func spansAreReadAgainstTheStreams() throws {
    guard case .spans(let spans) = try goal(SelectionOptions(spans: "0:2,3:4")) else {
      Issue.record("expected spans")
      return
    }
    #expect(
      spans == [
        CandidateSpan(stream: 0, from: 0, to: 2), CandidateSpan(stream: 0, from: 3, to: 4),
      ])
    let refusal = try failure { () throws(Failure) in try goal(SelectionOptions(spans: "2:9")) }
    #expect(refusal.status == .usage)
    #expect(
      refusal.message == "--spans: span '2:9': expected points from 0 to 4, got '9'")
  }

  @Test(arguments: Score.allCases)
  func thresholdsAreOfAScore(score: Score) throws {
    let options = SelectionOptions(threshold: 0.5, score: score.rawValue)
    guard case .threshold(score, 0.5, .all) = try goal(options) else {
      Issue.record("expected a threshold of \(score)")
      return
    }
  }

  @Test func theScoreThatIsTakenByDefaultExists() throws {
    guard
      case .threshold(.outputDamage, 0.1, .all) = try goal(SelectionOptions(threshold: 0.1))
    else {
      Issue.record("expected a threshold of the output damage")
      return
    }
  }

  @Test func unknownScoresAreRefused() throws {
    let refusal = try failure { () throws(Failure) in
      try goal(SelectionOptions(threshold: 1, score: "beauty"))
    }
    #expect(refusal.status == .usage)
    #expect(
      refusal.message == "--score: expected one of block-redundancy, cosine, angular-distance, "
        + "linear-cka, relative-residual, output-damage, got 'beauty'")
  }

  /// The same order decides what is done and what is said where nothing was.
  @Test(arguments: [
    (
      SelectionOptions(spans: "0:1", threshold: 1), "none of the spans can be replaced as asked for"
    ),
    (
      SelectionOptions(targetParameters: "50%", pick: 2),
      "no set of spans that was measured stays within the limit"
    ),
    (SelectionOptions(targetBytes: 5, threshold: 1), "the model is as small as asked for"),
    (
      SelectionOptions(threshold: 0.5, score: "cosine"), "no block is redundant by cosine at 0.5"
    ),
    (
      SelectionOptions(threshold: 1, recipe: "toast", blocks: 1),
      "nothing can be replaced as the recipe has it"
    ),
  ])
  func whatWasAskedForIsWhatWasNotFound(options: SelectionOptions, reason: String) throws {
    #expect(try goal(options).reasonForNothing == reason)
  }

  @Test func aSizeThatIsMissedFailsTheGuard() throws {
    let goal = try goal(SelectionOptions(targetParameters: "60%"))
    #expect(goal.shortfall(parameters: 600, bytes: 9000) == nil)
    let missed = try #require(goal.shortfall(parameters: 601, bytes: 9000))
    #expect(!missed.passed)
    #expect(
      missed.refusal
        == "the smallest model found has 601 parameters, at most 600 were asked for")
    let bytes = try #require(Goal.bytes(8999).shortfall(parameters: 1, bytes: 9000))
    #expect(bytes.metric == "bytes")
    #expect(Goal.guarded.shortfall(parameters: 1, bytes: 1) == nil)
  }

  // MARK: Recipes

  @Test func recipesAreReadWithTheirNumberOfBlocks() throws {
    guard
      case .recipe(.toast, blocks: 2, nil) = try goal(SelectionOptions(recipe: "toast", blocks: 2)),
      case .recipe(.shortGPT, blocks: 4, .lastToken) = try goal(
        SelectionOptions(recipe: "shortgpt", blocks: 4, scoreToken: "last"))
    else {
      Issue.record("expected recipes")
      return
    }
  }

  @Test(
    arguments: [
      (
        "pasta", 1,
        "--recipe: expected one of shortgpt, block-redundancy, toast, deeper-layers, replaceme, "
          + "got 'pasta'"
      ),
      ("toast", nil, "--blocks: expected the number of blocks to remove, got none"),
      ("toast", 0, "--blocks: expected the number of blocks to remove, got 0"),
      ("toast", 4, "--blocks: expected a number from 1 to 3, got 4"),
      ("shortgpt", 5, "--blocks: expected a number from 1 to 4, got 5"),
      ("deeper-layers", 5, "--blocks: expected a number from 1 to 4, got 5"),
    ] as [(String, Int?, String)])
  func recipesThatCannotBeAreRefused(name: String, blocks: Int?, message: String) throws {
    let refusal = try failure { () throws(Failure) in
      try goal(SelectionOptions(recipe: name, blocks: blocks))
    }
    #expect(refusal.status == .usage)
    #expect(refusal.message == message)
  }

  @Test func whatCanBeToldWithoutAModelIsToldWithoutOne() throws {
    try Goal.check(SelectionOptions(recipe: "toast", blocks: 99))
    let refusal = try failure { () throws(Failure) in
      try Goal.check(SelectionOptions(recipe: "toast", blocks: -1))
    }
    #expect(
      refusal.message == "--blocks: expected the number of blocks to remove, got -1")
  }
}
