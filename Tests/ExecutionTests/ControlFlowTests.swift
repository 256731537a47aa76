import GraphIR
import Operators
import Tensors
import Testing

@testable import Execution

@Suite struct ControlFlowTests {
  /// Three iterations of three, and the three around them.
  @Test(arguments: [(11, false), (12, true)])
  func loopsInsideLoopsAreCountedTogether(_ limit: Int, _ passes: Bool) throws {
    let model = try Model(
      text: """
        <ir_version: 10, opset_import: ["" : 21]> g (float[2] x) => (y) <int64 m = {3}> {
          y = Loop(m, "", x) <body = outer (int64 i, bool c, float[2] v) => (bool d, float[2] w) {
            d = Identity(c)
            w = Loop(m, "", v) <body = inner (int64 j, bool e, float[2] a) => (bool f, float[2] b) {
              f = Identity(e)
              b = Add(a, a)
            }>
          }>
        }
        """)
    let planned = PlannedGraph(
      model.graph, OperatorTable(model.graph, of: model, registry: .standard))
    do throws(ExecutionError) {
      _ = try planned.evaluate(
        [.floats([1, 2])], limit: 1 << 20, pool: MemoryPool(), bodyRuns: BodyRuns(limit: limit))
      #expect(passes)
    } catch {
      #expect(!passes)
      #expect("\(error)".hasSuffix("still runs after bodies ran 11 times"))
    }
  }

  @Test(arguments: branches + loops + scans + faults)
  func givesWhatTheSpecificationSays(_ example: ControlFlowCase) throws {
    #expect(try example.outcome() == example.expected)
  }

  /// Branches take part in what samples have to do with one another.
  @Test func samplesRunApartThroughBranches() throws {
    let example = ControlFlowCase(
      "",
      """
      (float[n, 2] x) => (y) <bool c = {1}> {
        y = If <then_branch = t () => (a) { a = Neg (x) }, else_branch = e () => (x) { }> (c)
      }
      """, [:])
    let input = pattern([9, 2])
    let result = try example.executor().run(["x": input])
    #expect(result["y"]?.elements(as: Float.self) == input.elements(as: Float.self).map { -$0 })
  }

  /// A value that a body captures is not fused away.
  @Test func whatABodyCapturesSurvivesLowering() throws {
    let example = ControlFlowCase(
      "",
      """
      (float[2, 2] x, bool c) => (y, z) <float[2, 2] w = {1, 2, 3, 4}, float[2] b = {1, 1}> {
        m = MatMul (x, w)
        a = Add (m, b)
        y = Relu (a)
        z = If <then_branch = t () => (m) { }, else_branch = e () => (a) { }> (c)
      }
      """,
      ["x": .floats([1, 0, 0, 1], [2, 2]), "c": .flag(true)])
    #expect(try example.outcome() == ["float[2, 2] 2 3 4 5", "float[2, 2] 1 2 3 4"])
  }

  /// Each level of graphs inside one another is inferred a bounded number of times.
  @Test func thirtyLoopsInsideOneAnotherArePlannedInTime() throws {
    var body = "w = Add (v, v)"
    for level in 0..<30 {
      body = """
        w = Loop <body = b\(level) (int64 i\(level), bool c\(level), v) => (c\(level), w) { \(body) }> (m, , v)
        """
    }
    let example = ControlFlowCase(
      "", "(float[2] v) => (w) <int64 m = {1}> { \(body) }", ["v": .floats([1, 2])])
    #expect(try example.outcome() == ["float[2] 2 4"])
  }

  @Test(
    arguments: [
      (
        "elements of a scan output",
        """
        (float[256] x) => (s) <int64 m = {1000000}> {
          s = Loop <body = b (int64 i, bool d) => (d, y) { y = Neg (x) }> (m, )
        }
        """
      ),
      (
        "a sequence that grows",
        """
        (float[256] x) => (s) <int64 m = {1000000}> {
          e = SequenceEmpty ()
          s = Loop <body = b (int64 i, bool d, v) => (d, w) { y = Neg (x) w = SequenceInsert (v, y) }> (m, , e)
        }
        """
      ),
      (
        "a tensor that grows",
        """
        (float[256] x) => (s) <int64 m = {1000000}> {
          s = Loop <body = b (int64 i, bool d, v) => (d, w) { w = Concat <axis = 0> (v, v) }> (m, , x)
        }
        """
      ),
      (
        "one large result inside",
        """
        (float[256] x) => (s) <int64 m = {1}, int64[2] n = {1024, 1024}> {
          s = Loop <body = b (int64 i, bool d, v) => (d, w) { w = ConstantOfShape (n) }> (m, , x)
        }
        """
      ),
    ])
  func memoryIsBoundedInBodies(_ name: String, _ graph: String) throws {
    let limit = 1 << 18
    let example = ControlFlowCase(
      name, graph, ["x": .floats([Float](repeating: 1, count: 256))])
    let executor = try example.executor(maximumBytes: limit)
    let error = #expect(throws: ExecutionError.self) {
      _ = try executor.evaluate(values: example.feeds)
    }
    #expect(error?.code == .memoryLimit, "\(String(describing: error))")
    #expect(error?.place == "node Loop")
    // What a body gives is counted as its own and as its node's.
    #expect(executor.peakBytes <= 3 * limit)
  }
}
