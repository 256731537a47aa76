package import GraphIR
import Tensors

/// Folds a normalisation by stored statistics into the convolution before it.
///
///     c = Conv(x, w, b)
///     y = BatchNormalization(c, scale, shift, mean, variance)      →   y = Conv(x, w2, b2)
///
/// where w2 = a w per output channel, b2 = a (b − mean) + shift, a = scale / √(variance + epsilon).
/// Precision: computed in double and rounded once.
package struct FuseBatchNormalization: RewriteRule {
  package static let name = "fuse-batch-normalization"

  package init() {}

  package func patch(
    at root: NodeID, in graph: Graph, _ context: RewriteContext
  ) throws(MatchFailure) -> GraphPatch {
    let normalization = graph[root]
    guard normalization.is("BatchNormalization") else {
      throw MatchFailure("expected a BatchNormalization node")
    }
    guard normalization.hasOneOutput, normalization.int("training_mode") ?? 0 == 0 else {
      throw MatchFailure("the node trains")
    }
    guard let c = normalization.input(0), let id = graph.node(computing: c, "Conv") else {
      throw MatchFailure("expected a convolution before")
    }
    guard graph.isReadOnce(c) else { throw MatchFailure("the convolution is read elsewhere") }
    var conv = graph[id]
    guard let weight = conv.input(1), let w = context.constant(weight, in: graph),
      w.elementType == .float, w.shape.count >= 3
    else { throw MatchFailure("expected constant weights") }
    let channels = w.shape[0]
    func vector(_ value: ValueID?) throws(MatchFailure) -> [Double] {
      guard let tensor = context.floats(value, rank: 1, in: graph), tensor.count == channels else {
        throw MatchFailure("expected constant statistics, one per channel")
      }
      return tensor.elements(as: Float.self).map(Double.init)
    }
    let scale = try vector(normalization.input(1))
    let shift = try vector(normalization.input(2))
    let mean = try vector(normalization.input(3))
    let variance = try vector(normalization.input(4))
    var bias: [Double]?
    if let value = conv.input(2) { bias = try vector(value) }
    let epsilon = Double(normalization.float("epsilon") ?? 1e-5)
    let factors: [Double] = (0..<channels).map { channel in
      scale[channel] / (variance[channel] + epsilon).squareRoot()
    }
    let depth = channels == 0 ? 0 : w.count / channels
    var elements = w.elements(as: Float.self)
    for channel in 0..<channels {
      for index in channel * depth..<(channel + 1) * depth {
        elements[index] = Float(Double(elements[index]) * factors[channel])
      }
    }
    let biases: [Float] = (0..<channels).map { channel in
      let centered: Double = (bias?[channel] ?? 0) - mean[channel]
      return Float(factors[channel] * centered + shift[channel])
    }
    var patch = GraphPatch(Self.name, of: graph)
    conv.inputs = [
      conv.input(0),
      patch.addInitializer(graph[weight].name + "_normalized", Tensor(elements, shape: w.shape)),
      patch.addInitializer(graph[weight].name + "_bias", Tensor(biases)),
    ]
    patch.substitute(conv, for: root, interior: [id], in: graph)
    return patch
  }
}
