package import GraphIR
import Tensors

/// Y = X, and a mask of ones: dropout when it is not training.
///
/// Attributes: `ratio` before version 12 and `seed`: without meaning here. From 12 on `ratio` and
/// `training_mode` are inputs; a true mode is not supported unless the ratio is 0.
/// Shapes: X, Y, mask [any]; ratio, training_mode [].
/// Versions: the mask is of truth values from 10 on, of X's type before.
package struct Dropout: ViewOperator {
  let outputCount: Int
  let masksWithTruthValues: Bool

  package static let signature = OperatorSignature(
    "Dropout", since: 7, inputs: 1...3, outputs: 1...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    outputCount = node.outputs.count
    masksWithTruthValues = opset >= 10
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("Dropout", supports: type.elementType, type.elementType.isFloatingPoint)
    if inputs.count > 2, let mode = inputs[2] {
      guard mode.type.elementType == .bool, mode.type.count == 1 else {
        throw OperatorError(.typeMismatch, "training_mode: expected bool[], got \(mode.type)")
      }
      if let value = mode.value, TensorView(value).start(as: UInt8.self)[0] != 0 {
        throw OperatorError(.unsupported, "Dropout in training mode is not supported")
      }
    }
    let mask = ArrayType(masksWithTruthValues ? .bool : type.elementType, type.shape)
    return .types(outputCount == 1 ? [type] : [type, mask])
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    guard outputCount == 1, operands.count < 3 || operands[2] == nil || operands[2]?.value != nil
    else { return nil }
    return [input]
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    if inputs.count > 2, let mode = inputs[2], mode.start(as: UInt8.self)[0] != 0 {
      throw OperatorError(.unsupported, "Dropout in training mode is not supported")
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

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }
}
