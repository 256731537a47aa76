package import GraphIR
import Kernels
import Tensors

/// y = (x − mean) / √(variance + epsilon) · scale + bias, per channel.
///
/// Shapes: x [N, C, ...], or [N] for one channel; scale, bias, mean and variance [C]; with spatial 0
/// (before version 9) [C, ...], statistics per position.
/// Attributes: epsilon (1e-5), momentum (0.9), spatial (1), training_mode (0); before version 14 a node of
/// more than one output trains. In version 6 is_test must be 1.
/// In training, mean and variance are those of x over all but the channels, and the outputs mean and
/// variance are momentum · (stored ones) + (1 − momentum) · (those of x), the variance being that of the
/// population; before version 14 the two outputs behind them are those of x.
/// Types: float, double; float16 and bfloat16, computed in float. Those of scale and bias, and of the
/// statistics, may differ from that of x.
/// Precision: statistics and factors in double.
/// Source: ONNX BatchNormalization-6, 7, 9, 14, 15.
package struct BatchNormalization: Operator {
  package static let signature = OperatorSignature(
    "BatchNormalization", since: 6, inputs: 5...5, outputs: 1...5)

  private let epsilon: Double
  private let momentum: Double
  private let isSpatial: Bool
  private let trains: Bool
  private let outputCount: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    epsilon = Double(try node.number("epsilon", default: 1e-5))
    momentum = Double(try node.number("momentum", default: 0.9))
    isSpatial = try node.flag("spatial", default: true)
    outputCount = node.outputs.count
    let hasStatistics = node.outputs.dropFirst().contains { $0 != nil }
    if opset < 7 {
      guard try node.flag("is_test", default: false) else {
        throw OperatorError(.unsupported, "BatchNormalization with is_test 0 is not supported")
      }
    }
    if opset < 14 {
      trains = hasStatistics
      return
    }
    trains = try node.flag("training_mode", default: false)
    guard outputCount <= 3, trains || !hasStatistics else {
      throw OperatorError(
        .arity, "expected \(trains ? "1 to 3 outputs" : "1 output"), got \(outputCount)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    for operand in inputs {
      let elementType = operand!.type.elementType
      try expect("BatchNormalization", supports: elementType, elementType.isFloatingPoint)
    }
    guard !type.shape.isEmpty else {
      throw OperatorError(.shapeMismatch, "expected at least one axis, got \(type.shape)")
    }
    let parameters = parameterShape(type.shape)
    for operand in inputs.dropFirst() where operand!.type.shape != parameters {
      throw OperatorError(
        .shapeMismatch, "expected statistics of shape \(parameters), got \(operand!.type.shape)")
    }
    let statistics = ArrayType(inputs[3]!.type.elementType, parameters)
    return .types([type] + Array(repeating: statistics, count: outputCount - 1))
  }

  private func parameterShape(_ shape: [Int]) -> [Int] {
    if shape.count == 1 { return [1] }
    return isSpatial ? [shape[1]] : Array(shape[1...])
  }

  package var overwritableInputs: [Int] { [0] }

  /// Per channel: mean, variance, factor and shift in double, and the latter two in float.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct(
      parameterShape(outputs[0].shape) + [
        4 * MemoryLayout<Double>.stride + 2 * MemoryLayout<Float>.stride
      ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      let memory = scratch.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 64)!
      if outputs[0].elementType == .double {
        normalize(Double.self, inputs.map { $0! }, outputs, memory)
      } else {
        normalize(Float.self, inputs.map { $0! }, outputs, memory)
      }
    }
  }

  @inline(__always)
  private func normalize<Element: NumericElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ inputs: [TensorView], _ outputs: [MutableTensorView],
    _ scratch: UnsafeMutableRawPointer
  ) {
    let (x, y) = (inputs[0].pointer(of: type), outputs[0].start(as: type))
    let channels = parameterShape(inputs[0].shape).reduce(1, *)
    let batch = inputs[0].shape[0]
    let inner = channels == 0 || batch == 0 ? 0 : inputs[0].count / channels / batch
    let mean = scratch.assumingMemoryBound(to: Double.self)
    let (variance, factor) = (mean + channels, mean + 2 * channels)
    let shift = mean + 3 * channels
    let count = Double(batch * inner)
    for c in 0..<channels {
      (mean[c], variance[c]) = (inputs[3].number(at: c), inputs[4].number(at: c))
      if trains {
        var sum = 0.0
        forEachElement(of: c, batch, channels, inner) { sum += Double(x[$0]) }
        let center = sum / count
        var squares = 0.0
        forEachElement(of: c, batch, channels, inner) { index in
          let distance = Double(x[index]) - center
          squares += distance * distance
        }
        let spread = squares / count
        if outputs.count > 1 { outputs[1].set(momentum * mean[c] + (1 - momentum) * center, at: c) }
        if outputs.count > 2 {
          outputs[2].set(momentum * variance[c] + (1 - momentum) * spread, at: c)
        }
        if outputs.count > 3 { outputs[3].set(center, at: c) }
        if outputs.count > 4 { outputs[4].set(spread, at: c) }
        (mean[c], variance[c]) = (center, spread)
      }
      factor[c] = inputs[1].number(at: c) / (variance[c] + epsilon).squareRoot()
      shift[c] = inputs[2].number(at: c) - mean[c] * factor[c]
    }
    if let x = x as? UnsafePointer<Float>, let y = y as? UnsafeMutablePointer<Float> {
      let scales = UnsafeMutableRawPointer(mean + 4 * channels).assumingMemoryBound(to: Float.self)
      for c in 0..<channels {
        (scales[c], scales[channels + c]) = (Float(factor[c]), Float(shift[c]))
      }
      Normalization.scaleAndShiftChannels(
        x, scale: scales, shift: scales + channels, into: y, batch: batch, channels: channels,
        inner: inner)
    } else {
      for c in 0..<channels {
        forEachElement(of: c, batch, channels, inner) { index in
          y[index] = Element(Double(x[index]) * factor[c] + shift[c])
        }
      }
    }
  }

  @inline(__always)
  private func forEachElement(
    of channel: Int, _ batch: Int, _ channels: Int, _ inner: Int, _ body: (Int) -> Void
  ) {
    for n in 0..<batch {
      let start = (n * channels + channel) * inner
      for index in start..<start + inner { body(index) }
    }
  }
}

extension TensorView {
  /// An element of a packed view of `float` or `double`.
  fileprivate func number(at index: Int) -> Double {
    elementType == .double
      ? start(as: Double.self)[index] : Double(start(as: Float.self)[index])
  }
}

extension MutableTensorView {
  /// Sets an element of `float` or `double`.
  fileprivate func set(_ value: Double, at index: Int) {
    if elementType == .double {
      start(as: Double.self)[index] = value
    } else {
      start(as: Float.self)[index] = Float(value)
    }
  }
}
