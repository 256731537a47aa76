import GraphIR
import Operators
import Tensors
import Testing

@testable import Execution

/// A generator whose numbers its seed decides.
private struct Splitmix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

@Suite struct PlanTests {
  /// Views, overwritten inputs, shared blocks and scratch give the bits of one tensor for each value.
  @Test(arguments: 0..<200) func randomGraphsGiveTheBitsOfNaiveEvaluation(seed: Int) throws {
    var random = Splitmix(state: UInt64(seed))
    var building = GraphBuilding()
    var shapes: [(name: String, shape: [Int])] = []
    for (name, shape) in [("x", [4, 6]), ("y", [6, 4])] {
      try building.input(name, shape.map { .size($0) })
      shapes.append((name, shape))
    }
    try building.constant("w", pattern([4, 6], seed: seed))
    shapes.append(("w", [4, 6]))
    for index in 0..<Int.random(in: 3...20, using: &random) {
      let name = "v\(index)"
      let (a, shape) = shapes.randomElement(using: &random)!
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1:
        let b = shapes.filter { $0.shape == shape }.randomElement(using: &random)!.name
        try building.node("Add", [a, b], name)
        shapes.append((name, shape))
      case 2:
        try building.node("Transpose", [a], name)
        shapes.append((name, shape.reversed()))
      case 3:
        try building.node("Reshape", [a], name)
        shapes.append((name, shape.reversed()))
      case 4 where shape[0] > 1:
        try building.node("Slice", [a], name)
        shapes.append((name, [shape[0] - 1, shape[1]]))
      default:
        guard
          let b = shapes.filter({ $0.shape[0] == shape[1] }).randomElement(using: &random)
        else { continue }
        try building.node("MatMul", [a, b.name], name)
        shapes.append((name, [shape[0], b.shape[1]]))
      }
    }
    let fetches = Set((0..<4).map { _ in shapes.randomElement(using: &random)!.name }).sorted()
    let feeds = ["x": pattern([4, 6], seed: seed + 1), "y": pattern([6, 4], seed: seed + 2)]
    let expected = try evaluateNaively(building.model, feeds)
    let executor = try Executor(
      model: building.model, feeds: ["x", "y"], fetches: fetches, registry: testRegistry)
    for _ in 0..<2 {
      let results = try executor.evaluate(feeds)
      for name in fetches { #expect(results[name]!.isIdentical(to: expected[name]!), "\(name)") }
    }
  }

  @Test func aChainNeedsTwoBlocksAndItsResult() throws {
    var building = GraphBuilding()
    try building.input("x", [.size(32), .size(32)])
    try building.constant("w", pattern([32, 32]))
    for index in 0..<10 {
      try building.node("MatMul", [index == 0 ? "x" : "v\(index - 1)", "w"], "v\(index)")
    }
    building.output("v9")
    let executor = try Executor(model: building.model, registry: testRegistry)
    _ = try executor.evaluate(["x": pattern([32, 32])])
    // Two products of 4096 bytes live at once, with 256 for the scratch; the result has its own block.
    #expect(executor.peakBytes == 2 * 4096 + 256 + 4096)
  }

  @Test func resultsStayWhenTheExecutorRunsAgain() throws {
    var building = GraphBuilding()
    try building.input("x", [.size(2), .size(2)])
    try building.node("Add", ["x", "x"], "y")
    building.output("y")
    let executor = try Executor(model: building.model, registry: testRegistry)
    let first = try executor.evaluate(["x": Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])])
    _ = try executor.evaluate(["x": Tensor([5, 6, 7, 8] as [Float], shape: [2, 2])])
    #expect(first["y"]!.elements(as: Float.self) == [2, 4, 6, 8])
  }

  @Test func shapesThatOnlyRunningTellsAreEvaluatedLate() throws {
    var building = GraphBuilding()
    try building.input("x", [.size(2), .size(3)])
    try building.node("Add", ["x", "x"], "double")
    try building.node("Positive", ["double"], "positive")
    try building.node("Add", ["positive", "positive"], "y")
    building.output("y")
    let executor = try Executor(model: building.model, registry: testRegistry)
    let feeds = ["x": Tensor([1, -2, 3, -4, 5, -6] as [Float], shape: [2, 3])]
    let result = try #require(try executor.run(feeds)["y"])
    #expect(result.elements(as: Float.self) == [4, 12, 20])
  }
}
