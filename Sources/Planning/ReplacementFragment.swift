package import GraphIR
import Operators

/// The nodes of one replacement as a model of their own: what is measured is what is written.
///
/// Inputs: `h_from`, and `mask` where the form takes one. Output: `h_to`.
package struct ReplacementFragment: Sendable {
  package static let source = "h_from"
  package static let mask = "mask"
  package static let result = "h_to"

  package let model: Model
  /// Whether the model has the input `mask`.
  package let takesMask: Bool

  /// - Parameters:
  ///   - stream: where the replacement belongs; its mask is an input of `graph`.
  ///   - opset: the imported version of the default operator set of the model that is rewritten.
  package init(
    _ replacement: ReplaceSpanWithLinear, in graph: Graph, _ stream: ResidualStream, opset: Int
  ) throws(PlanError) {
    var fragment = Graph(name: ReplaceSpanWithLinear.name)
    let unknown = [Dimension](repeating: .unknown, count: stream.type.shape.count)
    let type = ValueType.tensor(TensorType(stream.type.elementType, unknown))
    let source = fragment.intern(Self.source)
    let result = fragment.intern(Self.result)
    var mask: ValueID?
    do throws(GraphError) {
      try fragment.addInput(source, ValueDeclaration(type: type))
      if let input = replacement.mask {
        let value = fragment.intern(Self.mask)
        try fragment.addInput(
          value,
          graph[input].declaration.map { declaration in
            ValueDeclaration(
              type: declaration.type?.tensor.map {
                .tensor(TensorType($0.elementType, [.unknown, .unknown]))
              })
          })
        mask = value
      }
      // The span's work, which the replacement takes the place of.
      try fragment.append(Node("Identity", inputs: [source], outputs: [result]))
      fragment.addOutput(result, ValueDeclaration(type: type))
    } catch { throw PlanError(.invalidSpan, error.message) }
    takesMask = mask != nil
    let step = ResidualStream.Step(
      kind: .other, removal: Removal(replacing: [], in: fragment, multiplyAdds: { _ in 0 }))
    let alone = ResidualStream(
      points: [source, result], steps: [step], type: stream.type, layout: stream.layout, mask: mask)
    try fragment.replace(
      [
        ReplaceSpanWithLinear(
          CandidateSpan(stream: 0, from: 0, to: 1), form: replacement.form,
          weights: replacement.weights, mask: mask)
      ], [alone], opset: opset)
    model = Model(graph: fragment, opset: Int64(opset))
  }
}
