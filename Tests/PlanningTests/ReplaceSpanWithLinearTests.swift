import GraphIR
import Planning
import Tensors
import Testing

@Suite struct ReplaceSpanWithLinearTests {
  static let weights = ReplacementWeights(
    weight: (0..<16).map(Float.init), bias: [1, 2, 3, 4])

  @Test func adjacentSpansReadTheStandIn() throws {
    var fixture = try StreamFixture.preNorm(blocks: 2)
    let streams = fixture.find().streams
    let spans = try CandidateSpan.parse("0.5:1,1:2", in: streams)
    try fixture.graph.replace(
      [
        ReplaceSpanWithLinear(spans[1], form: .linear, weights: Self.weights),
        ReplaceSpanWithLinear(spans[0], form: .identity),
      ], streams, opset: 17)
    try fixture.graph.checkInvariants()
    let product = try #require(fixture.graph.nodes.first { $0.node.name == "rba.span_1_2.MatMul" })
    #expect(product.node.inputs[0].map { fixture.graph[$0].name } == "h1")
    #expect(fixture.graph.outputs.map { fixture.graph[$0].name } == ["y"])
    let weight = try #require(fixture.graph.value(named: "rba.span_1_2.weight"))
    #expect(fixture.graph.constant(weight)?.elements(as: Float.self) == Self.weights.weight)
  }

  @Test func removalAgreesWithTheRewrittenGraph() throws {
    let fixture = try StreamFixture.preNorm(blocks: 2)
    let streams = fixture.find().streams
    for span in CandidateSpan.all(in: streams) {
      for form in [ReplacementForm.identity, .linear] {
        var graph = fixture.graph
        let weights = form == .linear ? Self.weights : .init()
        let saving = SpanSaving(span, adding: weights.count, in: graph, streams) { _ in 0 }
        try graph.replace(
          [ReplaceSpanWithLinear(span, form: form, weights: weights)], streams, opset: 17)
        #expect(
          fixture.graph.parameterCount - graph.parameterCount == saving.parametersSaved)
      }
    }
  }

  @Test func outputKeepsItsNameUnderIdentity() throws {
    var fixture = StreamFixture()
    let x = try fixture.input("x")
    fixture.output(try fixture.apply("Add", [x, try fixture.mlp(x)], "y"))
    let streams = fixture.find().streams
    let span = CandidateSpan(stream: 0, from: 0, to: 1)
    try fixture.graph.replace(
      [ReplaceSpanWithLinear(span, form: .identity)], streams, opset: 17)
    #expect(fixture.graph.nodes.map(\.node.operatorType) == ["Identity"])
    #expect(fixture.graph.outputs.map { fixture.graph[$0].name } == ["y"])
    try fixture.graph.checkInvariants()
  }

  @Test func channelsAreMixedByAConvolutionWithTransposedWeights() throws {
    var fixture = StreamFixture([1, 4, 2, 2])
    let x = try fixture.input("x")
    let branch = try fixture.apply("Conv", [x, try fixture.weight([4, 4, 3, 3])])
    fixture.output(try fixture.apply("Add", [x, branch], "y"))
    let streams = fixture.find().streams
    let span = CandidateSpan(stream: 0, from: 0, to: 1)
    try fixture.graph.replace(
      [ReplaceSpanWithLinear(span, form: .linear, weights: Self.weights)], streams, opset: 9)
    #expect(fixture.graph.nodes.map(\.node.operatorType) == ["Conv"])
    let weight = try #require(fixture.graph.value(named: "rba.span_0_1.weight"))
    let tensor = try #require(fixture.graph.constant(weight))
    #expect(tensor.shape == [4, 4, 1, 1])
    #expect(tensor.elements(as: Float.self)[1] == 4)
  }
}
