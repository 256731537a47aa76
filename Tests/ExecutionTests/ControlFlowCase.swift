import GraphIR
import Operators
import Tensors
import Testing

@testable import Execution

/// A model of one graph in ONNX's textual syntax, what it is fed, and what comes of it.
struct ControlFlowCase: Sendable, CustomTestStringConvertible {
  let name: String
  let graph: String
  let feeds: [String: RuntimeValue]
  /// The outputs in order, as `words` has them; or an error.
  let expected: [String]
  var opset = 21
  var testDescription: String { name }

  init(
    _ name: String, _ graph: String, _ feeds: [String: RuntimeValue], opset: Int = 21,
    gives expected: String...
  ) {
    self.name = name
    self.graph = graph
    self.feeds = feeds
    self.opset = opset
    self.expected = expected
  }

  func executor(maximumBytes: Int? = nil) throws -> Executor {
    let model = try Model(text: "<ir_version: 10, opset_import: [\"\" : \(opset)]> g \(graph)")
    return try Executor(model: model, options: ExecutionOptions(maximumBytes: maximumBytes))
  }

  /// The outputs of two runs, which must be the same; or the error.
  func outcome(maximumBytes: Int? = nil) throws -> [String] {
    do {
      let executor = try executor(maximumBytes: maximumBytes)
      var results: [[String]] = []
      for _ in 0..<2 {
        let values = try executor.evaluate(values: feeds)
        results.append(executor.fetches.map { words(values[$0]) })
      }
      #expect(results[0] == results[1])
      return results[0]
    } catch let error as ExecutionError { return ["\(error)"] }
  }
}

/// What most of the cases are fed.
let x: [String: RuntimeValue] = ["x": .floats([1, 2])]

/// The same, and a condition.
func given(_ condition: Bool) -> [String: RuntimeValue] {
  x.merging(["c": .flag(condition)]) { $1 }
}
