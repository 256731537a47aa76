package import Tensors

/// Elements to read, somewhere in memory that outlives the call; possibly strided.
///
/// The memory may be a mapped file's: of any alignment, which the loads of x86-64 and the C kernels
/// allow.
package struct TensorView {
  package let elementType: ElementType
  package let layout: Layout
  /// The buffer the layout's offset counts from.
  package let buffer: UnsafeRawPointer

  package init(_ elementType: ElementType, _ layout: Layout, in buffer: UnsafeRawPointer) {
    self.elementType = elementType
    self.layout = layout
    self.buffer = buffer
  }

  /// The whole of a tensor, which must outlive the view.
  package init(_ tensor: Tensor) {
    self.init(
      tensor.elementType, Layout(contiguous: tensor.shape),
      in: tensor.region.bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!)
  }

  package var shape: [Int] { layout.shape }
  package var strides: [Int] { layout.strides }
  package var count: Int { layout.count }
  package var type: ArrayType { ArrayType(elementType, shape) }

  /// The first element.
  package func pointer<Element: TensorElement>(
    of type: Element.Type = Element.self
  ) -> UnsafePointer<Element> {
    precondition(Element.elementType == elementType, "expected \(elementType)")
    return buffer.assumingMemoryBound(to: Element.self) + layout.offset
  }

  /// All elements of a contiguous view.
  package func elements<Element: TensorElement>(
    of type: Element.Type = Element.self
  ) -> UnsafeBufferPointer<Element> {
    precondition(layout.isContiguous, "the view is strided")
    return UnsafeBufferPointer(start: pointer(of: type), count: count)
  }

  /// The first byte of a view whose elements fill whole bytes.
  package var bytePointer: UnsafeRawPointer {
    buffer + layout.offset * ((elementType.bitWidth ?? 0) / 8)
  }
}

/// Packed, row-major elements to write.
package struct MutableTensorView {
  package let elementType: ElementType
  package let shape: [Int]
  package let buffer: UnsafeMutableRawPointer

  package init(_ elementType: ElementType, _ shape: [Int], in buffer: UnsafeMutableRawPointer) {
    self.elementType = elementType
    self.shape = shape
    self.buffer = buffer
  }

  package var count: Int { shape.reduce(1, *) }

  /// All elements.
  package func elements<Element: TensorElement>(
    of type: Element.Type = Element.self
  ) -> UnsafeMutableBufferPointer<Element> {
    precondition(Element.elementType == elementType, "expected \(elementType)")
    return UnsafeMutableBufferPointer(
      start: buffer.assumingMemoryBound(to: Element.self), count: count)
  }

  /// The same memory, to read.
  package var view: TensorView {
    TensorView(elementType, Layout(contiguous: shape), in: UnsafeRawPointer(buffer))
  }
}
