import CKernels

/// What follows a product in the same pass over memory: C = activation(C + biases + residual).
///
/// Applied to a block of rows while the block is in cache. Any part may be absent.
package struct Epilogue {
  /// One value per column of C, as a linear layer has.
  package var columnBias: UnsafePointer<Float>?
  /// One value per row of C, as a convolution has.
  package var rowBias: UnsafePointer<Float>?
  /// A matrix of C's shape, added before the activation, and the distance between its rows.
  package var residual: UnsafePointer<Float>?
  package var residualStride: Int
  package var activation: UnaryFunction

  package init(
    columnBias: UnsafePointer<Float>? = nil, rowBias: UnsafePointer<Float>? = nil,
    residual: UnsafePointer<Float>? = nil, residualStride: Int = 0,
    activation: UnaryFunction = .identity
  ) {
    self.columnBias = columnBias
    self.rowBias = rowBias
    self.residual = residual
    self.residualStride = residualStride
    self.activation = activation
  }

  /// Whether applying it changes nothing.
  package var isIdentity: Bool {
    columnBias == nil && rowBias == nil && residual == nil && activation == .identity
  }

  /// Applies it to C [rows, columns], rows `stride` apart, that starts at this row and column of the
  /// whole matrix the biases and the residual belong to.
  package func apply(
    to c: UnsafeMutablePointer<Float>, stride: Int, rows: Int, columns: Int, firstRow: Int = 0,
    firstColumn: Int = 0
  ) {
    guard !isIdentity else { return }
    let adds = columnBias != nil || rowBias != nil || residual != nil
    for row in 0..<rows {
      let out = c + row * stride
      if adds {
        kernel_epilogue_row(
          columnBias.map { $0 + firstColumn }, rowBias?[firstRow + row] ?? 0,
          residual.map { $0 + (firstRow + row) * residualStride + firstColumn }, out, columns)
      }
      activation.apply(out, into: out, count: columns)
    }
  }
}
