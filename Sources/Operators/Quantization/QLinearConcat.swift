package import GraphIR
import Tensors

/// Y = the inputs one behind the other along an axis, in the codes of Y.
///
/// Attributes: axis.
/// Shapes: Y_scale, Y_zero_point, then a tensor, its scale and its zero point, again and again; tensors
/// equal but for `axis`, along which Y is as long as all of them.
/// Types: int8 or uint8, one for all; scales float.
/// Precision: as `EightBitScale`.
/// Source: onnxruntime's QLinearConcat-1.
package struct QLinearConcat: Operator {
  package static let signature = OperatorSignature(
    "QLinearConcat", domain: MicrosoftDomain.name, inputs: 5...Int.max)

  private let concat: Concat

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    concat = try Concat(node, opset: 13)
    guard node.inputs.count % 3 == 2 else {
      throw OperatorError(
        .arity, "expected two inputs and three for each tensor, got \(node.inputs.count)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0!.type }
    let type = types[1].elementType
    try EightBitScale.expect("QLinearConcat", type, scale: types[0], zero: types[1])
    for place in stride(from: 2, to: types.count, by: 3) {
      try EightBitScale.expect(
        "QLinearConcat", type, scale: types[place + 1], zero: types[place + 2])
      try expectSameType(types[1], types[place])
    }
    return try concat.infer(stride(from: 2, to: inputs.count, by: 3).map { inputs[$0] })
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let output = outputs[0]
    let target = try EightBitScale(output.elementType, scale: inputs[0]!, zero: inputs[1])
    let axis = try normalizedAxis(concat.axis, rank: output.shape.count)
    let inner = output.shape[(axis + 1)...].reduce(1, *)
    let outer = output.shape[..<axis].reduce(1, *)
    let row = output.shape[axis] * inner
    var place = 0
    for index in stride(from: 2, to: inputs.count, by: 3) {
      let input = inputs[index]!
      let codes = try EightBitScale(
        output.elementType, scale: inputs[index + 1]!, zero: inputs[index + 2]
      ).numbers.map(target.code)
      let length = input.shape[axis] * inner
      guard length > 0 else { continue }
      for block in 0..<outer {
        let source = input.start(as: UInt8.self) + block * length
        let y = output.start(as: UInt8.self) + block * row + place
        for i in 0..<length { y[i] = codes[Int(source[i])] }
      }
      place += length
    }
  }
}
