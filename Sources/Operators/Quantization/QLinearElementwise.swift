package import GraphIR
import Kernels
import Tensors

/// C = f(A, B) of the numbers behind eight-bit codes, with multidirectional broadcasting.
///
/// Shapes: A, B any two that broadcast, C their common shape; inputs A, A_scale, A_zero_point, B,
/// B_scale, B_zero_point, C_scale, C_zero_point, the zero points optional.
/// Types: int8 or uint8, one for all; scales float.
/// Precision: as `EightBitScale`. onnxruntime multiplies by the quotient of scales in QLinearMul, which
/// may round a tie to the other side.
/// Source: onnxruntime's QLinearAdd-1 and QLinearMul-1.
package struct QLinearBinary<Definition: QLinearBinaryDefinition>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(
      Definition.name, domain: MicrosoftDomain.name, inputs: 7...8, optional: [2, 5])
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    let (a, b) = (types[0]!, types[3]!)
    try expectSameType(a, b)
    for place in [1, 4, 6] {
      try EightBitScale.expect(
        Definition.name, a.elementType, scale: types[place]!, zero: types.input(place + 1))
    }
    return .types([try ArrayType(a.elementType, broadcastShape(a.shape, b.shape)).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (a, b, c) = (inputs[0]!, inputs[3]!, outputs[0])
    let type = c.elementType
    let left = try EightBitScale(type, scale: inputs[1]!, zero: inputs[2]).numbers
    let right = try EightBitScale(type, scale: inputs[4]!, zero: inputs[5]).numbers
    let target = try EightBitScale(type, scale: inputs[6]!, zero: inputs.input(7))
    left.withUnsafeBufferPointer { left in
      right.withUnsafeBufferPointer { right in
        Broadcast.map(
          a.start(as: UInt8.self), strides: a.strides(broadcastTo: c.shape),
          b.start(as: UInt8.self), strides: b.strides(broadcastTo: c.shape),
          into: c.start(as: UInt8.self), shape: c.shape
        ) { target.code(Definition.apply(left[Int($0)], right[Int($1)])) }
      }
    }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool {
    [0, 3].contains(input) && hasUnitRuns(layout)
  }
}

/// The function that a `QLinearBinary` applies.
package protocol QLinearBinaryDefinition: Sendable {
  static var name: String { get }
  static func apply(_ x: Float, _ y: Float) -> Float
}

/// x + y.
package enum QLinearAdd: QLinearBinaryDefinition {
  package static let name = "QLinearAdd"
  package static func apply(_ x: Float, _ y: Float) -> Float { x + y }
}

/// x · y.
package enum QLinearMul: QLinearBinaryDefinition {
  package static let name = "QLinearMul"
  package static func apply(_ x: Float, _ y: Float) -> Float { x * y }
}

/// Y = f(X) of the numbers behind eight-bit codes: one code for each.
///
/// Shapes: X, Y [any]; inputs X, X_scale, X_zero_point, Y_scale, Y_zero_point, the zero points optional.
/// Types: int8 or uint8, one for all; scales float.
/// Precision: as `EightBitScale`, the function in double.
/// Source: onnxruntime's QLinearSigmoid-1 and QLinearLeakyRelu-1.
package struct QLinearUnary<Definition: QLinearUnaryDefinition>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(
      Definition.name, domain: MicrosoftDomain.name, inputs: 4...5, optional: [2])
  }

  private let definition: Definition

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    definition = try Definition(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    for place in [1, 3] {
      try EightBitScale.expect(
        Definition.name, types[0]!.elementType, scale: types[place]!,
        zero: types.input(place + 1))
    }
    return .types([types[0]!])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    let source = try EightBitScale(y.elementType, scale: inputs[1]!, zero: inputs[2])
    let target = try EightBitScale(y.elementType, scale: inputs[3]!, zero: inputs.input(4))
    let codes = source.numbers.map { target.code(Float(definition.apply(Double($0)))) }
    codes.withUnsafeBufferPointer { codes in
      Broadcast.map(
        x.start(as: UInt8.self), strides: x.strides, into: y.start(as: UInt8.self), shape: y.shape
      ) { codes[Int($0)] }
    }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool {
    input == 0 && hasUnitRuns(layout)
  }
  package var overwritableInputs: [Int] { [0] }
}

/// The function that a `QLinearUnary` applies.
package protocol QLinearUnaryDefinition: Sendable {
  static var name: String { get }
  init(_ node: Node) throws(OperatorError)
  func apply(_ x: Double) -> Double
}

/// 1 / (1 + exp(-x)).
package struct QLinearSigmoid: QLinearUnaryDefinition {
  package static let name = "QLinearSigmoid"
  private let sigmoid: Sigmoid
  package init(_ node: Node) throws(OperatorError) { sigmoid = Sigmoid() }
  package func apply(_ x: Double) -> Double { sigmoid.apply(x) }
}

/// x, or alpha · x below zero. Attributes: alpha (0.01).
package struct QLinearLeakyRelu: QLinearUnaryDefinition {
  package static let name = "QLinearLeakyRelu"
  private let alpha: Float
  package init(_ node: Node) throws(OperatorError) {
    alpha = try node.number("alpha", default: 0.01)
  }
  package func apply(_ x: Double) -> Double { x >= 0 ? x : Double(alpha) * x }
}

/// Z = X where the condition holds, Y elsewhere, in the codes of Z.
///
/// Shapes: condition, X, Y any three that broadcast, Z their common shape; inputs condition, X, x_scale,
/// x_zero_point, Y, y_scale, y_zero_point, z_scale, z_zero_point.
/// Types: condition bool; X, Y, Z int8 or uint8, one for all; scales float.
/// Precision: as `EightBitScale`.
/// Source: onnxruntime's QLinearWhere-1.
package struct QLinearWhere: Operator {
  package static let signature = OperatorSignature(
    "QLinearWhere", domain: MicrosoftDomain.name, inputs: 9...9)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0!.type }
    let (condition, x, y) = (types[0], types[1], types[4])
    try expect("QLinearWhere", supports: condition.elementType, condition.elementType == .bool)
    try expectSameType(x, y)
    for place in [2, 5, 7] {
      try EightBitScale.expect(
        "QLinearWhere", x.elementType, scale: types[place], zero: types[place + 1])
    }
    let shape = try broadcastShape(condition.shape, broadcastShape(x.shape, y.shape))
    return .types([try ArrayType(x.elementType, shape).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (condition, x, y, z) = (inputs[0]!, inputs[1]!, inputs[4]!, outputs[0])
    let target = try EightBitScale(z.elementType, scale: inputs[7]!, zero: inputs[8])
    let xCodes = try EightBitScale(z.elementType, scale: inputs[2]!, zero: inputs[3]).numbers
      .map(target.code)
    let yCodes = try EightBitScale(z.elementType, scale: inputs[5]!, zero: inputs[6]).numbers
      .map(target.code)
    xCodes.withUnsafeBufferPointer { xCodes in
      yCodes.withUnsafeBufferPointer { yCodes in
        Broadcast.map(
          condition.start(as: UInt8.self), strides: condition.strides(broadcastTo: z.shape),
          x.start(as: UInt8.self), strides: x.strides(broadcastTo: z.shape),
          y.start(as: UInt8.self), strides: y.strides(broadcastTo: z.shape),
          into: z.start(as: UInt8.self), shape: z.shape
        ) { $0 != 0 ? xCodes[Int($1)] : yCodes[Int($2)] }
      }
    }
  }
}
