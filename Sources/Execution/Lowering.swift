import GraphIR
import Operators
import Rewriting

extension Model {
  /// The model with the rules applied that prepare a graph for execution.
  ///
  /// They see the types and contents that `inference` found, which must hold for every feed.
  func lowered(_ inference: TypeInference) throws(ExecutionError) -> Model {
    var context = RewriteContext(self)
    context.types = inference.types
    context.values = inference.values
    var result = self
    do { try RuleDriver(lowering).run(&result.graph, context) } catch {
      throw ExecutionError(.invalidGraph, error.description)
    }
    return result
  }
}
