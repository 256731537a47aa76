package import GraphIR
import Kernels
import Tensors

/// y = (x − mean) / √(variance + epsilon) · scale + bias, per channel, with stored statistics.
///
/// Shapes: x [N, C, ...]; scale, bias, mean and variance [C].
/// Attributes: epsilon (1e-5). Training mode (training_mode 1; before version 14, more than one output) and
/// statistics per position (spatial 0, before version 9) are not supported.
/// Types: float.
/// Source: ONNX BatchNormalization-7, 9, 14, 15.
package struct BatchNormalization: Operator {
  package static let signature = OperatorSignature(
    "BatchNormalization", since: 7, inputs: 5...5, outputs: 1...5)

  private let epsilon: Float

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    epsilon = try node.number("epsilon", default: 1e-5)
    guard try node.flag("spatial", default: true) else {
      throw OperatorError(.unsupported, "BatchNormalization with spatial 0 is not supported")
    }
    guard try !node.flag("training_mode", default: false),
      node.outputs.dropFirst().allSatisfy({ $0 == nil })
    else {
      throw OperatorError(.unsupported, "BatchNormalization in training mode is not supported")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("BatchNormalization", supports: type.elementType, type.elementType == .float)
    guard type.shape.count >= 2 else {
      throw OperatorError(.shapeMismatch, "expected at least two axes, got \(type.shape)")
    }
    for operand in inputs.dropFirst() {
      try expectSameType(type, operand!.type)
      guard operand!.type.shape == [type.shape[1]] else {
        throw OperatorError(
          .shapeMismatch,
          "expected statistics of shape [\(type.shape[1])], got \(operand!.type.shape)")
      }
    }
    return .types([type])
  }

  package var overwritableInputs: [Int] { [0] }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    2 * outputs[0].shape[1] * MemoryLayout<Float>.stride
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let shape = outputs[0].shape
    let channels = shape[1]
    let parameters = inputs[1...].map { $0!.pointer(of: Float.self) }
    let scale = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
    let shift = scale + channels
    for c in 0..<channels {
      scale[c] = parameters[0][c] / (parameters[3][c] + epsilon).squareRoot()
      shift[c] = parameters[1][c] - parameters[2][c] * scale[c]
    }
    Normalization.scaleAndShiftChannels(
      inputs[0]!.pointer(of: Float.self), scale: scale, shift: shift,
      into: outputs[0].elements(of: Float.self).baseAddress!, batch: shape[0], channels: channels,
      inner: shape[2...].reduce(1, *))
  }
}
