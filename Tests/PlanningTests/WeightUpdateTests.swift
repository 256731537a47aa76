import GraphIR
import Planning
import Tensors
import Testing

@Suite struct WeightUpdateTests {
  private static func graph() throws -> Graph {
    let model = try Model(
      text: """
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[N, 2] x) => (float[N, 2] y)
        <float[2] w = {1, 2}, float16[2] half = {1, 2}, int64[1] shape = {2}>
        {
          c = Constant <value = float[1, 2] {5, 6}> ()
          a = Add (x, w)
          y = Add (a, c)
        }
        """)
    return model.graph
  }

  @Test func weightsOfInitializersAndConstantsAreExchanged() throws {
    var graph = try Self.graph()
    try graph.apply([
      WeightUpdate(weight: "w", values: [0.1, -3]), WeightUpdate(weight: "c", values: [7, 8]),
    ])
    func contents(_ name: String) -> Tensor? {
      graph.value(named: name).flatMap { graph.constant($0) }
    }
    let (w, c) = (try #require(contents("w")), try #require(contents("c")))
    #expect(w.elements(as: Float.self) == [0.1, -3])
    #expect(c.elements(as: Float.self) == [7, 8])
    #expect(c.shape == [1, 2])
    try graph.checkInvariants()
  }

  @Test(arguments: [
    (
      [WeightUpdate(weight: "nothing", values: [])], PlanError.Code.unknownWeight,
      "updates[0].weight: 'nothing' is no stored weight"
    ),
    (
      [WeightUpdate(weight: "a", values: [1, 2])], .unknownWeight,
      "updates[0].weight: 'a' is no stored weight"
    ),
    (
      [WeightUpdate(weight: "w", values: [1])], .invalidWeights,
      "updates[0].values: expected 2 numbers for 'w', got 1"
    ),
    (
      [WeightUpdate(weight: "w", values: [1, .infinity])], .invalidWeights,
      "updates[0].values: has a number that is not finite"
    ),
    (
      [WeightUpdate(weight: "shape", values: [1])], .invalidWeights,
      "updates[0].weight: expected a weight of floating point, got int64"
    ),
    (
      [WeightUpdate(weight: "half", values: [1, 70_000])], .invalidWeights,
      "updates[0].values: has a number that is beyond float16"
    ),
    (
      [WeightUpdate(weight: "w", values: [1, 2]), WeightUpdate(weight: "w", values: [1, 2])],
      .overlap, "updates[1].weight: 'w' is that of updates[0] too"
    ),
  ])
  func faultsNameTheirPlace(_ updates: [WeightUpdate], _ code: PlanError.Code, _ message: String)
    throws
  {
    var graph = try Self.graph()
    let before = graph.value(named: "w").flatMap { graph.constant($0) }
    let error = #expect(throws: PlanError.self) { try graph.apply(updates) }
    #expect(error?.code == code)
    #expect(error?.description == message)
    let after = graph.value(named: "w").flatMap { graph.constant($0) }
    #expect(before?.elements(as: Float.self) == after?.elements(as: Float.self))
  }

  @Test func aPlanKeepsEveryBitOfThem() throws {
    let plan = ReplacementPlan(
      model: "abc", spans: [], updates: [WeightUpdate(weight: "w", values: [0.1, -0.0])])
    let json = try plan.json()
    let read = try ReplacementPlan(json: json)
    #expect(read == plan)
    #expect(read.updates[0].values[1].sign == .minus)
    #expect(try read.json() == json)
  }

  @Test(arguments: [
    ("{\"weight\": \"w\"}", "updates[0]: 'values' is missing"),
    ("{\"weight\": 1, \"values\": \"\"}", "updates[0].weight: expected a string, got a number"),
    (
      "{\"weight\": \"w\", \"values\": \"AAAA\"}",
      "updates[0].values: expected whole float32 numbers, got 3 bytes"
    ),
    ("{\"weight\": \"w\", \"values\": \"\", \"bias\": 1}", "updates[0]: expected no 'bias'"),
  ])
  func documentsThatAreNoPlan(_ update: String, _ message: String) {
    let text = """
      {"model": "abc", "schema": "rba-convert/plan/1", "spans": [], "updates": [\(update)]}
      """
    let error = #expect(throws: PlanError.self) { try ReplacementPlan(json: Array(text.utf8)) }
    #expect(error?.description == message)
  }
}
