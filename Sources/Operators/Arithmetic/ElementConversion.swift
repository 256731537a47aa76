import Kernels
import Tensors

extension ElementType {
  /// Whether elements are numbers or truth values that `convert` reads and writes.
  var isConvertible: Bool { isNumeric || self == .bool || isPacked || NarrowFloat(self) != nil }
}

/// Converts every element of a view, of any types that are `isConvertible`.
///
/// Precision: floats round to nearest, ties to even, and overflow to infinity, narrow ones as
/// `narrowing` says; `bfloat16` is rounded from `float`. Floats become integers by truncation: beyond
/// the limits the nearest limit, for packed integers the low bits; NaN becomes zero. Integers keep
/// their low bits. Everything but zero is true.
func convert(
  _ x: TensorView, into y: MutableTensorView, _ narrowing: Narrowing = Narrowing()
) throws(OperatorError) {
  let (source, target) = (x.elementType, y.elementType)
  if source == target { return x.copy(into: y) }
  if target == .float16, source == .double {
    return Broadcast.map(
      x.start(as: Double.self), strides: x.strides, into: y.start(as: Float16.self), shape: y.shape
    ) { Float16($0) }
  }
  try unpackingElements([x], [y]) { (inputs, outputs) throws(OperatorError) in
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let conversion = ElementConversion(
        x: inputs[0]!, y: outputs[0],
        target: target.isHalf ? .float : target, narrowing: narrowing)
      if let float = NarrowFloat(source) {
        float.numbers.withUnsafeBufferPointer { numbers in
          conversion.apply { (x: UInt8) in numbers[Int(x)] }
        }
      } else {
        conversion.apply()
      }
    }
  }
}

/// A conversion between views whose elements fill whole bytes and are no half-precision floats.
private struct ElementConversion {
  let x: TensorView
  let y: MutableTensorView
  /// What the elements of `y` become, which packed ones are not yet.
  let target: ElementType
  let narrowing: Narrowing

  func apply() {
    switch x.elementType {
    case .bool: apply { (x: UInt8) -> UInt8 in x == 0 ? 0 : 1 }
    case .double: apply { (x: Double) in x }
    case .int8: apply { (x: Int8) in x }
    case .int16: apply { (x: Int16) in x }
    case .int32: apply { (x: Int32) in x }
    case .int64: apply { (x: Int64) in x }
    case .uint8: apply { (x: UInt8) in x }
    case .uint16: apply { (x: UInt16) in x }
    case .uint32: apply { (x: UInt32) in x }
    case .uint64: apply { (x: UInt64) in x }
    default: apply { (x: Float) in x }
    }
  }

  func apply<Stored, Source: NumericElement>(_ read: (Stored) -> Source) {
    if let float = NarrowFloat(target) {
      return map(read) { float.code($0.double, narrowing) }
    }
    if target.isPacked {
      return map(read) {
        UInt8(truncatingIfNeeded: Source.isInteger ? $0.wide : Int64(nearest: $0.double).wide)
      }
    }
    switch target {
    case .bool: map(read) { $0 == Source.zero ? 0 as UInt8 : 1 }
    case .float: map(read, to: Float.self)
    case .double: map(read, to: Double.self)
    case .int32: map(read, to: Int32.self)
    case .int64: map(read, to: Int64.self)
    default: map(read, to: target.numeric)
    }
  }

  private func map<Stored, Source: NumericElement, Target: NumericElement>(
    _ read: (Stored) -> Source, to type: Target.Type
  ) {
    map(read) { x -> Target in
      Source.isInteger ? Target(wrapping: x.wide) : Target(nearest: x.double)
    }
  }

  @inline(__always)
  private func map<Stored, Source, Target>(
    _ read: (Stored) -> Source, _ write: (Source) -> Target
  ) {
    Broadcast.map(
      x.start(as: Stored.self), strides: x.strides, into: y.start(as: Target.self), shape: y.shape
    ) { write(read($0)) }
  }
}
