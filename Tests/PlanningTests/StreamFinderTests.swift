import GraphIR
import Operators
import Planning
import Tensors
import Testing

@Suite struct StreamFinderTests {
  @Test func preNormPointsAreSums() throws {
    let fixture = try StreamFixture.preNorm(blocks: 2)
    let found = fixture.find()
    let stream = try #require(found.streams.first)
    #expect(found.streams.count == 1)
    #expect(fixture.names(stream) == ["h0", "h1", "h2", "h3", "h4"])
    #expect(stream.steps.map(\.kind) == [.attention, .mlp, .attention, .mlp])
    #expect(stream.points.indices.map(stream.label) == ["0", "0.5", "1", "1.5", "2"])
    // The MLP's two matrices and the normalisation's scale.
    #expect(stream.steps[1].removal.parameters == 2 * 16 + 4)
    #expect(found.rejected.map(\.reason) == ["one operand is constant"])
  }

  @Test func postNormPointsLieBehindTheNormalisation() throws {
    var fixture = StreamFixture()
    var h = try fixture.norm(
      try fixture.apply("Add", [try fixture.input("a"), try fixture.input("b")]), "h0")
    for index in 1...4 {
      let branch = try index % 2 == 1 ? fixture.attention(h) : fixture.mlp(h)
      h = try fixture.norm(try fixture.apply("Add", [branch, h]), "h\(index)")
    }
    fixture.output(h)
    let found = fixture.find()
    #expect(found.streams.map(fixture.names) == [["h0", "h1", "h2", "h3", "h4"]])
    #expect(found.rejected.count == 1)
  }

  @Test func convolutionalPointsLieBehindTheActivation() throws {
    var fixture = StreamFixture([1, 4, 2, 2])
    let x = try fixture.input("x")
    func conv(_ value: ValueID) throws -> ValueID {
      try fixture.apply("Conv", [value, try fixture.weight([4, 4, 3, 3])])
    }
    var h = try fixture.apply(
      "Relu", [try fixture.apply("Add", [try conv(x), try conv(x)])], "h0")
    for index in 1...2 {
      h = try fixture.apply("Relu", [try fixture.apply("Add", [try conv(h), h])], "h\(index)")
    }
    fixture.output(try fixture.apply("GlobalAveragePool", [h], shape: [1, 4, 1, 1]))
    let found = fixture.find()
    #expect(found.streams.map(fixture.names) == [["h0", "h1", "h2"]])
    #expect(found.streams[0].layout == .channels)
    #expect(found.streams[0].steps.map(\.kind) == [.convolution, .convolution])
    #expect(found.rejected[0].reason.contains("parallel branches or a projection"))
  }

  @Test func maskAndElementwiseSumsAreRejected() throws {
    var fixture = StreamFixture()
    let x = try fixture.input("x")
    let mask = try fixture.input("mask")
    fixture.types[mask] = ArrayType(.float, [1, 3, 3])
    let attended = try fixture.attention(x, mask: mask)
    let cube = try fixture.apply(
      "Mul", [attended, try fixture.apply("Mul", [attended, attended])])
    fixture.output(try fixture.apply("Add", [attended, cube]))
    let found = fixture.find()
    #expect(found.streams.isEmpty)
    #expect(
      found.rejected.map(\.reason) == [
        "adds to the scores of a softmax: a mask or position bias",
        "the branch is elementwise: part of an activation",
      ])
  }

  @Test func skipIsSeenThroughIdentityAndParallelBranchesAreOneStep() throws {
    var fixture = StreamFixture()
    let x = try fixture.input("x")
    let same = try fixture.apply("Identity", [x])
    let inner = try fixture.apply("Add", [same, try fixture.attention(x)])
    let h = try fixture.apply("Add", [try fixture.mlp(x), inner], "h1")
    fixture.output(h)
    #expect(fixture.find().streams.map(fixture.names) == [["x", "h1"]])
  }

  @Test func weightsSharedBetweenStepsStayUntilTheLastUserGoes() throws {
    var fixture = StreamFixture()
    let shared = try fixture.weight([4, 4])
    let points = try (0..<2).reduce(into: [try fixture.input("x")]) { points, _ in
      let branch = try fixture.apply("MatMul", [points.last!, shared])
      points.append(try fixture.apply("Add", [points.last!, branch]))
    }
    fixture.output(points[2])
    #expect(fixture.find().streams[0].steps.map(\.removal.parameters) == [0, 0])
    let whole = Removal(replacing: [(points[0], points[2])], in: fixture.graph) { _ in 1 }
    #expect(whole.parameters == 16)
    #expect(whole.nodes.count == 4)
  }
}
