import Execution
import GraphIR
import Operators
import Planning
import Tensors

/// A model's types at a batch of one, its residual streams, and what its nodes cost.
struct ModelStructure: Sendable {
  let inference: TypeInference
  let finding: StreamFinding

  var graph: Graph { inference.graph }
  var streams: [ResidualStream] { finding.streams }

  /// - Parameters:
  ///   - extents: what dimension parameters stand for; the batch is one, others default to 32.
  ///   - samples: data whose extents take precedence.
  init(
    _ loaded: LoadedModel, extents: [String: Int] = [:], samples: SampleSet? = nil
  ) throws(Failure) {
    var types: [String: ArrayType] = [:]
    for input in loaded.tensorInputs {
      guard let declared = input.type.shape else { continue }
      let fed = samples?.feeds[input.name]?.shape
      let type = ArrayType(
        input.type.elementType,
        declared.enumerated().map { axis, dimension in
          switch dimension {
          case .size(let size): size
          case _ where axis == 0: 1
          case .parameter(let name): fed?[axis] ?? extents[name] ?? 32
          case .unknown: fed?[axis] ?? 32
          }
        })
      do throws(OperatorError) { types[input.name] = try type.checked() } catch {
        throw Failure(.malformedInput, "\(loaded.path): input '\(input.name)': \(error)")
      }
    }
    do throws(ExecutionError) {
      inference = try TypeInference(model: loaded.model, feedTypes: types)
    } catch { throw Failure(error, in: loaded.path) }
    let inference = inference
    finding = StreamFinding(
      in: inference.graph, types: inference.types,
      constants: inference.graph.inputIndependentValues.union(inference.values.keys)
    ) { inference.multiplyAdds(of: $0) ?? 0 }
  }

  /// The model with calls of its own functions inlined, which is what streams are found in.
  func inlined(_ model: Model) -> Model {
    guard !model.functions.isEmpty else { return model }
    var result = model
    result.graph = graph
    result.functions = []
    return result
  }

  /// Multiply-adds of all nodes for one sample.
  var multiplyAdds: Int {
    graph.order.reduce(0) { sum, node in
      let (next, overflow) = sum.addingReportingOverflow(inference.multiplyAdds(of: node) ?? 0)
      return overflow ? .max : next
    }
  }
}

extension Graph {
  /// Values that no input decides: stored ones, and what is computed from those alone.
  fileprivate var inputIndependentValues: Set<ValueID> {
    var result = Set(initializers)
    for (id, node) in nodes {
      let reads = node.inputs.compactMap(\.self) + captures(of: id)
      if reads.allSatisfy(result.contains) { result.formUnion(node.outputs.compactMap(\.self)) }
    }
    return result
  }
}
