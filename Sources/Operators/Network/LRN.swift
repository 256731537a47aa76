import Glibc
package import GraphIR
import Tensors

/// y = x / (bias + alpha / size · Σ x²)^beta, summed over the `size` channels around each.
///
/// Shapes: x and y [N, C, spatial…].
/// Attributes: size, alpha (1e-4), beta (0.75), bias (1).
/// Types: float, double; float16 and bfloat16, computed in float.
/// Precision: sums and powers in double, rounded once.
/// Source: ONNX LRN-1, 13.
package struct LRN: Operator {
  package static let signature = OperatorSignature("LRN", inputs: 1...1)

  private let size: Int
  private let alpha: Double
  private let beta: Double
  private let bias: Double

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    size = try node.integer("size")
    alpha = Double(try node.number("alpha", default: 1e-4))
    beta = Double(try node.number("beta", default: 0.75))
    bias = Double(try node.number("bias", default: 1))
    guard size > 0 else {
      throw OperatorError(.invalidAttribute, "attribute 'size' must be positive, got \(size)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("LRN", supports: type.elementType, type.elementType.isFloatingPoint)
    guard type.shape.count >= 2 else {
      throw OperatorError(.shapeMismatch, "expected at least two axes, got \(type.shape)")
    }
    return .types([type])
  }

  /// One sum for each position of a plane.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct(outputs[0].shape[2...] + [MemoryLayout<Double>.stride])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      let sums = scratch.baseAddress!.assumingMemoryBound(to: Double.self)
      if outputs[0].elementType == .double {
        normalize(Double.self, inputs[0]!, outputs[0], sums)
      } else {
        normalize(Float.self, inputs[0]!, outputs[0], sums)
      }
    }
  }

  @inline(__always)
  private func normalize<Element: NumericElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView,
    _ sums: UnsafeMutablePointer<Double>
  ) {
    let (source, target) = (x.pointer(of: type), y.start(as: type))
    let (channels, inner) = (y.shape[1], y.shape[2...].reduce(1, *))
    let factor = alpha / Double(size)
    for sample in 0..<y.shape[0] {
      for channel in 0..<channels {
        let first = max(0, channel - (size - 1) / 2)
        let last = channel + min(channels - 1 - channel, size / 2)
        sums.update(repeating: 0, count: inner)
        for other in first...last {
          let row = source + (sample * channels + other) * inner
          for i in 0..<inner { sums[i] += Double(row[i]) * Double(row[i]) }
        }
        let start = (sample * channels + channel) * inner
        for i in 0..<inner {
          let base = bias + factor * sums[i]
          // Of the usual exponent two square roots make the power, at a tenth of the price.
          let power =
            beta == 0.75
            ? base.squareRoot() * base.squareRoot().squareRoot() : pow(base, beta)
          target[start + i] = Element(Double(source[start + i]) / power)
        }
      }
    }
  }
}
