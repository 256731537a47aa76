import CKernels

/// Copies of strided arrays into contiguous ones: transposition, slicing, expansion.
package enum StridedCopy {
  /// y = x, read through strides; y is contiguous with the given shape and must not overlap x.
  ///
  /// `elementSize` is 1, 2, 4 or 8 bytes and both pointers are aligned to it; strides count elements.
  /// A run is copied whole where x is contiguous; where the innermost dimension of x is strided and
  /// another one contiguous, the two are transposed in blocks.
  package static func copy(
    _ x: UnsafeRawPointer, strides: [Int], into y: UnsafeMutableRawPointer, shape: [Int],
    elementSize: Int
  ) {
    let loop = StridedLoop(shape: shape, strides: [strides])
    let (extents, xStrides) = (loop.extents, loop.strides[0])
    let inner = extents.count - 1
    if xStrides[inner] != 1, xStrides[inner] > 0, inner > 0,
      let unit = xStrides.firstIndex(of: 1), extents[unit] > 1
    {
      return transpose(
        x, into: y, extents: extents, strides: xStrides, unit: unit, elementSize: elementSize)
    }
    loop.forEachRun { places, output, count in
      let source = x + places[0].start * elementSize
      let target = y + output * elementSize
      if places[0].step == 1 {
        target.copyMemory(from: source, byteCount: count * elementSize)
      } else {
        gather(source, stride: places[0].step, into: target, count: count, elementSize: elementSize)
      }
    }
  }

  /// Transposes the contiguous dimension `unit` of x against the innermost one, for each index of the rest.
  private static func transpose(
    _ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, extents: [Int], strides: [Int],
    unit: Int,
    elementSize: Int
  ) {
    let inner = extents.count - 1
    let yStrides = StridedLoop.contiguousStrides(extents)
    let outer = extents.indices.filter { $0 != unit && $0 != inner }
    let rest = StridedLoop(
      shape: outer.map { extents[$0] },
      strides: [outer.map { strides[$0] }, outer.map { yStrides[$0] }])
    rest.forEachRun { places, _, count in
      for i in 0..<count {
        transpose(
          x + (places[0].start + i * places[0].step) * elementSize, rowStride: strides[inner],
          into: y + (places[1].start + i * places[1].step) * elementSize,
          rowStride: yStrides[unit], rows: extents[inner], columns: extents[unit],
          elementSize: elementSize)
      }
    }
  }

  /// y[c, r] = x[r, c] for [rows, columns]; row strides count elements.
  package static func transpose(
    _ x: UnsafeRawPointer, rowStride xStride: Int, into y: UnsafeMutableRawPointer,
    rowStride yStride: Int, rows: Int, columns: Int, elementSize: Int
  ) {
    switch elementSize {
    case 1: kernel_transpose_8(x, xStride, y, yStride, rows, columns)
    case 2: kernel_transpose_16(x, xStride, y, yStride, rows, columns)
    case 4: kernel_transpose_32(x, xStride, y, yStride, rows, columns)
    case 8: kernel_transpose_64(x, xStride, y, yStride, rows, columns)
    default: preconditionFailure("expected an element of 1, 2, 4 or 8 bytes, got \(elementSize)")
    }
  }

  private static func gather(
    _ x: UnsafeRawPointer, stride: Int, into y: UnsafeMutableRawPointer, count: Int,
    elementSize: Int
  ) {
    switch elementSize {
    case 1: kernel_copy_strided_8(x, stride, y, count)
    case 2: kernel_copy_strided_16(x, stride, y, count)
    case 4: kernel_copy_strided_32(x, stride, y, count)
    case 8: kernel_copy_strided_64(x, stride, y, count)
    default: preconditionFailure("expected an element of 1, 2, 4 or 8 bytes, got \(elementSize)")
    }
  }
}
