package import GraphIR
import Tensors

/// Y = the discrete Fourier transforms of frames of a signal, each multiplied by a window.
///
/// Attributes: `onesided` (1): of a real signal only the first half of each spectrum.
/// Shapes: signal [batch, L, 1 or 2], where the last axis holds real and imaginary parts; frame_step [];
/// window [N] (ones); frame_length [] (that of the window, or of the signal);
/// Y [batch, (L - N) / frame_step + 1, N or N / 2 + 1, 2].
/// Types: float, double, float16, bfloat16.
/// Precision: as `FourierTransform`, in double, rounded once.
/// Source: ONNX STFT-17.
package struct STFT: Operator {
  let isOneSided: Bool

  package static let signature = OperatorSignature("STFT", since: 17, inputs: 2...4)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    isOneSided = try node.flag("onesided", default: true)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("STFT", supports: type.elementType, type.elementType.isFloatingPoint)
    guard type.shape.count == 3, type.shape[2] == 1 || type.shape[2] == 2 else {
      throw OperatorError(
        .shapeMismatch, "expected a batch of real or complex signals, got \(type.shape)")
    }
    guard !isOneSided || type.shape[2] == 1 else {
      throw OperatorError(
        .shapeMismatch, "one side of a spectrum: expected real numbers, got \(type.shape)")
    }
    if let window = inputs.input(2)?.type {
      try expectSameType(type, window)
      guard window.shape.count == 1 else {
        throw OperatorError(.shapeMismatch, "window: expected one axis, got \(window.shape)")
      }
    }
    guard let (step, length) = try settings(inputs) else { return .dependsOnContents }
    let frames = (type.shape[1] - length) / step + 1
    return .types([
      try ArrayType(
        type.elementType, [type.shape[0], frames, isOneSided ? length / 2 + 1 : length, 2]
      ).checked()
    ])
  }

  /// The distance between frames and their length, or `nil` where they are not known.
  private func settings(
    _ inputs: [Operand?]
  ) throws(OperatorError) -> (step: Int, length: Int)? {
    let window = inputs.input(2)?.type.shape[0]
    var length = window ?? inputs[0]!.type.shape[1]
    if let operand = inputs.input(3) {
      guard let given = try scalar(operand, "frame_length") else { return nil }
      length = given
    }
    guard let step = try scalar(inputs[1]!, "frame_step") else { return nil }
    guard step >= 1 else {
      throw OperatorError(.invalidValue, "frame_step: expected at least 1, got \(step)")
    }
    guard FourierTransform.lengths.contains(length), length <= inputs[0]!.type.shape[1],
      window == nil || window == length
    else {
      throw OperatorError(
        .invalidValue,
        "frames of \(length) do not fit a signal of \(inputs[0]!.type.shape[1])"
          + (window.map { " or a window of \($0)" } ?? ""))
    }
    return (step, length)
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let length = min(outputs[0].shape[2], FourierTransform.lengths.upperBound) * 2
    return saturatingProduct([
      FourierTransform.memoryCount(length) + 2 * max(length, 1), MemoryLayout<Double>.stride,
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let operands = inputs.map { $0.map { Operand($0.type, value: $0.smallContents) } }
    guard let (step, length) = try settings(operands), outputs[0].count > 0 else { return }
    let memory = scratch.bindMemory(to: Double.self).baseAddress!
    let transform = FourierTransform(length: length, memory: memory)
    let line = memory + FourierTransform.memoryCount(length)
    let window = inputs.input(2)
    try computingInFloat([inputs[0], window], outputs) { (inputs, outputs) throws(OperatorError) in
      if inputs[0]!.elementType == .double {
        evaluate(Double.self, inputs[0]!, inputs[1], outputs[0], step, transform, line)
      } else {
        evaluate(Float.self, inputs[0]!, inputs[1], outputs[0], step, transform, line)
      }
    }
  }

  private func evaluate<Element: BinaryFloatingPoint>(
    _ type: Element.Type, _ x: TensorView, _ window: TensorView?, _ y: MutableTensorView,
    _ step: Int, _ transform: FourierTransform, _ line: UnsafeMutablePointer<Double>
  ) {
    let (frames, bins, width) = (y.shape[1], y.shape[2], x.shape[2])
    let weights = window.map { $0.start(as: Element.self) }
    for index in 0..<(y.shape[0] * frames) {
      let place = index / frames * x.shape[1] + index % frames * step
      let source = x.start(as: Element.self) + place * width
      for n in 0..<transform.length {
        let weight = weights.map { Double($0[n]) } ?? 1
        line[2 * n] = Double(source[n * width]) * weight
        line[2 * n + 1] = width == 2 ? Double(source[n * width + 1]) * weight : 0
      }
      transform.apply(line, inverse: false)
      let target = y.start(as: Element.self) + index * bins * 2
      for n in 0..<(2 * bins) { target[n] = Element(line[n]) }
    }
  }
}
