import GraphIR
import Tensors

/// How far what a model computed is from what an ONNX test set expects.
///
/// Numbers are within tolerance where |got − expected| ≤ absolute + relative · |expected|, and where both
/// are NaN or the same infinity. Truth values, strings and integers of less than a byte must be equal.
struct TestSetComparison {
  let relativeTolerance: Double
  let absoluteTolerance: Double
  private(set) var isWithinTolerance = true
  /// The largest difference of two numbers.
  private(set) var largestError = 0.0

  init(relativeTolerance: Double, absoluteTolerance: Double) {
    self.relativeTolerance = relativeTolerance
    self.absoluteTolerance = absoluteTolerance
  }

  /// Takes account of one value, element by element where it has elements.
  ///
  /// - Parameter noun: what messages call the value.
  /// - Throws: `Failure` where the values are of different types.
  mutating func compare(
    _ got: RuntimeValue, with expected: RuntimeValue, _ noun: String
  ) throws(Failure) {
    switch (got, expected) {
    case (.tensor(let a), .tensor(let b))
    where a.elementType == b.elementType && a.shape == b.shape:
      compare(a, with: b)
    case (.sequence(let a), .sequence(let b)) where a.count == b.count:
      for (index, (x, y)) in zip(a, b).enumerated() {
        try compare(x, with: y, "\(noun), element \(index)")
      }
    case (.optional(nil), .optional(nil)): break
    case (.optional(let a?), .optional(let b?)): try compare(a, with: b, "what \(noun) holds")
    default: throw Failure(.malformedInput, "\(noun) is \(got.kind), expected \(expected.kind)")
    }
  }

  private mutating func compare(_ got: Tensor, with expected: Tensor) {
    switch expected.elementType {
    case .int64: compareIntegers(got.elements(as: Int64.self), with: expected.elements())
    case .uint64: compareIntegers(got.elements(as: UInt64.self), with: expected.elements())
    case .complex64, .complex128:
      let (x, y) = (got.numbers ?? [], expected.numbers ?? [])
      for place in stride(from: 0, to: y.count - 1, by: 2) {
        let isSame = (place...place + 1).allSatisfy {
          x[$0] == y[$0] || (x[$0].isNaN && y[$0].isNaN)
        }
        note(
          isSame ? 0 : hypot(x[place] - y[place], x[place + 1] - y[place + 1]),
          beside: hypot(y[place], y[place + 1]))
      }
    default:
      guard let x = got.numbers, let y = expected.numbers else {
        if got.codes != expected.codes || got.strings != expected.strings {
          isWithinTolerance = false
        }
        return
      }
      for (a, b) in zip(x, y) {
        note(a == b || (a.isNaN && b.isNaN) ? 0 : abs(a - b), beside: abs(b))
      }
    }
  }

  private mutating func compareIntegers<Element: FixedWidthInteger>(
    _ got: [Element], with expected: [Element]
  ) {
    for (a, b) in zip(got, expected) {
      // Differences of numbers beyond 2^53 count too.
      let difference = UInt64(truncatingIfNeeded: max(a, b) &- min(a, b))
      note(Double(difference), beside: Double(b.magnitude))
    }
  }

  private mutating func note(_ error: Double, beside expected: Double) {
    largestError = max(largestError, error.isNaN ? .infinity : error)
    // Of infinity, no finite number is within any part.
    let isWithin =
      error == 0
      || error.isFinite && error <= absoluteTolerance + relativeTolerance * expected
    if !isWithin { isWithinTolerance = false }
  }
}

private func hypot(_ x: Double, _ y: Double) -> Double { (x * x + y * y).squareRoot() }

