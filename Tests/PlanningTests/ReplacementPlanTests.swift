import GraphIR
import Planning
import Testing

@Suite struct ReplacementPlanTests {
  static func plan(_ spans: [ReplacementPlan.Span]) -> ReplacementPlan {
    ReplacementPlan(model: "abc", spans: spans)
  }

  static func span(
    _ from: String, _ to: String, _ form: ReplacementForm = .identity,
    _ weights: ReplacementWeights? = nil
  ) -> ReplacementPlan.Span {
    .init(from: from, to: to, label: "", form: form, weights: weights)
  }

  @Test func roundTripKeepsEveryBit() throws {
    let weights = ReplacementWeights(
      weight: [0.1, -0.0, .leastNonzeroMagnitude, 3], bias: [1, 2, 3, 4])
    let plan = Self.plan([Self.span("h0", "h1", .diagonal, weights)])
    let json = try plan.json()
    let read = try ReplacementPlan(json: json)
    #expect(read == plan)
    #expect(read.spans[0].weights?.weight?[1].sign == .minus)
    #expect(try read.json() == json)
  }

  @Test(arguments: [
    ([span("h0", "h2"), span("h1", "h3")], PlanError.Code.overlap, "spans[1]"),
    ([span("h0", "nowhere")], .unknownPoint, "spans[0].to"),
    ([span("h2", "h1")], .invalidSpan, "spans[0]"),
    (
      [span("h0", "h1", .linear, .init(weight: [1], bias: [1]))], .invalidWeights,
      "spans[0].weights.weight"
    ),
    (
      [span("h0", "h1", .bias, .init(bias: [.nan, 0, 0, 0]))], .invalidWeights,
      "spans[0].weights.bias"
    ),
  ])
  func faultsNameTheirPlace(_ spans: [ReplacementPlan.Span], _ code: PlanError.Code, _ path: String)
    throws
  {
    let fixture = try StreamFixture.preNorm(blocks: 2)
    let streams = fixture.find().streams
    let error = #expect(throws: PlanError.self) {
      try Self.plan(spans).resolve(in: fixture.graph, streams, digest: "abc")
    }
    #expect(error?.code == code)
    #expect(error?.path == path)
  }

  @Test func otherModelIsRefused() throws {
    let fixture = try StreamFixture.preNorm(blocks: 1)
    let error = #expect(throws: PlanError.self) {
      try Self.plan([]).resolve(in: fixture.graph, fixture.find().streams, digest: "def")
    }
    #expect(error?.code == .otherModel)
  }

  @Test(arguments: [
    ("{", PlanError.Code.malformed), ("{\"schema\": \"rba-convert/plan/9\"}", .unknownSchema),
    ("{\"schema\": \"rba-convert/plan/1\"}", .malformed),
  ])
  func documentsThatAreNoPlan(_ text: String, _ code: PlanError.Code) {
    let error = #expect(throws: PlanError.self) { try ReplacementPlan(json: Array(text.utf8)) }
    #expect(error?.code == code)
  }

  @Test(arguments: [
    ("0:3", PlanError.Code.unknownPoint), ("1", .invalidSpan), ("1:0", .invalidSpan),
    ("0:1,0.5:2", .overlap), ("7/0:1", .unknownPoint), ("", .invalidSpan),
  ])
  func spansThatDoNotParse(_ text: String, _ code: PlanError.Code) throws {
    let streams = try StreamFixture.preNorm(blocks: 2).find().streams
    let error = #expect(throws: PlanError.self) { try CandidateSpan.parse(text, in: streams) }
    #expect(error?.code == code)
  }
}
