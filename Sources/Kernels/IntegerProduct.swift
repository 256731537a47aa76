/// A matrix of eight-bit integers, less a zero point for each line.
///
/// Lines are the rows of a left operand and the columns of a right one.
package struct IntegerOperand {
  package let pointer: UnsafePointer<UInt8>
  package let isSigned: Bool
  package let rowStride: Int
  package let columnStride: Int
  /// The zero points, `zeroStep` apart for neighbouring lines; a step of zero repeats the first.
  package let zeros: UnsafePointer<Int32>
  package let zeroStep: Int
  /// What no difference from a zero point exceeds: `magnitude(of:isSigned:)` of all of them.
  package let magnitude: Int

  package init(
    _ pointer: UnsafePointer<UInt8>, isSigned: Bool, rowStride: Int, columnStride: Int,
    zeros: UnsafePointer<Int32>, zeroStep: Int, magnitude: Int
  ) {
    self.pointer = pointer
    self.isSigned = isSigned
    self.rowStride = rowStride
    self.columnStride = columnStride
    self.zeros = zeros
    self.zeroStep = zeroStep
    self.magnitude = magnitude
  }

  /// The largest difference between an eight-bit integer and one of the zero points.
  package static func magnitude(of zeros: some Sequence<Int32>, isSigned: Bool) -> Int {
    let (low, high): (Int32, Int32) = isSigned ? (-128, 127) : (0, 255)
    return zeros.reduce(1) { max($0, Int(max($1 - low, high - $1))) }
  }

  /// Widens `rows` by `columns` elements to packed floats, less the zero points of the rows or columns.
  fileprivate func widen(
    rows: Range<Int>, columns: Range<Int>, zeroPerRow: Bool, into y: UnsafeMutablePointer<Float>
  ) {
    var target = y
    for row in rows {
      let source = pointer + row * rowStride + columns.lowerBound * columnStride
      let zeros = zeros + (zeroPerRow ? row : columns.lowerBound) * zeroStep
      EightBits(isSigned: isSigned).widen(
        source, step: columnStride, zeros: zeros, zeroStep: zeroPerRow ? 0 : zeroStep,
        into: target, count: columns.count)
      target += columns.count
    }
  }
}

/// How eight bits are read as an integer.
package struct EightBits: Sendable {
  /// The bit to invert so that codes ascend, and what it then stands too high.
  private let flip: UInt8
  private let bias: Int32

  package init(isSigned: Bool) {
    flip = isSigned ? 0x80 : 0
    bias = isSigned ? 128 : 0
  }

  /// y = x - zero, exactly.
  package func widen(
    _ x: UnsafePointer<UInt8>, step: Int = 1, zeros: UnsafePointer<Int32>, zeroStep: Int = 0,
    into y: UnsafeMutablePointer<Float>, count: Int
  ) {
    if step == 1, zeroStep == 0 {
      let zero = zeros.pointee + bias
      for i in 0..<count { y[i] = Float(Int32(x[i] ^ flip) &- zero) }
    } else {
      for i in 0..<count {
        y[i] = Float(Int32(x[i &* step] ^ flip) &- bias &- zeros[i &* zeroStep])
      }
    }
  }
}

/// Products of matrices of eight-bit integers: C = Σ (a - za) (b - zb), exact.
///
/// Shapes: A [m, k], B [k, n], C [m, n], packed.
/// Precision: exact, but for sums beyond 32 bits, which wrap around. The factors are whole numbers, so a
/// float holds the sum of k products exactly, in any order, while k |a - za| |b - zb| <= 2^24: for 258
/// products of any factors, more of smaller ones. So many are summed by BLAS, and their sums as integers.
/// Source: ONNX MatMulInteger-10.
package enum IntegerProduct {
  private static let rowBlock = 256
  private static let columnBlock = 1024
  private static let depthBlock = 512

  /// The products that a float sums exactly, of factors no larger than these.
  package static func exactDepth(_ a: Int, _ b: Int) -> Int { (1 << 24) / (a * b) }

  /// The floats of scratch memory that `multiply` needs.
  package static func scratchCount(m: Int, n: Int, k: Int) -> Int {
    let (m, n, k) = (min(m, rowBlock), min(n, columnBlock), min(k, depthBlock))
    return m * k + k * n + m * n
  }

  package static func multiply(
    m: Int, n: Int, k: Int, a: IntegerOperand, b: IntegerOperand,
    into c: UnsafeMutablePointer<Int32>, scratch: UnsafeMutablePointer<Float>
  ) {
    guard m > 0, n > 0 else { return }
    guard k > 0 else { return c.update(repeating: 0, count: m * n) }
    let depth = min(k, depthBlock, exactDepth(a.magnitude, b.magnitude))
    let right = scratch
    let left = right + depth * min(n, columnBlock)
    let tile = left + depth * min(m, rowBlock)
    for firstColumn in stride(from: 0, to: n, by: columnBlock) {
      let columns = firstColumn..<min(firstColumn + columnBlock, n)
      for first in stride(from: 0, to: k, by: depth) {
        let inner = first..<min(first + depth, k)
        b.widen(rows: inner, columns: columns, zeroPerRow: false, into: right)
        for firstRow in stride(from: 0, to: m, by: rowBlock) {
          let rows = firstRow..<min(firstRow + rowBlock, m)
          a.widen(rows: rows, columns: inner, zeroPerRow: true, into: left)
          Gemm.sgemm(
            m: rows.count, n: columns.count, k: inner.count,
            a: MatrixView(left, leadingDimension: inner.count),
            b: MatrixView(right, leadingDimension: columns.count), c: tile, ldc: columns.count)
          add(
            tile, rows: rows.count, columns: columns.count,
            to: c + firstRow * n + firstColumn, stride: n, erasing: first == 0)
        }
      }
    }
  }

  /// y = x or y + x, for whole numbers x [rows, columns] and y with rows `stride` apart.
  static func add(
    _ x: UnsafePointer<Float>, rows: Int, columns: Int, to y: UnsafeMutablePointer<Int32>,
    stride: Int, erasing: Bool
  ) {
    for row in 0..<rows {
      let (x, y) = (x + row * columns, y + row * stride)
      if erasing {
        for i in 0..<columns { y[i] = Int32(x[i]) }
      } else {
        for i in 0..<columns { y[i] &+= Int32(x[i]) }
      }
    }
  }
}
