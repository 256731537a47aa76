import GraphIR
import Operators
import Tensors

extension Dataflow {
  /// The input [N, T] that says which tokens of a stream [N, T, d] are padding: one that leads to the
  /// scores of a softmax by elementwise nodes and reshapes only, or that a fused attention takes beside
  /// query, key and value. Where the dataflow shows none, the input called `attention_mask`.
  func paddingMask(of stream: ResidualStream) -> ValueID? {
    let shape = stream.type.shape
    guard stream.layout == .lastAxis, shape.count == 3 else { return nil }
    let candidates = graph.inputs.filter { input in
      guard let type = types[input], graph.initializer(input) == nil else { return false }
      return type.shape == Array(shape.dropLast()) && Self.maskTypes.contains(type.elementType)
    }
    return candidates.first(where: masksScores)
      ?? candidates.first { graph[$0].name == "attention_mask" }
  }

  private static let maskTypes: Set<ElementType> = [
    .bool, .int8, .uint8, .int32, .int64, .float, .float16, .double,
  ]

  private func masksScores(_ input: ValueID) -> Bool {
    // What looks rows up in a table is an index.
    guard
      !users(of: input).contains(where: { user in
        graph[user].is("Gather") && graph[user].inputs.dropFirst().contains(input)
      })
    else { return false }
    var seen: Set<ValueID> = [input]
    var stack = [input]
    while let value = stack.popLast() {
      for user in users(of: value) {
        let node = graph[user]
        if node.is("Softmax") { return true }
        let place = node.inputs.firstIndex(of: value) ?? 0
        if node.isFusedAttention { return place >= 3 }
        if node.operatorType == "EmbedLayerNormalization" { return place == 7 }
        guard
          Self.elementwiseOfMasks.contains(node.operatorType)
            || (Self.reshapesOfMasks.contains(node.operatorType) && place == 0)
        else { continue }
        for case let output? in node.outputs where seen.insert(output).inserted {
          stack.append(output)
        }
      }
    }
    return false
  }

  private static let elementwiseOfMasks: Set<String> = [
    "Add", "Sub", "Mul", "Div", "Neg", "Min", "Max", "Clip", "Where", "Cast", "CastLike",
    "Identity", "Not", "And", "Or", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
    "Concat",
  ]
  private static let reshapesOfMasks: Set<String> = [
    "Reshape", "Flatten", "Transpose", "Unsqueeze", "Squeeze", "Expand", "Slice", "Gather",
    "GatherND", "GatherElements", "Tile",
  ]
}
