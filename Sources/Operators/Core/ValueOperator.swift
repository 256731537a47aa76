package import GraphIR
import Tensors

/// An operator with inputs or outputs that are no tensors: sequences and optional values.
///
/// Such nodes run by `evaluate(values:)`, and so does everything whose inputs have no type before.
package protocol ValueOperator: Operator {
  /// - Parameter maximumBytes: what new tensors may take.
  func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue]
}

extension ValueOperator {
  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference { .dependsOnContents }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    throw OperatorError(.unsupported, "\(Self.signature.name) has no shape before evaluation")
  }
}

/// Runs a graph that is an attribute of a node: its inputs to its outputs, within so many bytes. What
/// it captures from outside is bound.
package typealias BodyEvaluation = (
  _ inputs: [RuntimeValue], _ maximumBytes: Int
) throws(OperatorError) -> [RuntimeValue]

/// Infers the types of such a graph's outputs, as far as those of its inputs tell.
package typealias BodyInference = ([Operand?]) -> [Operand?]

/// An operator that runs graphs of its own.
package protocol ControlFlowOperator: Operator {
  /// Names of the attributes that hold the graphs.
  static var bodyNames: [String] { get }

  /// Types of the outputs, as far as those of the inputs tell: as many as there are outputs.
  ///
  /// - Parameter bodies: the graphs in the order of `bodyNames`.
  func infer(_ inputs: [Operand?], bodies: [BodyInference]) -> [ArrayType?]

  /// - Parameters:
  ///   - bodies: the graphs in the order of `bodyNames`.
  ///   - maximumBytes: what new tensors may take, those of the bodies included.
  func evaluate(
    _ inputs: [RuntimeValue?], bodies: [BodyEvaluation], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue]
}

extension ControlFlowOperator {
  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference { .dependsOnContents }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    throw OperatorError(.unsupported, "\(Self.signature.name) has no shape before evaluation")
  }
}

extension Node {
  /// The graph of an attribute.
  ///
  /// - Throws: `OperatorError.invalidAttribute` where there is none.
  func graph(_ name: String) throws(OperatorError) -> Graph {
    switch self[attribute: name] {
    case .graph(let graph)?: return graph
    case nil: throw OperatorError(.invalidAttribute, "attribute '\(name)' is missing")
    default: throw OperatorError(.invalidAttribute, "attribute '\(name)' is no graph")
    }
  }
}
