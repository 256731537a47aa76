import GraphIR
import Operators
import Tensors
import Testing

@testable import Execution

/// x[N, 4] through two products and a sum.
private func samplewise(_ first: Dimension = .parameter("N")) throws -> GraphBuilding {
  var building = GraphBuilding()
  try building.input("x", [first, .size(4)])
  try building.constant("w", pattern([4, 4]))
  try building.node("MatMul", ["x", "w"], "hidden")
  try building.node("Add", ["hidden", "x"], "sum")
  try building.node("MatMul", ["sum", "w"], "y")
  building.output("y")
  return building
}

private func failure(_ body: () throws -> Void) -> ExecutionError? {
  do { try body() } catch { return error as? ExecutionError }
  return nil
}

@Suite struct ExecutorTests {
  @Test(arguments: [1, 2, 3, 7, 40]) func theNumberOfThreadsChangesNoBit(samples: Int) throws {
    let model = try samplewise().model
    let feeds = ["x": pattern([samples, 4])]
    let expected = try evaluateNaively(model, feeds)["y"]!
    for threads in 1...3 {
      let executor = try Executor(
        model: model, options: ExecutionOptions(threads: threads), registry: testRegistry)
      #expect(try executor.run(feeds)["y"]!.isIdentical(to: expected))
    }
  }

  @Test func microBatchesAreMergedInOrder() throws {
    let executor = try Executor(
      model: try samplewise().model, options: ExecutionOptions(threads: 3), registry: testRegistry)
    var ranges: [Range<Int>] = []
    try executor.forEachMicroBatch(
      ["x": SampleRows(pattern([50, 4]))], work: { $0.samples }, merge: { ranges.append($0) })
    #expect(ranges.count > 1)
    #expect(ranges.flatMap { Array($0) } == Array(0..<50))
  }

