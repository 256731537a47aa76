import Foundation
import GraphIR
import Operators
import Planning
import Tensors
import Testing

@testable import RBAConvert

@Suite struct RecipeTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func stream(steps: Int) -> ResidualStream {
    ResidualStream(
      points: (0...steps).map(ValueID.init),
      steps: (0..<steps).map { _ in
        ResidualStream.Step(
          kind: .other, removal: Removal(replacing: [], in: Graph(), multiplyAdds: { _ in 0 }))
      }, type: ArrayType(.float, [1, 8]), layout: .lastAxis)
  }

  // MARK: Which blocks

  @Test(
    arguments: [
      // Greatest cosine first.
      (.shortGPT, [0.9, 0.5, 0.95, 0.9], 2, [0, 2]), (.shortGPT, [0.9, 0.5, 0.9, 0.9], 2, [0, 2]),
      (.shortGPT, [0.1, 0.2, 0.3, 0.4], 4, [0, 1, 2, 3]),
      // Nearest 0 first.
      (.blockRedundancy, [-3, -1, -2, -9], 2, [1, 2]), (.toast, [-3, -1, -2, -9], 3, [0, 1, 2]),
      // One run.
      (.deeperLayers, [0.3, 0.1, 0.2], 2, [1]), (.replaceMe, [0.3, 0.1, 0.4], 2, [2]),
      (.deeperLayers, [0.1, 0.1, 0.1], 2, [0]),
    ] as [(Recipe, [Double], Int, [Int])])
  func theBestGoAndEqualsByPosition(
    recipe: Recipe, values: [Double], blocks: Int, expected: [Int]
  ) {
    let candidates = values.enumerated().map { index, value in
      (span: CandidateSpan(stream: 0, from: index, to: index + 1), value: value)
    }
    #expect(recipe.choose(candidates, blocks: blocks).map(\.from) == expected)
  }

  @Test func theFirstBlockStaysWhereThePaperKeepsIt() throws {
    let streams = [stream(steps: 4), stream(steps: 2)]
    func starts(_ recipe: Recipe, _ blocks: Int) throws -> [[Int]] {
      try recipe.candidates(blocks: blocks, in: streams).map { [$0.stream, $0.from, $0.to] }
    }
    #expect(
      try starts(.toast, 3) == [[0, 1, 2], [0, 2, 3], [0, 3, 4], [1, 1, 2]])
    #expect(try starts(.shortGPT, 1).count == 6)
    #expect(try starts(.deeperLayers, 3) == [[0, 0, 3], [0, 1, 4]])
    #expect(try starts(.replaceMe, 3) == [[0, 1, 4]])
  }

  @Test(
    arguments: [(.shortGPT, 6), (.toast, 4), (.deeperLayers, 4), (.replaceMe, 3)]
      as [(Recipe, Int)])
  func moreBlocksThanThereAreAreRefused(recipe: Recipe, most: Int) throws {
    let streams = [stream(steps: 4), stream(steps: 2)]
    _ = try recipe.candidates(blocks: most, in: streams)
    for blocks in [0, most + 1, .max] {
      let refusal = try failure { () throws(Failure) in
        try recipe.candidates(blocks: blocks, in: streams)
      }
      #expect(refusal.status == .usage)
      #expect(
        refusal.message == "--blocks: expected a number from 1 to \(most), got \(blocks)")
    }
  }

  @Test func aModelOfOneBlockHasNoneToSpare() throws {
    let refusal = try failure { () throws(Failure) in
      try Recipe.toast.candidates(blocks: 1, in: [stream(steps: 1)])
    }
    #expect(
      refusal.message == "--recipe toast: the model has no block that it could replace")
  }

  // MARK: What they do to the sample

  private func analyze(
    _ selection: SelectionOptions, scores: Bool = false, plan: String? = nil
  ) throws -> ConversionReport {
    try Analysis(
      input: Sample.model, plan: plan.map(folder.path), overwriting: false,
      data: DataRequest(paths: [Sample.calibration], maximumSamples: 32), selection: selection,
      scores: scores, machine: Machine(threads: 2)
    ).run(.silent)
  }

  /// The weights that a plan gives each span, by label.
  private func weights(_ plan: String) throws -> [String: String] {
    let object = try JSONSerialization.jsonObject(with: bytes(folder.path(plan)))
    let spans = try #require((object as? [String: Any])?["spans"] as? [[String: Any]])
    return try Dictionary(
      uniqueKeysWithValues: spans.map { span in
        let weights = try #require(span["weights"] as? [String: Any])
        return (
          try #require(span["label"] as? String), try #require(weights["weight"] as? String)
        )
      })
  }

  @Test func leastSquaresIsFittedOnTheOriginalWhateverElseGoes() throws {
    let together = try analyze(
      SelectionOptions(spans: "2:4,6:7", fit: "least-squares"), plan: "together.json")
    #expect(together.spans.map(\.form) == ["least-squares", "least-squares"])
    #expect(together.spans.map(\.parametersAdded) == [4096, 4096])
    _ = try analyze(SelectionOptions(spans: "6:7", fit: "least-squares"), plan: "alone.json")
    #expect(try weights("together.json")["6:7"] == weights("alone.json")["6:7"])
    // In sequence it is another map.
    _ = try analyze(SelectionOptions(spans: "2:4,6:7", form: "linear"), plan: "ours.json")
    #expect(try weights("ours.json")["6:7"] != weights("alone.json")["6:7"])
  }

  @Test func aRecipeIsItsScoresAndItsFit() throws {
    let scores = try #require(
      analyze(SelectionOptions(selectsNothing: true, scoreToken: "0"), scores: true).scores)
    let blocks = scores.filter { $0.blocks.count == 2 }
    #expect(blocks.map(\.label) == (0..<12).map { "\($0):\($0 + 1)" })
    #expect(scores.count == 78)
    let ranked = blocks.dropFirst().sorted { $0.blockRedundancy > $1.blockRedundancy }
    let expected = Set(ranked.prefix(3).map(\.label))

    let toast = try analyze(SelectionOptions(recipe: "toast", blocks: 3), plan: "toast.json")
    #expect(Set(toast.spans.map(\.label)) == expected)
    let spans = toast.spans.map(\.label).joined(separator: ",")
    _ = try analyze(SelectionOptions(spans: spans, fit: "least-squares"), plan: "spans.json")
    #expect(try bytes(folder.path("toast.json")) == bytes(folder.path("spans.json")))

    let dropped = try analyze(SelectionOptions(recipe: "block-redundancy", blocks: 1))
    #expect(dropped.spans.map(\.label) == [ranked[0].label])
    #expect(dropped.spans.map(\.form) == ["identity"])
  }

  @Test func runsOfBlocksAreTheirScores() throws {
    let scores = try #require(
      analyze(SelectionOptions(selectsNothing: true, scoreToken: "last"), scores: true).scores)
    let runs = scores.filter { $0.blocks.count == 6 }
    let least = try #require(runs.min { $0.angularDistance < $1.angularDistance })
    let report = try analyze(SelectionOptions(recipe: "deeper-layers", blocks: 3))
    #expect(report.spans.map(\.label) == [least.label])
    #expect(report.spans.map(\.form) == ["identity"])
    #expect(report.scores == nil)
  }

  @Test func scoresAloneChooseNothing() throws {
    let report = try analyze(SelectionOptions(selectsNothing: true), scores: true)
    #expect(report.spans.isEmpty && report.frontier.isEmpty)
    #expect(report.guard.passed)
    #expect(report.parameters.after == report.parameters.before)
    for scores in report.scores ?? [] {
      #expect(scores.blockRedundancy < 0 && (0...1).contains(scores.linearCKA))
      #expect((-1...1).contains(scores.cosine) && (0...1).contains(scores.angularDistance))
    }
  }

  /// Moments in several runs are those of one.
  @Test func scoresDoNotDependOnMemory() throws {
    let analysis = Analysis(
      input: Sample.model, plan: nil, overwriting: false,
      data: DataRequest(paths: [Sample.calibration], maximumSamples: 8),
      selection: SelectionOptions(selectsNothing: true), machine: Machine(threads: 2))
    let study = try analysis.study(LoadedModel(path: Sample.model), .silent).0
    let spans = CandidateSpan.ofBlocks(1...12, in: study.streams)
    #expect(spans.count == 78)
    // 91 products of 64 x 64 doubles at once, or eight.
    let scores = try [Int.max, 1 << 18].map {
      try study.publishedScores(of: spans, over: .all, withCKA: true, memory: $0)
        .map(\.linearCKA)
    }
    #expect(scores[0] == scores[1])
  }
}
