import GraphIR
import Tensors
import Testing

@testable import Execution

/// Functions whose nodes run graphs of their own, and calls inside such graphs.
@Suite struct FunctionInliningOfGraphsTests {
  private func result(_ text: String, _ feeds: [String: Tensor]) throws -> [Float] {
    let executor = try Executor(model: Model(text: text))
    return try #require(try executor.run(feeds)["y"]).elements(as: Float.self)
  }

  /// Two inputs of the function are one value outside, names inside stand outside too, and an attribute
  /// of the call is one of a node inside the branch.
  static let branches = """
    <ir_version: 9, opset_import: ["" : 17, "own" : 1]>
    main (float[2] x, bool c, float[2] b) => (float[2] y) {
      h = own.Choose <slope = 0.5> (c, x, x)
      y = Add(h, b)
    }
    <domain: "own", opset_import: ["" : 17]>
    Choose <slope> (c, a, b) => (y) {
      s = Add(a, b)
      y = If (c) <
        then_branch = then_graph () => (t) { t = Mul(s, b) },
        else_branch = else_graph () => (e) {
          x = Neg(a)
          e = LeakyRelu <alpha: float = @slope> (x)
        }
      >
    }
    """

  @Test(arguments: [(true, [2, 8] as [Float]), (false, [-0.5, -1])])
  func branchesCaptureWhatTheCallGives(condition: Bool, expected: [Float]) throws {
    let feeds = [
      "x": Tensor([1, 2] as [Float]), "c": Tensor([condition], shape: []),
      "b": Tensor([0, 0] as [Float]),
    ]
    #expect(try result(Self.branches, feeds) == expected)
  }

  static let callInside = """
    <ir_version: 9, opset_import: ["" : 17, "own" : 1]>
    main (float[2] x, bool c) => (float[2] y) {
      y = If (c) <
        then_branch = then_graph () => (t) { t = own.Twice(x) },
        else_branch = else_graph () => (e) { e = Identity(x) }
      >
    }
    <domain: "own", opset_import: ["" : 17]>
    Twice (a) => (y) { y = Add(a, a) }
    """

  @Test(arguments: [(true, [2, 4] as [Float]), (false, [1, 2])])
  func callsInsideBranchesAreInlined(condition: Bool, expected: [Float]) throws {
    let feeds = ["x": Tensor([1, 2] as [Float]), "c": Tensor([condition], shape: [])]
    #expect(try result(Self.callInside, feeds) == expected)
  }

  /// Thirty functions that each call the next twice, inside branches, unfold into 2^30 nodes.
  @Test func callsInsideBranchesAreCountedBeforeTheyUnfold() throws {
    let functions = (0..<30).map { index in
      """
      <domain: "own", opset_import: ["" : 17, "own" : 1]>
      F\(index) (c, a) => (y) {
        h = own.F\(index + 1)(c, a)
        y = If (c) <
          then_branch = g () => (t) { t = own.F\(index + 1)(c, h) },
          else_branch = g () => (t) { t = Identity(h) }
        >
      }
      """
    }
    let text = """
      <ir_version: 9, opset_import: ["" : 17, "own" : 1]>
      main (float[2] x, bool c) => (float[2] y) { y = own.F0(c, x) }
      \(functions.joined(separator: "\n"))
      <domain: "own", opset_import: ["" : 17]>
      F30 (c, a) => (y) { y = Neg(a) }
      """
    let error = try #require(throws: ExecutionError.self) {
      _ = try Executor(model: Model(text: text))
    }
    #expect(error.message == "functions unfold into more than 100000 nodes")
  }
}
