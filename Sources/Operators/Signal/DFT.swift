package import GraphIR
import Tensors

/// Y = the discrete Fourier transform of X along an axis, or the inverse transform, divided by its length.
///
/// Attributes: `inverse` (0); `onesided` (0): of a real X only the first half of the spectrum is given,
/// and the inverse takes such a half and gives real numbers; `axis` (1) before version 20, an
/// input since (-2).
/// Shapes: X [any, 1 or 2], where the last axis holds real and imaginary parts; dft_length [] to which
/// X is cut or filled with zeros, the axis' extent where absent, or 2 (extent - 1) for the inverse of a
/// half; axis []; Y [any, 2], or [any, 1] for the inverse of a half.
/// Types: float, double, float16, bfloat16.
/// Precision: as `FourierTransform`, in double, rounded once.
/// Source: ONNX DFT-17, 20.
package struct DFT: Operator {
  let isInverse, isOneSided: Bool
  let axisAttribute: Int?

  package static let signature = OperatorSignature("DFT", since: 17, inputs: 1...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    isInverse = try node.flag("inverse", default: false)
    isOneSided = try node.flag("onesided", default: false)
    axisAttribute = opset < 20 ? try node.integer("axis", default: 1) : nil
    guard opset >= 20 || node.inputs.count <= 2 else {
      throw OperatorError(.arity, "expected 1 to 2 inputs, got \(node.inputs.count)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    var type = inputs[0]!.type
    try expect("DFT", supports: type.elementType, type.elementType.isFloatingPoint)
    let last = type.shape.count - 1
    guard last >= 1, type.shape[last] == 1 || type.shape[last] == 2 else {
      throw OperatorError(
        .shapeMismatch, "expected real or complex numbers on the last axis, got \(type.shape)")
    }
    if isOneSided, (type.shape[last] == 2) != isInverse {
      throw OperatorError(
        .shapeMismatch,
        "one side of a spectrum: expected \(isInverse ? "complex" : "real") numbers, got "
          + "\(type.shape)")
    }
    guard let (axis, length) = try settings(inputs) else { return .dependsOnContents }
    type.shape[axis] = isOneSided && !isInverse ? length / 2 + 1 : length
    type.shape[last] = isOneSided && isInverse ? 1 : 2
    return .types([try type.checked()])
  }

  /// The axis and the transform's length, or `nil` where they are not known.
  private func settings(
    _ inputs: [Operand?]
  ) throws(OperatorError) -> (axis: Int, length: Int)? {
    let shape = inputs[0]!.type.shape
    var axis = axisAttribute ?? -2
    if let operand = inputs.input(2) {
      guard let given = try scalar(operand, "axis") else { return nil }
      axis = given
    }
    axis = try normalizedAxis(axis, rank: shape.count)
    guard axis < shape.count - 1 else {
      throw OperatorError(
        .invalidAttribute, "axis \(axis) of \(shape) holds real and imaginary parts")
    }
    let length: Int
    if let operand = inputs.input(1) {
      guard let given = try scalar(operand, "dft_length") else { return nil }
      length = given
    } else {
      length = isOneSided && isInverse ? 2 * (min(shape[axis], 1 << 30) - 1) : shape[axis]
    }
    guard FourierTransform.lengths.contains(length) else {
      throw OperatorError(.invalidValue, "dft_length: expected 1 to 2^28, got \(length)")
    }
    return (axis, length)
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    // One side has half as many numbers; an axis that is an input may be any.
    let shape = outputs[0].shape
    let rank = shape.count
    let axis = inputs.count > 2 && inputs[2] != nil ? nil : axisAttribute ?? -2
    let extent =
      axis.flatMap { try? normalizedAxis($0, rank: rank) }.map { shape[$0] }
      ?? shape.dropLast().max() ?? 1
    let length = min(extent, FourierTransform.lengths.upperBound) * (isOneSided ? 2 : 1)
    return saturatingProduct([
      FourierTransform.memoryCount(length) + 2 * max(length, 1), MemoryLayout<Double>.stride,
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let operands = inputs.map { $0.map { Operand($0.type, value: $0.smallContents) } }
    guard let (axis, length) = try settings(operands), outputs[0].count > 0 else { return }
    let memory = scratch.bindMemory(to: Double.self).baseAddress!
    let transform = FourierTransform(length: length, memory: memory)
    let line = memory + FourierTransform.memoryCount(length)
    try computingInFloat([inputs[0]], outputs) { (inputs, outputs) throws(OperatorError) in
      if inputs[0]!.elementType == .double {
        evaluate(Double.self, inputs[0]!, outputs[0], axis, transform, line)
      } else {
        evaluate(Float.self, inputs[0]!, outputs[0], axis, transform, line)
      }
    }
  }

  private func evaluate<Element: BinaryFloatingPoint>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView, _ axis: Int,
    _ transform: FourierTransform, _ line: UnsafeMutablePointer<Double>
  ) {
    let length = transform.length
    let (width, resultWidth) = (x.shape.last!, y.shape.last!)
    let (extent, resultExtent) = (x.shape[axis], y.shape[axis])
    let inner = x.shape[(axis + 1)..<(x.shape.count - 1)].reduce(1, *)
    let outer = x.shape[..<axis].reduce(1, *)
    let scale = isInverse ? 1 / Double(length) : 1
    let given = min(extent, length)
    for index in 0..<(outer * inner) {
      let (before, behind) = (index / inner, index % inner)
      let source = x.start(as: Element.self) + (before * extent * inner + behind) * width
      for n in 0..<given {
        line[2 * n] = Double(source[n * inner * width])
        line[2 * n + 1] = width == 2 ? Double(source[n * inner * width + 1]) : 0
      }
      (line + 2 * given).update(repeating: 0, count: 2 * (length - given))
      if isOneSided && isInverse { completeSpectrum(line, length) }
      transform.apply(line, inverse: isInverse)
      let target =
        y.start(as: Element.self) + (before * resultExtent * inner + behind) * resultWidth
      for n in 0..<resultExtent {
        target[n * inner * resultWidth] = Element(line[2 * n] * scale)
        if resultWidth == 2 {
          target[n * inner * resultWidth + 1] = Element(line[2 * n + 1] * scale)
        }
      }
    }
  }

  /// Fills the second half of the spectrum of a real signal with the conjugate of the first.
  private func completeSpectrum(_ line: UnsafeMutablePointer<Double>, _ length: Int) {
    for k in 0..<length where 2 * k > length {
      line[2 * k] = line[2 * (length - k)]
      line[2 * k + 1] = -line[2 * (length - k) + 1]
    }
    // Of numbers that are their own conjugates there is a real part only.
    line[1] = 0
    if length % 2 == 0 { line[length + 1] = 0 }
  }
}

/// The one number of an input, or `nil` where it is not constant.
func scalar(_ operand: Operand, _ noun: String) throws(OperatorError) -> Int? {
  let list = try operand.integers(noun)
  guard operand.type.count == 1 else {
    throw OperatorError(
      .shapeMismatch, "\(noun): expected one element, got \(operand.type.shape)")
  }
  return list?.first
}
