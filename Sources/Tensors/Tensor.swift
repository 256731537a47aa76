/// An immutable, contiguous, row-major array of numbers, truth values or strings.
///
/// Copying a tensor copies a reference. The elements may lie in a mapped file at any alignment.
package struct Tensor: Sendable {
  package let elementType: ElementType
  package let shape: [Int]
  /// The packed little-endian elements; empty for strings.
  package let region: ByteRegion
  /// The elements of a string tensor, undecoded; `nil` for every other type.
  package let strings: [[UInt8]]?

  /// The number of elements: the product of the shape.
  package var count: Int { shape.reduce(1, *) }
  package var byteCount: Int { region.count }

  /// A tensor over bytes that are already packed.
  ///
  /// - Throws: `TensorError` if the shape is negative, overflows, or does not fit the region.
  package init(_ elementType: ElementType, shape: [Int], region: ByteRegion)
    throws(TensorError)
  {
    let count = try Tensor.elementCount(of: shape)
    guard let expected = elementType.byteCount(elements: count) else {
      throw TensorError(
        .unsizedElements, "elements of type \(elementType) have no fixed size, or too many of them")
    }
    guard expected == region.count else {
      throw TensorError(
        .byteCountMismatch,
        "expected \(expected) bytes for \(elementType)\(shape), got \(region.count)")
    }
    self.elementType = elementType
    self.shape = shape
    self.region = region
    self.strings = nil
  }

  /// A string tensor.
  ///
  /// - Throws: `TensorError` if the number of strings is not the product of the shape.
  package init(strings: [[UInt8]], shape: [Int]) throws(TensorError) {
    let count = try Tensor.elementCount(of: shape)
    guard count == strings.count else {
      throw TensorError(
        .byteCountMismatch, "expected \(count) strings for shape \(shape), got \(strings.count)")
    }
    self.elementType = .string
    self.shape = shape
    self.region = ByteRegion(copying: [])
    self.strings = strings
  }

  /// A tensor holding a copy of `elements`, whose number is the product of `shape`.
  package init<Element: TensorElement>(_ elements: [Element], shape: [Int]? = nil) {
    let shape = shape ?? [elements.count]
    precondition(shape.reduce(1, *) == elements.count, "element count differs from shape \(shape)")
    self.elementType = Element.elementType
    self.shape = shape
    self.strings = nil
    self.region = elements.withUnsafeBytes { ByteRegion(copying: $0) }
  }

  /// A tensor whose elements `initialize` writes into zeroed memory.
  package init<Element: TensorElement>(
    of type: Element.Type, shape: [Int],
    initialize: (inout MutableSpan<Element>) throws -> Void
  ) rethrows {
    let count = shape.reduce(1, *)
    let storage = try ByteStorage.allocate(
      byteCount: count * MemoryLayout<Element>.stride
    ) { bytes in
      _ = bytes.initializeMemory(as: UInt8.self, repeating: 0)
      var span = MutableSpan(_unsafeElements: bytes.bindMemory(to: Element.self))
      try initialize(&span)
    }
    self.elementType = Element.elementType
    self.shape = shape
    self.region = ByteRegion(storage)
    self.strings = nil
  }

  /// The same elements under another shape of the same size.
  package func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count, "cannot reshape \(self.shape) to \(shape)")
    return Tensor(self, shape: shape, region: region)
  }

  /// Rows `range` of the first axis, sharing this tensor's memory. Elements must fill whole bytes.
  package func slice(_ range: Range<Int>) -> Tensor {
    precondition(!shape.isEmpty && range.lowerBound >= 0 && range.upperBound <= shape[0])
    precondition((elementType.bitWidth ?? 0) % 8 == 0 && strings == nil)
    let row = shape[0] == 0 ? 0 : byteCount / shape[0]
    return Tensor(
      self, shape: [range.count] + shape.dropFirst(),
      region: ByteRegion(
        region.storage, offset: region.offset + range.lowerBound * row, count: range.count * row))
  }

  fileprivate init(_ other: Tensor, shape: [Int], region: ByteRegion) {
    self.elementType = other.elementType
    self.shape = shape
    self.region = region
    self.strings = other.strings
  }

  /// The product of a shape read from a file.
  ///
  /// - Throws: `TensorError` if a dimension is negative or the product overflows.
  package static func elementCount(of shape: [Int]) throws(TensorError) -> Int {
    var count = 1
    for dimension in shape {
      guard dimension >= 0 else {
        throw TensorError(.negativeDimension, "shape \(shape) has a negative dimension")
      }
    }
    // Extents beside a zero must not overflow either: strides are products of them.
    for dimension in shape where dimension != 0 {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow else {
        throw TensorError(.shapeOverflow, "the product of shape \(shape) overflows")
      }
      count = product
    }
    return shape.contains(0) ? 0 : count
  }
}

