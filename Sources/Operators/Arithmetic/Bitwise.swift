package import GraphIR
import Kernels
import Tensors

/// C = f(A, B) of the bits of integers, with multidirectional broadcasting.
///
/// Shapes: A, B any two that broadcast; C their common shape.
/// Types: all integers of whole bytes.
/// Source: ONNX BitwiseAnd-18, BitwiseOr-18, BitwiseXor-18.
package struct BitwiseOperator<Definition: BitwiseDefinition>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, since: 18, inputs: 2...2)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([try inferIntegers(Definition.name, inputs)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let c = outputs[0]
    switch c.elementType.movableByteCount {
    case 1: map(UInt8.self, inputs, c)
    case 2: map(UInt16.self, inputs, c)
    case 4: map(UInt32.self, inputs, c)
    default: map(UInt64.self, inputs, c)
    }
  }

  private func map<Bits: FixedWidthInteger>(
    _ type: Bits.Type, _ inputs: [TensorView?], _ c: MutableTensorView
  ) {
    Broadcast.map(
      inputs[0]!.start(as: Bits.self), strides: inputs[0]!.strides(broadcastTo: c.shape),
      inputs[1]!.start(as: Bits.self), strides: inputs[1]!.strides(broadcastTo: c.shape),
      into: c.start(as: Bits.self), shape: c.shape
    ) { Definition.apply($0, $1) }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0, 1] }
}

/// The connective that a `BitwiseOperator` applies.
package protocol BitwiseDefinition: Sendable {
  static var name: String { get }
  static func apply<Bits: FixedWidthInteger>(_ x: Bits, _ y: Bits) -> Bits
}

/// Bits that both have.
package enum BitwiseAnd: BitwiseDefinition {
  package static let name = "BitwiseAnd"
  package static func apply<Bits: FixedWidthInteger>(_ x: Bits, _ y: Bits) -> Bits { x & y }
}

/// Bits that either has.
package enum BitwiseOr: BitwiseDefinition {
  package static let name = "BitwiseOr"
  package static func apply<Bits: FixedWidthInteger>(_ x: Bits, _ y: Bits) -> Bits { x | y }
}

/// Bits that one alone has.
package enum BitwiseXor: BitwiseDefinition {
  package static let name = "BitwiseXor"
  package static func apply<Bits: FixedWidthInteger>(_ x: Bits, _ y: Bits) -> Bits { x ^ y }
}

/// Y = X with every bit turned.
///
/// Shapes: X, Y [any].
/// Types: all integers of whole bytes.
/// Source: ONNX BitwiseNot-18.
package struct BitwiseNot: Operator {
  package static let signature = OperatorSignature("BitwiseNot", since: 18, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("BitwiseNot", supports: type.elementType, type.elementType.isInteger)
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    switch y.elementType.movableByteCount {
    case 1: map(UInt8.self, x, y)
    case 2: map(UInt16.self, x, y)
    case 4: map(UInt32.self, x, y)
    default: map(UInt64.self, x, y)
    }
  }

  private func map<Bits: FixedWidthInteger>(
    _ type: Bits.Type, _ x: TensorView, _ y: MutableTensorView
  ) {
    Broadcast.map(
      x.start(as: Bits.self), strides: x.strides, into: y.start(as: Bits.self), shape: y.shape
    ) { ~$0 }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0] }
}

/// Z = X with its bits moved by Y places, with multidirectional broadcasting.
///
/// Attributes: `direction`: "LEFT", filling with zeros, or "RIGHT", filling with the sign.
/// Shapes: X, Y any two that broadcast; Z their common shape.
/// Types: all integers of whole bytes. A negative number of places counts as all of them.
/// Source: ONNX BitShift-11, 28.
package struct BitShift: Operator {
  let movesLeft: Bool

  package static let signature = OperatorSignature("BitShift", since: 11, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let direction = try node.text("direction")
    guard direction == "LEFT" || direction == "RIGHT" else {
      throw OperatorError(
        .invalidAttribute, "direction: expected 'LEFT' or 'RIGHT', got '\(direction)'")
    }
    movesLeft = direction == "LEFT"
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([try inferIntegers("BitShift", inputs)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let z = outputs[0]
    switch z.elementType {
    case .int8: shift(Int8.self, inputs, z)
    case .int16: shift(Int16.self, inputs, z)
    case .int32: shift(Int32.self, inputs, z)
    case .int64: shift(Int64.self, inputs, z)
    case .uint8: shift(UInt8.self, inputs, z)
    case .uint16: shift(UInt16.self, inputs, z)
    case .uint32: shift(UInt32.self, inputs, z)
    default: shift(UInt64.self, inputs, z)
    }
  }

  private func shift<Bits: FixedWidthInteger>(
    _ type: Bits.Type, _ inputs: [TensorView?], _ z: MutableTensorView
  ) {
    let movesLeft = movesLeft
    Broadcast.map(
      inputs[0]!.start(as: Bits.self), strides: inputs[0]!.strides(broadcastTo: z.shape),
      inputs[1]!.start(as: Bits.self), strides: inputs[1]!.strides(broadcastTo: z.shape),
      into: z.start(as: Bits.self), shape: z.shape
    ) { x, places in
      let count = places < 0 || places >= Bits.bitWidth ? Bits.bitWidth : Int(places)
      return movesLeft ? x << count : x >> count
    }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0, 1] }
}

/// The type of what comes of two integers of one type.
private func inferIntegers(
  _ name: String, _ inputs: [Operand?]
) throws(OperatorError) -> ArrayType {
  let (a, b) = (inputs[0]!.type, inputs[1]!.type)
  try expectSameType(a, b)
  try expect(name, supports: a.elementType, a.elementType.isInteger)
  return try ArrayType(a.elementType, broadcastShape(a.shape, b.shape)).checked()
}
