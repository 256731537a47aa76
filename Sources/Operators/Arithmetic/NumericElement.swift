import Glibc
package import Tensors

/// A number type that operators compute in.
///
/// Integer arithmetic wraps around; nothing traps. Dividing an integer by zero gives zero: operators
/// that divide look for zeros first.
package protocol NumericElement: TensorElement, Comparable {
  static var isInteger: Bool { get }
  /// What an empty maximum gives, and an empty minimum.
  static var lowest: Self { get }
  static var highest: Self { get }

  /// The number nearest to `value`; for integers its whole part, at most the nearest limit, 0 for NaN.
  init(nearest value: Double)
  /// The number nearest to `value`; for integers its low bits.
  init(wrapping value: Int128)
  var double: Double { get }
  /// The whole part of a finite number.
  var wide: Int128 { get }

  static func sum(_ x: Self, _ y: Self) -> Self
  static func difference(_ x: Self, _ y: Self) -> Self
  static func product(_ x: Self, _ y: Self) -> Self
  static func quotient(_ x: Self, _ y: Self) -> Self
  /// The remainder with the divisor's sign, which a zero has too.
  static func modulo(_ x: Self, _ y: Self) -> Self
  /// The remainder with the dividend's sign.
  static func remainder(_ x: Self, _ y: Self) -> Self
  var isNotANumber: Bool { get }
}

extension NumericElement {
  package static var zero: Self { Self(wrapping: 0) }
  package static var one: Self { Self(wrapping: 1) }

  /// The smaller number, or NaN where either is.
  package static func minimum(_ x: Self, _ y: Self) -> Self {
    x.isNotANumber ? x : y.isNotANumber ? y : x < y ? x : y
  }

  /// The larger number, or NaN where either is.
  package static func maximum(_ x: Self, _ y: Self) -> Self {
    x.isNotANumber ? x : y.isNotANumber ? y : x > y ? x : y
  }

  package static func magnitude(_ x: Self) -> Self { x < zero ? difference(zero, x) : x }
}

extension NumericElement where Self: FixedWidthInteger {
  package static var isInteger: Bool { true }
  package static var lowest: Self { min }
  package static var highest: Self { max }
  package init(nearest value: Double) {
    if value.isNaN {
      self = 0
    } else {
      self = Self(exactly: value.rounded(.towardZero)) ?? (value < 0 ? .min : .max)
    }
  }
  package init(wrapping value: Int128) { self.init(truncatingIfNeeded: value) }
  package var double: Double { Double(self) }
  package var wide: Int128 { Int128(self) }
  package static func sum(_ x: Self, _ y: Self) -> Self { x &+ y }
  package static func difference(_ x: Self, _ y: Self) -> Self { x &- y }
  package static func product(_ x: Self, _ y: Self) -> Self { x &* y }
  package static func quotient(_ x: Self, _ y: Self) -> Self {
    y == 0 ? 0 : x.dividedReportingOverflow(by: y).partialValue
  }
  package static func modulo(_ x: Self, _ y: Self) -> Self {
    let rest = remainder(x, y)
    return rest != 0 && (rest < 0) != (y < 0) ? rest &+ y : rest
  }
  package static func remainder(_ x: Self, _ y: Self) -> Self {
    y == 0 ? 0 : x.remainderReportingOverflow(dividingBy: y).partialValue
  }
  package var isNotANumber: Bool { false }
}

extension NumericElement where Self: BinaryFloatingPoint {
  package static var isInteger: Bool { false }
  package static var lowest: Self { -.infinity }
  package static var highest: Self { .infinity }
  package init(nearest value: Double) { self.init(value) }
  package init(wrapping value: Int128) { self.init(value) }
  package var double: Double { Double(self) }
  package var wide: Int128 { Int128(exactly: rounded(.towardZero)) ?? 0 }
  package static func sum(_ x: Self, _ y: Self) -> Self { x + y }
  package static func difference(_ x: Self, _ y: Self) -> Self { x - y }
  package static func product(_ x: Self, _ y: Self) -> Self { x * y }
  package static func quotient(_ x: Self, _ y: Self) -> Self { x / y }
  package static func modulo(_ x: Self, _ y: Self) -> Self {
    let rest = remainder(x, y)
    if rest == 0 { return Self(signOf: y, magnitudeOf: 0) }
    return (rest < 0) != (y < 0) ? rest + y : rest
  }
  package static func remainder(_ x: Self, _ y: Self) -> Self { Self(fmod(Double(x), Double(y))) }
  package var isNotANumber: Bool { isNaN }
}

extension Float: NumericElement {}
extension Double: NumericElement {}
extension Int8: NumericElement {}
extension Int16: NumericElement {}
extension Int32: NumericElement {}
extension Int64: NumericElement {}
extension UInt8: NumericElement {}
extension UInt16: NumericElement {}
extension UInt32: NumericElement {}
extension UInt64: NumericElement {}

extension ElementType {
  /// The Swift type of numbers of this type. Those of 16 floating bits are computed in `Float`, truth
  /// values in `UInt8`.
  var numeric: any NumericElement.Type {
    switch self {
    case .double: Double.self
    case .int8: Int8.self
    case .int16: Int16.self
    case .int32: Int32.self
    case .int64: Int64.self
    case .uint8, .bool: UInt8.self
    case .uint16: UInt16.self
    case .uint32: UInt32.self
    case .uint64: UInt64.self
    default: Float.self
    }
  }

  /// Whether elements are numbers that operators compute with.
  var isNumeric: Bool { isFloatingPoint || isInteger }

  /// Whether elements are integers of whole bytes.
  var isInteger: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }

  /// Whether elements are floats of two bytes.
  var isHalf: Bool { self == .float16 || self == .bfloat16 }

  /// Bytes of an element, where elements of this type can be moved one by one.
  var movableByteCount: Int? {
    guard self != .complex128, let bitWidth, bitWidth % 8 == 0 else { return nil }
    return bitWidth / 8
  }
}

extension TensorView {
  /// The first element, seen as `Element` of the same size.
  func start<Element>(as type: Element.Type = Element.self) -> UnsafePointer<Element> {
    bytePointer.assumingMemoryBound(to: Element.self)
  }

  /// The strides under which the view repeats to `shape`, which inference has found possible.
  func strides(broadcastTo shape: [Int]) -> [Int] { layout.broadcast(to: shape)!.strides }
}

extension MutableTensorView {
  /// The first element, seen as `Element` of the same size.
  func start<Element>(as type: Element.Type = Element.self) -> UnsafeMutablePointer<Element> {
    buffer.assumingMemoryBound(to: Element.self)
  }
}

/// Whether a loop over broadcast operands walks this layout in runs of neighbours or of one element.
func hasUnitRuns(_ layout: Layout) -> Bool {
  guard let last = layout.shape.lastIndex(where: { $0 != 1 }) else { return true }
  return layout.strides[last] == 1 || layout.strides[last] == 0
}
