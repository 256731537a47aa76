package import GraphIR
import Kernels
import Tensors

/// Y = activation((X − mean) / √(variance + epsilon) · gamma + beta), over each group of channels of each
/// sample.
///
/// Shapes: X and Y [N, H, W, C] or, with channels_last 0, [N, C, H, W]; gamma and beta [C].
/// Attributes: groups; activation (0: none, 1: x sigmoid(x)); channels_last (1); epsilon (1e-5).
/// Types: float16, bfloat16, float; gamma and beta may be of another than X.
/// Precision: sums in double, the rest in float and rounded once.
/// Source: onnxruntime's GroupNorm-1.
package struct GroupNorm: Operator {
  package static let signature = OperatorSignature(
    "GroupNorm", domain: MicrosoftDomain.name, inputs: 3...3)

  private let groups: Int
  private let epsilon: Float
  private let activates, isChannelsLast: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    groups = try node.integer("groups")
    epsilon = try node.number("epsilon", default: 1e-5)
    activates = try node.flag("activation", default: false)
    isChannelsLast = try node.flag("channels_last", default: true)
    guard groups > 0 else {
      throw OperatorError(.invalidAttribute, "attribute 'groups' must be positive, got \(groups)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    for operand in inputs {
      let type = operand!.type.elementType
      try expect("GroupNorm", supports: type, type.isFloatingPoint && type != .double)
    }
    guard type.shape.count == 4 else {
      throw OperatorError(.shapeMismatch, "expected four axes, got \(type.shape)")
    }
    let channels = type.shape[isChannelsLast ? 3 : 1]
    guard channels % groups == 0 else {
      throw OperatorError(
        .shapeMismatch, "channels do not fit \(groups) groups, got \(type.shape)")
    }
    for operand in inputs.dropFirst() where operand!.type.shape != [channels] {
      throw OperatorError(
        .shapeMismatch,
        "expected gamma and beta of shape [\(channels)], got \(operand!.type.shape)")
    }
    return .types([type])
  }

  package var overwritableInputs: [Int] { [0] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let shape = outputs[0].shape
      let channels = shape[isChannelsLast ? 3 : 1]
      let pixels = outputs[0].count / shape[0] / channels
      let (x, y) = (inputs[0]!.pointer(of: Float.self), outputs[0].start(as: Float.self))
      let (gamma, beta) = (inputs[1]!.pointer(of: Float.self), inputs[2]!.pointer(of: Float.self))
      let width = channels / groups
      for sample in 0..<shape[0] {
        for group in 0..<groups {
          let first = group * width
          normalize(
            x + sample * channels * pixels, y + sample * channels * pixels, first..<first + width,
            channels, pixels, gamma, beta)
        }
      }
      if activates { UnaryFunction.silu.apply(y, into: y, count: outputs[0].count) }
    }
  }

  private func normalize(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ group: Range<Int>,
    _ channels: Int, _ pixels: Int, _ gamma: UnsafePointer<Float>, _ beta: UnsafePointer<Float>
  ) {
    // Neighbours in memory are the channels of a pixel, or the pixels of a channel.
    let runs = isChannelsLast ? pixels : group.count
    let count = isChannelsLast ? group.count : pixels
    func start(_ run: Int) -> Int {
      isChannelsLast ? run * channels + group.lowerBound : (group.lowerBound + run) * pixels
    }
    let total = Double(runs * count)
    var (sum, squares) = (0.0, 0.0)
    for run in 0..<runs { for i in start(run)..<start(run) + count { sum += Double(x[i]) } }
    let mean = sum / total
    for run in 0..<runs {
      for i in start(run)..<start(run) + count {
        let difference = Double(x[i]) - mean
        squares += difference * difference
      }
    }
    let inverse = Float(1 / (squares / total + Double(epsilon)).squareRoot())
    for run in 0..<runs {
      let place = start(run)
      for i in 0..<count {
        let channel = group.lowerBound + (isChannelsLast ? i : run)
        y[place + i] = (x[place + i] - Float(mean)) * inverse * gamma[channel] + beta[channel]
      }
    }
  }
}