extension Tensor {
  /// Calls `body` with the elements; copies them first where they are not aligned for `Element`.
  ///
  /// `Element` must be the tensor's own type.
  package func withElements<Element: TensorElement, Result, Failure: Error>(
    of type: Element.Type = Element.self, _ body: (Span<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(elementType == Element.elementType, "expected \(elementType)")
    let bytes = region.bytes
    if Int(bitPattern: bytes.baseAddress) % MemoryLayout<Element>.alignment == 0 {
      return try body(Span(_unsafeElements: bytes.assumingMemoryBound(to: Element.self)))
    }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    defer { copy.deallocate() }
    copy.copyMemory(from: bytes)
    return try body(
      Span(_unsafeElements: UnsafeRawBufferPointer(copy).assumingMemoryBound(to: Element.self)))
  }

  /// The elements as an array of their own type.
  package func elements<Element: TensorElement>(as type: Element.Type = Element.self) -> [Element] {
    withElements(of: type) { span in
      [Element](unsafeUninitializedCapacity: span.count) { buffer, count in
        for index in span.indices { buffer.initializeElement(at: index, to: span[index]) }
        count = span.count
      }
    }
  }

  /// The elements as integers, for the index and shape tensors of the specification.
  ///
  /// Returns `nil` unless they are of an integer type and each fits `Int`.
  package var integers: [Int]? {
    if elementType == .uint64 {
      let fitting = elements(as: UInt64.self).compactMap { Int(exactly: $0) }
      return fitting.count == count ? fitting : nil
    }
    return switch elementType {
    case .int64: elements(as: Int64.self).map(Int.init)
    case .int32: elements(as: Int32.self).map(Int.init)
    case .int16: elements(as: Int16.self).map(Int.init)
    case .int8: elements(as: Int8.self).map(Int.init)
    case .uint8: elements(as: UInt8.self).map(Int.init)
    case .uint16: elements(as: UInt16.self).map(Int.init)
    case .uint32: elements(as: UInt32.self).map(Int.init)
    default: nil
    }
  }

  /// Whether type, shape and every byte agree.
  package func isIdentical(to other: Tensor) -> Bool {
    elementType == other.elementType && shape == other.shape && strings == other.strings
      && region.hasSameBytes(as: other.region)
  }
}

extension Tensor {
  /// Tensors of one type, joined along the first axis; their other extents must agree.
  package static func concatenating(_ tensors: [Tensor]) -> Tensor {
    precondition(!tensors.isEmpty && tensors.allSatisfy { $0.strings == nil })
    let first = tensors[0]
    guard tensors.count > 1 else { return first }
    precondition(
      tensors.allSatisfy {
        $0.elementType == first.elementType && $0.shape.dropFirst() == first.shape.dropFirst()
      })
    let byteCount = tensors.reduce(0) { $0 + $1.byteCount }
    let storage = ByteStorage.allocate(byteCount: byteCount) { block in
      var offset = 0
      for tensor in tensors {
        UnsafeMutableRawBufferPointer(rebasing: block[offset...])
          .copyMemory(from: tensor.region.bytes)
        offset += tensor.byteCount
      }
    }
    let rows = tensors.reduce(0) { $0 + $1.shape[0] }
    return Tensor(first, shape: [rows] + first.shape.dropFirst(), region: ByteRegion(storage))
  }
}
