import GraphIR
import Operators
import Rewriting

extension Model {
  /// The model with the rules applied that prepare a graph for execution.
  func lowered() throws(ExecutionError) -> Model { self }
}