  @Test func theFirstErrorOfTheWorkIsThrown() throws {
    struct Failure: Error, Equatable { let index: Int }
    let executor = try Executor(
      model: try samplewise().model, options: ExecutionOptions(threads: 3), registry: testRegistry)
    var merged = 0
    #expect(throws: Failure(index: 1)) {
      try executor.forEachMicroBatch(
        ["x": SampleRows(pattern([64, 4]))],
        work: { batch in if batch.index > 0 { throw Failure(index: batch.index) } },
        merge: { merged += 1 })
    }
    #expect(merged == 1)
  }

  @Test func samplesThatLookAtOneAnotherRunTogether() throws {
    var building = try samplewise()
    try building.node("Center", ["y"], "z")
    let executor = try Executor(model: building.model, fetches: ["z"], registry: testRegistry)
    let feeds = ["x": pattern([9, 4])]
    #expect(try executor.batchSemantics(for: feeds) == .whole)
    let expected = try evaluateNaively(building.model, feeds)["z"]!
    #expect(try executor.run(feeds)["z"]!.isIdentical(to: expected))
  }

  /// Sums of another order are the same, sums of other numbers are not.
  @Test(arguments: [ElementType.float, .double, .float16, .bfloat16])
  func valuesOfEveryRealTypeAgreeToWithinRounding(type: ElementType) throws {
    func tensor(_ numbers: [Float]) throws -> Tensor {
      if type == .double { return Tensor(numbers.map(Double.init), shape: [3]) }
      return try #require(Tensor(rounding: numbers, to: type, shape: [3]))
    }
    let one = try tensor([1, -2, .nan])
    #expect(one.agrees(with: try tensor([1 + 1e-5, -2 - 1e-5, .nan])))
    #expect(!one.agrees(with: try tensor([1.25, -2, .nan])))
    #expect(!one.agrees(with: try tensor([1, -2, 0])))
  }

  @Test func aFixedBatchRunsInGroupsAndTheLastIsPadded() throws {
    let executor = try Executor(model: try samplewise(.size(3)).model, registry: testRegistry)
    let feeds = ["x": pattern([8, 4])]
    let expected = try evaluateNaively(try samplewise().model, feeds)["y"]!
    #expect(try executor.batchSemantics(for: feeds) == .fixed(3))
    #expect(try executor.run(feeds)["y"]!.isIdentical(to: expected))
  }

  @Test func aTailRunGivesWhatTheWholeRunGave() throws {
    let model = try samplewise().model
    let feeds = ["x": pattern([5, 4])]
    let whole = try Executor(model: model, fetches: ["sum", "y"], registry: testRegistry).run(feeds)
    let tail = try Executor(model: model, feeds: ["sum"], registry: testRegistry)
    #expect(tail.fetches == ["y"])
    #expect(try tail.run(["sum": whole["sum"]!])["y"]!.isIdentical(to: whole["y"]!))
  }

  @Test func typesComeWithoutRunning() throws {
    let executor = try Executor(model: try samplewise().model, registry: testRegistry)
    let types = try executor.types(for: ["x": ArrayType(.float, [6, 4])])
    #expect(types["hidden"] == ArrayType(.float, [6, 4]))
    #expect(types["w"] == ArrayType(.float, [4, 4]))
  }

  @Test(
    arguments: [
      ([2, 4], nil),
      ([2, 5], "input 'x': expected float[N, 4], got float[2, 5]"),
      ([4], "input 'x': expected float[N, 4], got float[4]"),
    ] as [([Int], String?)])
  func feedsAreHeldToTheDeclaration(shape: [Int], message: String?) throws {
    let executor = try Executor(model: try samplewise().model, registry: testRegistry)
    let error = failure { _ = try executor.run(["x": pattern(shape)]) }
    #expect(error?.description == message)
  }

  @Test func anotherElementTypeIsRefused() throws {
    let executor = try Executor(model: try samplewise().model, registry: testRegistry)
    let feeds = ["x": Tensor([1, 2, 3, 4] as [Int64], shape: [1, 4])]
    let error = failure { _ = try executor.run(feeds) }
    #expect(error?.code == .feedTypeMismatch)
    #expect(error?.message == "input 'x': expected float[N, 4], got int64[1, 4]")
  }

  @Test func inputsShareTheirDimensionParameters() throws {
    var building = try samplewise()
    try building.input("b", [.parameter("N"), .size(4)])
    try building.node("Add", ["y", "b"], "z")
    let executor = try Executor(model: building.model, fetches: ["z"], registry: testRegistry)
    let error = failure { _ = try executor.run(["x": pattern([2, 4]), "b": pattern([3, 4])]) }
    #expect(error?.message == "input 'b': expected N = 2 as in 'x', got float[3, 4]")
  }

  @Test(arguments: ["?", ""])
  func extentsNobodyKnowsAreNotShared(name: String) throws {
    var building = try samplewise()
    try building.input("b", [.parameter(name), .parameter(name)])
    try building.node("Add", ["y", "b"], "z")
    let executor = try Executor(model: building.model, fetches: ["z"], registry: testRegistry)
    let feeds = ["x": pattern([2, 4]), "b": pattern([2, 4])]
    #expect(try executor.run(feeds)["z"]?.shape == [2, 4])
  }

  @Test func aMissingFeedIsNamed() throws {
    let executor = try Executor(model: try samplewise().model, registry: testRegistry)
    let error = failure { _ = try executor.run([:]) }
    #expect(error?.code == .missingFeed)
    #expect(error?.description == "input 'x': expected a tensor, got none")
  }

  @Test func unknownNamesAreRefused() throws {
    let model = try samplewise().model
    let fetch = failure { _ = try Executor(model: model, fetches: ["q"], registry: testRegistry) }
    #expect(fetch?.code == .unknownValue)
    #expect(fetch?.description == "the graph has no value 'q'")
    let unfed = failure { _ = try Executor(model: model, feeds: [], registry: testRegistry) }
    #expect(unfed?.code == .unfedInput)
    #expect(unfed?.description == "'y' needs input 'x'")
  }

  @Test func everyUnsupportedOperatorIsListed() throws {
    var building = try samplewise()
    try building.node("Warp", ["y"], "a")
    try building.node("Weft", ["a"], "b")
    try building.node("Warp", ["b"], "c")
    let error = failure {
      _ = try Executor(model: building.model, fetches: ["c"], registry: testRegistry)
    }
    #expect(error?.code == .unsupportedOperators)
    #expect(
      error?.description
        == "unsupported operators: 2 × test::Warp (opset 1), 1 × test::Weft (opset 1)")
  }

  @Test func aNodeThatRefusesItsInputsIsNamed() throws {
    var building = try samplewise()
    try building.constant("v", pattern([3, 3]))
    try building.node("MatMul", ["y", "v"], "z")
    let executor = try Executor(model: building.model, fetches: ["z"], registry: testRegistry)
    let error = failure { _ = try executor.evaluate(["x": pattern([2, 4])]) }
    #expect(error?.code == .operatorFailed)
    #expect(
      error?.description
        == "node 'z' (MatMul): inner dimensions differ, got [2, 4] and [3, 3]")
  }

  @Test func memoryIsCountedBeforeItIsTaken() throws {
    var building = GraphBuilding()
    try building.constant("shape", Tensor([1 << 17, 1 << 17] as [Int64]))
    try building.node("Fill", ["shape"], "huge")
    building.output("huge")
    let executor = try Executor(
      model: building.model, options: ExecutionOptions(maximumBytes: 1 << 20),
      registry: testRegistry)
    let error = failure { _ = try executor.run([:]) }
    #expect(error?.code == .memoryLimit)
    #expect(
      error?.description
        == "node 'huge' (Fill): float[131072, 131072] needs 68719476736 bytes, "
        + "more than the 1048576 that are allowed")
  }
}
