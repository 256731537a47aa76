package import GraphIR
import Kernels
import Tensors

/// Y = A B for matrices along the last two axes; all others broadcast.
///
/// Shapes: A [..., m, k], B [..., k, n], Y [..., m, n]. A vector A is one row, a vector B one column,
/// whose axis the result lacks.
/// Types: float16, bfloat16, float, double, int32, int64, uint32, uint64.
/// Precision: as Gemm states; of 16 bits in float and rounded once; of integers modulo 2^bits.
/// Source: ONNX MatMul-1, 9, 13.
package struct MatMul: Operator {
  package static let signature = OperatorSignature("MatMul", inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (a, b) = (inputs[0]!.type, inputs[1]!.type)
    try expectSameType(a, b)
    try expect("MatMul", supports: a.elementType, a.elementType.matrix != nil)
    let product = try MatrixProduct(a.shape, b.shape)
    return .types([try ArrayType(a.elementType, product.resultShape).checked()])
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { layout.matrix != nil }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, inputs[0]!.shape.last ?? 1])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let (a, b) = (inputs[0]!, inputs[1]!)
      guard let type = a.elementType.matrix else { return }
      multiply(try MatrixProduct(a.shape, b.shape), a, b, outputs[0], type)
    }
  }

  private func multiply<Element: MatrixElement>(
    _ product: MatrixProduct, _ a: TensorView, _ b: TensorView, _ result: MutableTensorView,
    _ type: Element.Type
  ) { product.multiply(a, b, into: result.elements(of: type)) }
}

/// How the extents of a matrix product fit together.
struct MatrixProduct {
  let m: Int
  let n: Int
  let k: Int
  /// The axes before the matrices, broadcast.
  let batch: [Int]
  let resultShape: [Int]

  init(_ a: [Int], _ b: [Int]) throws(OperatorError) {
    guard !a.isEmpty, !b.isEmpty else {
      throw OperatorError(.shapeMismatch, "expected at least one axis, got \(a) and \(b)")
    }
    m = a.count == 1 ? 1 : a[a.count - 2]
    k = a[a.count - 1]
    n = b.count == 1 ? 1 : b[b.count - 1]
    guard k == (b.count == 1 ? b[0] : b[b.count - 2]) else {
      throw OperatorError(.shapeMismatch, "inner dimensions differ, got \(a) and \(b)")
    }
    batch = try broadcastShape(Array(a.dropLast(2)), Array(b.dropLast(2)))
    try expectExtentsForBLAS([saturatingProduct([m] + batch), n, k])
    resultShape = batch + (a.count == 1 ? [] : [m]) + (b.count == 1 ? [] : [n])
  }

  /// Y = alpha A B.
  func multiply<Element: MatrixElement>(
    _ a: TensorView, _ b: TensorView, alpha: Element = 1,
    into result: UnsafeMutableBufferPointer<Element>
  ) {
    guard let c = result.baseAddress, !result.isEmpty else { return }
    let left = matrices(a.layout, rows: m, columns: k)
    let right = matrices(b.layout, rows: k, columns: n)
    let (x, y) = (
      a.buffer.assumingMemoryBound(to: Element.self), b.buffer.assumingMemoryBound(to: Element.self)
    )
    // One right matrix for all rows of the left ones: a single product.
    let rows = batch.reduce(m, *)
    if right.shape.dropLast(2).allSatisfy({ $0 == 1 }), let right = right.matrix,
      left.shape.dropLast().reduce(1, *) == rows,
      let flat = left.reshaped([rows, k]), let matrix = flat.matrix
    {
      Element.gemm(
        m: rows, n: n, k: k, alpha: alpha,
        a: MatrixView(
          x + flat.offset, leadingDimension: matrix.leadingDimension,
          isTransposed: matrix.isTransposed),
        b: MatrixView(
          y + b.layout.offset, leadingDimension: right.leadingDimension,
          isTransposed: right.isTransposed),
        beta: 0, c: c, ldc: n)
      return
    }
    guard let p = left.matrix, let q = right.matrix,
      let leftBatch = left.broadcast(to: batch + [m, k]),
      let rightBatch = right.broadcast(to: batch + [k, n])
    else { preconditionFailure("operands are not matrices BLAS can read") }
    for (index, offsets) in zip(leftBatch.matrixOffsets, rightBatch.matrixOffsets).enumerated() {
      Element.gemm(
        m: m, n: n, k: k, alpha: alpha,
        a: MatrixView(
          x + left.offset + offsets.0, leadingDimension: p.leadingDimension,
          isTransposed: p.isTransposed),
        b: MatrixView(
          y + right.offset + offsets.1, leadingDimension: q.leadingDimension,
          isTransposed: q.isTransposed),
        beta: 0, c: c + index * m * n, ldc: n)
    }
  }

  /// An operand as a stack of matrices: a vector gets the axis it lacks.
  private func matrices(_ layout: Layout, rows: Int, columns: Int) -> Layout {
    guard layout.shape.count == 1 else { return layout }
    let stride = layout.strides[0]
    return Layout(
      shape: [rows, columns],
      strides: rows == 1 && columns != 1 ? [columns, stride] : [stride, 1],
      offset: layout.offset)
  }
}

/// - Throws: `OperatorError.invalidShape` where an extent of a product is none that BLAS takes.
func expectExtentsForBLAS(_ extents: [Int]) throws(OperatorError) {
  guard extents.allSatisfy({ $0 <= Int(Int32.max) }) else {
    throw OperatorError(.invalidShape, "a product of extents \(extents) is too large for BLAS")
  }
}