extension Tensor {
  /// The elements as numbers, a complex one as two; `nil` for strings, truth values and integers of less
  /// than a byte.
  fileprivate var numbers: [Double]? {
    switch elementType {
    case .double: elements(as: Double.self)
    case .complex128: words(as: UInt64.self).map { Double(bitPattern: $0) }
    case .float: elements(as: Float.self).map(Double.init)
    case .complex64: words(as: UInt32.self).map { Double(Float(bitPattern: $0)) }
    case .bfloat16: words(as: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .uint64: elements(as: UInt64.self).map(Double.init)
    default:
      if let form = FloatForm(elementType) {
        elementType == .float16
          ? words(as: UInt16.self).map { form.number(Int($0)) } : codes.map(form.number)
      } else {
        integers?.map(Double.init)
      }
    }
  }

  /// The bits of elements of at most a byte, one by one; nothing for all other types.
  fileprivate var codes: [Int] {
    guard let width = elementType.bitWidth, width <= 8 else { return [] }
    let bytes = region.bytes
    return (0..<count).map { index in
      let (byte, shift) = (index * width / 8, index * width % 8)
      let next = shift + width > 8 ? Int(bytes[byte + 1]) << 8 : 0
      return (Int(bytes[byte]) | next) >> shift & (1 << width - 1)
    }
  }

  private func words<Word: FixedWidthInteger & BitwiseCopyable>(as type: Word.Type) -> [Word] {
    let bytes = region.bytes
    return stride(from: 0, to: bytes.count, by: MemoryLayout<Word>.stride).map {
      bytes.loadUnaligned(fromByteOffset: $0, as: Word.self)
    }
  }
}

/// What the codes of a float of at most sixteen bits mean: a sign, an exponent and a fraction.
private struct FloatForm {
  /// Codes that are no finite numbers.
  enum Specials {
    case none
    /// The largest exponent: infinity without a fraction, else NaN.
    case largestExponent
    /// All bits but the sign are set: NaN.
    case allOnes
    /// A negative zero is NaN.
    case negativeZero
  }

  let exponentWidth: Int
  let fractionWidth: Int
  let bias: Int
  let specials: Specials

  init?(_ type: ElementType) {
    switch type {
    case .float16: self.init(5, 10, 15, .largestExponent)
    case .float8e5m2: self.init(5, 2, 15, .largestExponent)
    case .float8e5m2fnuz: self.init(5, 2, 16, .negativeZero)
    case .float8e4m3fn: self.init(4, 3, 7, .allOnes)
    case .float8e4m3fnuz: self.init(4, 3, 8, .negativeZero)
    case .float8e8m0: self.init(8, 0, 127, .allOnes)
    case .float6e3m2: self.init(3, 2, 3, .none)
    case .float6e2m3: self.init(2, 3, 1, .none)
    case .float4e2m1: self.init(2, 1, 1, .none)
    default: return nil
    }
  }

  private init(_ exponentWidth: Int, _ fractionWidth: Int, _ bias: Int, _ specials: Specials) {
    self.exponentWidth = exponentWidth
    self.fractionWidth = fractionWidth
    self.bias = bias
    self.specials = specials
  }

  func number(_ code: Int) -> Double {
    let fraction = code & (1 << fractionWidth - 1)
    let exponent = code >> fractionWidth & (1 << exponentWidth - 1)
    let isNegative = code >> (fractionWidth + exponentWidth) & 1 == 1
    let isLargest = exponent == 1 << exponentWidth - 1
    switch specials {
    case .none: break
    case .largestExponent where isLargest:
      return fraction != 0 ? .nan : isNegative ? -.infinity : .infinity
    case .allOnes where isLargest && fraction == 1 << fractionWidth - 1: return .nan
    case .negativeZero where isNegative && exponent == 0 && fraction == 0: return .nan
    default: break
    }
    // Without a fraction there are no subnormal numbers.
    let isSubnormal = exponent == 0 && fractionWidth > 0
    let significand = isSubnormal ? fraction : fraction | 1 << fractionWidth
    let magnitude = Double(
      sign: .plus, exponent: (isSubnormal ? 1 : exponent) - bias - fractionWidth,
      significand: Double(significand))
    return isNegative ? -magnitude : magnitude
  }
}
