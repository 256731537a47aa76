package import GraphIR
import Tensors

/// Y = X, and a mask of ones: dropout when it is not training. In training, Y = X mask / (1 - ratio)
/// with a mask of truth values that are false with the probability `ratio`.
///
/// Attributes: `seed` as `RandomOperator`; `ratio` before version 12, without meaning here. From 12 on
/// `ratio` (0.5) and `training_mode` (false) are inputs.
/// Shapes: X, Y, mask [any]; ratio, training_mode [].
/// Types: float, double, float16, bfloat16; the mask bool from 10 on, of X's type before.
/// Throws: `OperatorError.invalidValue` where the ratio is not within [0, 1).
/// Source: ONNX Dropout-7, 10, 12, 13, 22.
package struct Dropout: ViewOperator {
  let outputCount: Int
  let masksWithTruthValues: Bool
  private let numbers: RandomNumbers

  package static let signature = OperatorSignature(
    "Dropout", since: 7, inputs: 1...3, outputs: 1...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    outputCount = node.outputs.count
    masksWithTruthValues = opset >= 10
    guard opset >= 12 || node.inputs.count == 1 else {
      throw OperatorError(.arity, "expected 1 inputs, got \(node.inputs.count)")
    }
    numbers = try RandomNumbers(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("Dropout", supports: type.elementType, type.elementType.isFloatingPoint)
    if let ratio = inputs.input(1)?.type {
      try expect("Dropout", supports: ratio.elementType, ratio.elementType.isFloatingPoint)
      guard ratio.count == 1 else {
        throw OperatorError(.shapeMismatch, "ratio: expected one element, got \(ratio.shape)")
      }
    }
    if let mode = inputs.input(2)?.type {
      guard mode.elementType == .bool, mode.count == 1 else {
        throw OperatorError(.typeMismatch, "training_mode: expected bool[], got \(mode)")
      }
    }
    let mask = ArrayType(masksWithTruthValues ? .bool : type.elementType, type.shape)
    return .types(Array([type, mask].prefix(outputCount)))
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    guard outputCount == 1 else { return nil }
    if operands.count > 2, let mode = operands[2] {
      guard let value = mode.value, value.region.bytes.allSatisfy({ $0 == 0 }) else { return nil }
    }
    return [input]
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    if let mode = inputs.input(2), mode.start(as: UInt8.self)[0] != 0 {
      return try train(inputs, outputs)
    }
    inputs[0]!.copy(into: outputs[0])
    guard outputCount == 2 else { return }
    let mask = outputs[1]
    switch mask.elementType {
    case .double: mask.start(as: Double.self).update(repeating: 1, count: mask.count)
    case .float: mask.start(as: Float.self).update(repeating: 1, count: mask.count)
    case .float16: mask.start(as: UInt16.self).update(repeating: 0x3C00, count: mask.count)
    case .bfloat16: mask.start(as: UInt16.self).update(repeating: 0x3F80, count: mask.count)
    default: mask.start(as: UInt8.self).update(repeating: 1, count: mask.count)
    }
  }

  private func train(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView]
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let (x, y) = (inputs[0]!, outputs[0])
      var ratio = 0.5
      if let input = inputs[1] {
        ratio =
          input.elementType == .double
          ? input.start(as: Double.self)[0] : Double(input.start(as: Float.self)[0])
      }
      guard ratio >= 0, ratio < 1 else {
        throw OperatorError(.invalidValue, "ratio: expected at least 0 and below 1, got \(ratio)")
      }
      let mask = outputs.count > 1 ? outputs[1].start(as: UInt8.self) : nil
      x.copy(into: y)
      for index in 0..<y.count {
        let keeps = numbers.uniform(index) >= ratio
        mask?[index] = keeps ? 1 : 0
        let factor = keeps ? 1 / (1 - ratio) : 0
        if y.elementType == .double {
          y.start(as: Double.self)[index] *= factor
        } else {
          y.start(as: Float.self)[index] *= Float(factor)
        }
      }
    }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }
}
