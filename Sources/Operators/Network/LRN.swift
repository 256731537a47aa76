import Glibc
package import GraphIR
import Tensors

/// y = x / (bias + alpha / size · Σ x²)^beta, summed over the `size` channels around each.
///
/// Shapes: x and y [N, C, spatial…].
/// Attributes: size, alpha (1e-4), beta (0.75), bias (1).
/// Types: float.
/// Precision: sums in double.
/// Source: ONNX LRN-1, 13.
package struct LRN: Operator {
  package static let signature = OperatorSignature("LRN", inputs: 1...1)

  private let size: Int
  private let alpha: Float
  private let beta: Float
  private let bias: Float

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    size = try node.integer("size")
    alpha = try node.number("alpha", default: 1e-4)
    beta = try node.number("beta", default: 0.75)
    bias = try node.number("bias", default: 1)
    guard size > 0 else {
      throw OperatorError(.invalidAttribute, "attribute 'size' must be positive, got \(size)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("LRN", supports: type.elementType, type.elementType == .float)
    guard type.shape.count >= 2 else {
      throw OperatorError(.shapeMismatch, "expected at least two axes, got \(type.shape)")
    }
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let x = inputs[0]!.elements(of: Float.self)
    let y = outputs[0].elements(of: Float.self)
    guard !y.isEmpty else { return }
    let (channels, inner) = (outputs[0].shape[1], outputs[0].shape[2...].reduce(1, *))
    for sample in 0..<outputs[0].shape[0] {
      for channel in 0..<channels {
        let first = max(0, channel - (size - 1) / 2)
        let last = channel + min(channels - 1 - channel, size / 2)
        for i in 0..<inner {
          var squares = 0.0
          for other in first...last {
            let value = Double(x[(sample * channels + other) * inner + i])
            squares += value * value
          }
          let index = (sample * channels + channel) * inner + i
          let base = Double(bias) + Double(alpha) / Double(size) * squares
          y[index] = Float(Double(x[index]) / pow(base, Double(beta)))
        }
      }
    }
  }
}
