package import GraphIR
import Kernels
import Tensors

/// output = normalisation of input + skip + bias, over the last axis, by gamma and beta.
///
/// Shapes: input, output and input_skip_bias_sum [B, S, H] or [rows, H]; skip the same, [1, S, H] or
/// [S, H]; gamma, beta and bias [H]; mean and inv_std_var have the input's shape with the last axis 1.
/// Attributes: epsilon (1e-12 of SkipLayerNormalization, 1e-5 of SkipSimplifiedLayerNormalization).
/// Types: float16, bfloat16, float; mean and inv_std_var float.
/// Precision: computed in float and rounded once.
/// Source: onnxruntime's SkipLayerNormalization-1 and SkipSimplifiedLayerNormalization-1, which has no
/// beta and divides by the root mean square.
package struct SkipLayerNormalization<Kind: SkipNormalization>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(
      Kind.name, domain: MicrosoftDomain.name, inputs: 3...(Kind.hasBeta ? 5 : 4), outputs: 1...4)
  }

  private let epsilon: Float
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    epsilon = try node.number("epsilon", default: Kind.epsilon)
    outputCount = node.outputs.count
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (type, skip) = (inputs[0]!.type, inputs[1]!.type)
    try expect(
      Kind.name, supports: type.elementType,
      type.elementType.isFloatingPoint && type.elementType != .double)
    guard let width = type.shape.last, width > 0, (2...3).contains(type.shape.count) else {
      throw OperatorError(.shapeMismatch, "expected two or three axes, got \(type.shape)")
    }
    try expectSameType(type, skip)
    let lacksFirst = type.shape.count == 3 && skip.shape == Array(type.shape.dropFirst())
    guard
      skip.shape == type.shape || lacksFirst
        || (type.shape.count == 3 && skip.shape == [1] + type.shape.dropFirst())
    else {
      throw OperatorError(
        .shapeMismatch, "skip: expected \(type.shape) or one sample of it, got \(skip.shape)")
    }
    for case let parameter? in inputs.dropFirst(2) {
      try expectSameType(type, parameter.type)
      guard parameter.type.shape == [width] else {
        throw OperatorError(
          .shapeMismatch,
          "expected gamma, beta and bias of shape [\(width)], got \(parameter.type.shape)")
      }
    }
    let summary = try ArrayType(.float, type.shape.dropLast() + [1]).checked()
    return .types(Array([type, summary, summary, type].prefix(outputCount)))
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let width = outputs[0].shape[outputs[0].shape.count - 1]
      let rows = outputs[0].count / width
      let (x, skip) = (inputs[0]!.pointer(of: Float.self), inputs[1]!)
      let y: UnsafeMutablePointer<Float> = outputs[0].start()
      let sums = outputs.count > 3 ? outputs[3].start(as: Float.self) : y
      let bias: UnsafePointer<Float>? = inputs.input(Kind.hasBeta ? 4 : 3)?.pointer()
      let epilogue = Epilogue(columnBias: bias)
      let skipRows = skip.count / width
      for row in 0..<rows {
        let sum = sums + row * width
        let (left, right) = (x + row * width, skip.pointer(of: Float.self) + row % skipRows * width)
        for index in 0..<width { sum[index] = left[index] + right[index] }
      }
      epilogue.apply(to: sums, stride: width, rows: rows, columns: width)
      Kind.normalize(
        sums, gamma: inputs[2]!.pointer(), beta: Kind.hasBeta ? inputs.input(3)?.pointer() : nil,
        epsilon: epsilon, into: y, rows: rows, count: width,
        means: outputs.count > 1 ? outputs[1].start() : nil,
        inverseDeviations: outputs.count > 2 ? outputs[2].start() : nil)
    }
  }
}

/// What tells the operators of the family apart.
package protocol SkipNormalization: Sendable {
  static var name: String { get }
  static var hasBeta: Bool { get }
  static var epsilon: Float { get }
  /// Rows of `count` elements, contiguous; x and y may be the same.
  static func normalize(
    _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>?,
    epsilon: Float, into y: UnsafeMutablePointer<Float>, rows: Int, count: Int,
    means: UnsafeMutablePointer<Float>?, inverseDeviations: UnsafeMutablePointer<Float>?)
}

/// By mean and deviation.
package enum Centred: SkipNormalization {
  package static let name = "SkipLayerNormalization"
  package static let hasBeta = true
  package static let epsilon: Float = 1e-12
  package static func normalize(
    _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>?,
    epsilon: Float, into y: UnsafeMutablePointer<Float>, rows: Int, count: Int,
    means: UnsafeMutablePointer<Float>?, inverseDeviations: UnsafeMutablePointer<Float>?
  ) {
    Normalization.layerNormalization(
      x, gamma: gamma, beta: beta, epsilon: epsilon, into: y, rows: rows, count: count,
      means: means, inverseDeviations: inverseDeviations)
  }
}

/// By the root mean square alone.
package enum Simplified: SkipNormalization {
  package static let name = "SkipSimplifiedLayerNormalization"
  package static let hasBeta = false
  package static let epsilon: Float = 1e-5
  package static func normalize(
    _ x: UnsafePointer<Float>, gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>?,
    epsilon: Float, into y: UnsafeMutablePointer<Float>, rows: Int, count: Int,
    means: UnsafeMutablePointer<Float>?, inverseDeviations: UnsafeMutablePointer<Float>?
  ) {
    means?.update(repeating: 0, count: rows)
    if let inverseDeviations {
      for row in 0..<rows {
        inverseDeviations[row] = inverseRootMeanSquare(
          x + row * count, count: count, epsilon: epsilon)
      }
    }
    Normalization.rmsNormalization(
      x, gamma: gamma, epsilon: epsilon, into: y, rows: rows, count: count)
  }
}
