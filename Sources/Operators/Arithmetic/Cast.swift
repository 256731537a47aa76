package import GraphIR
import Kernels
import Tensors

/// Y = X in another element type.
///
/// Attributes: `to`. Before version 6 it is a name and not supported.
/// Shapes: X, Y [any].
/// Precision: floats round to nearest, ties to even, and overflow to infinity; floats become integers
/// by truncation, beyond the limits the nearest limit and NaN zero; integers keep their low bits;
/// everything but zero is true.
package struct Cast: Operator {
  let to: ElementType

  package static let signature = OperatorSignature("Cast", since: 6, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    guard let to = try node.elementType("to") else {
      throw OperatorError(.invalidAttribute, "attribute 'to' is missing")
    }
    self.to = to
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([try castType("Cast", inputs[0]!.type, to: to)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try convert(inputs[0]!, into: outputs[0])
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
}

/// Y = X in the element type of `target`.
///
/// Shapes: X, Y, target [any].
/// Precision: as `Cast`.
package struct CastLike: Operator {
  package static let signature = OperatorSignature("CastLike", since: 15, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    .types([try castType("CastLike", inputs[0]!.type, to: inputs[1]!.type.elementType)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try convert(inputs[0]!, into: outputs[0])
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool {
    input == 1 || hasUnitRuns(layout)
  }
}

private func castType(
  _ name: String, _ type: ArrayType, to target: ElementType
) throws(OperatorError) -> ArrayType {
  for type in [type.elementType, target] {
    try expect(name, supports: type, type.isNumeric || type == .bool)
  }
  return try ArrayType(target, type.shape).checked()
}

/// Converts every element of a view.
private func convert(_ x: TensorView, into y: MutableTensorView) throws(OperatorError) {
  if x.elementType == y.elementType {
    return StridedCopy.copy(
      x.bytePointer, strides: x.strides, into: y.buffer, shape: y.shape,
      elementSize: y.elementType.movableByteCount!)
  }
  if y.elementType == .float16, x.elementType == .double {
    return Broadcast.map(
      x.start(as: Double.self), strides: x.strides, into: y.start(as: Float16.self), shape: y.shape
    ) { Float16($0) }
  }
  try computingInFloat([x], [y]) { (inputs, outputs) throws(OperatorError) in
    let (x, y) = (inputs[0]!, outputs[0])
    switch x.elementType {
    case .bool: convert(x, into: y) { (x: UInt8) -> UInt8 in x == 0 ? 0 : 1 }
    case .double: convert(x, into: y) { (x: Double) in x }
    case .int8: convert(x, into: y) { (x: Int8) in x }
    case .int16: convert(x, into: y) { (x: Int16) in x }
    case .int32: convert(x, into: y) { (x: Int32) in x }
    case .int64: convert(x, into: y) { (x: Int64) in x }
    case .uint8: convert(x, into: y) { (x: UInt8) in x }
    case .uint16: convert(x, into: y) { (x: UInt16) in x }
    case .uint32: convert(x, into: y) { (x: UInt32) in x }
    case .uint64: convert(x, into: y) { (x: UInt64) in x }
    default: convert(x, into: y) { (x: Float) in x }
    }
  }
}

private func convert<Source: NumericElement>(
  _ x: TensorView, into y: MutableTensorView, _ read: (Source) -> Source
) {
  switch y.elementType {
  case .bool:
    Broadcast.map(
      x.start(as: Source.self), strides: x.strides, into: y.start(as: UInt8.self), shape: y.shape
    ) { read($0) == Source.zero ? 0 : 1 }
  case .float: convert(x, into: y, read, Float.self)
  case .double: convert(x, into: y, read, Double.self)
  default: convert(x, into: y, read, y.elementType.numeric)
  }
}

private func convert<Source: NumericElement, Target: NumericElement>(
  _ x: TensorView, into y: MutableTensorView, _ read: (Source) -> Source, _ target: Target.Type
) {
  Broadcast.map(
    x.start(as: Source.self), strides: x.strides, into: y.start(as: Target.self), shape: y.shape
  ) { x in
    Source.isInteger ? Target(wrapping: read(x).wide) : Target(nearest: read(x).double)
  }
}
