extension Tensor {
  /// The element types that `init(rounding:to:shape:)` makes.
  package static let roundedTypes: Set<ElementType> = [.float, .double, .float16, .bfloat16]

  /// Numbers rounded to nearest, ties to even, in a type of floating point; `nil` for other types.
  /// They are as many as the shape has elements; NaN stays NaN.
  package init?(rounding values: [Float], to type: ElementType, shape: [Int]) {
    let patterns: [UInt16]
    switch type {
    case .float:
      self = Tensor(values, shape: shape)
      return
    case .double:
      self = Tensor(values.map(Double.init), shape: shape)
      return
    case .float16: patterns = values.map { Float16($0).bitPattern }
    case .bfloat16:
      patterns = values.map { value in
        if value.isNaN { return 0x7fc0 }
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
      }
    default: return nil
    }
    let bytes = patterns.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
    guard let tensor = try? Tensor(type, shape: shape, region: ByteRegion(copying: bytes)) else {
      return nil
    }
    self = tensor
  }

  /// The elements in double, exactly; `nil` for types that `init(rounding:to:shape:)` does not make.
  package var numbers: [Double]? {
    switch elementType {
    case .float: elements(as: Float.self).map(Double.init)
    case .double: elements(as: Double.self)
    case .float16: halves.map { Double(Float16(bitPattern: $0)) }
    case .bfloat16: halves.map { Double(Float(bitPattern: UInt32($0) << 16)) }
    default: nil
    }
  }

  private var halves: [UInt16] {
    let bytes = region.bytes
    return (0..<count).map { bytes.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
  }
}
