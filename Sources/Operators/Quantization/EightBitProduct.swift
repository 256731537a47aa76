import Kernels
import Tensors

/// A product of stacks of matrices of eight-bit integers, less their zero points, and what its sums
/// become.
struct EightBitProduct {
  let shape: MatrixProduct
  private let a: [Int]
  private let b: [Int]
  private let aZero: LineParameters
  private let bZero: LineParameters

  /// - Throws: `OperatorError` where types or shapes do not fit.
  init(
    _ name: String, _ a: ArrayType, _ b: ArrayType, aZero: ArrayType?, bZero: ArrayType?
  ) throws(OperatorError) {
    for type in [a, b] { try expectEightBits(name, type) }
    for (operand, zero) in [(a, aZero), (b, bZero)] {
      if let zero { try expectSameType(operand, zero) }
    }
    shape = try MatrixProduct(a.shape, b.shape)
    _ = try ArrayType(.int32, shape.resultShape).checked()
    (self.a, self.b) = (a.shape, b.shape)
    self.aZero = try LineParameters(
      aZero?.shape ?? [], of: a.shape, .row, batch: shape.batch, noun: "zero point")
    self.bZero = try LineParameters(
      bZero?.shape ?? [], of: b.shape, .column, batch: shape.batch, noun: "zero point")
  }

  /// Bytes of scratch memory for `forEachMatrix`.
  var scratchByteCount: Int {
    saturatingSum(
      saturatingProduct([shape.m, shape.n, MemoryLayout<Int32>.stride]),
      IntegerProduct.scratchCount(m: shape.m, n: shape.n, k: shape.k)
        * MemoryLayout<Float>.stride)
  }

  /// Calls the body with the sums [m, n] of each matrix of the result in turn.
  func forEachMatrix(
    _ a: TensorView, _ b: TensorView, aZero: TensorView?, bZero: TensorView?,
    scratch: UnsafeMutableRawBufferPointer, _ body: (Int, UnsafePointer<Int32>) -> Void
  ) throws(OperatorError) {
    guard shape.resultShape.allSatisfy({ $0 > 0 }), let memory = scratch.baseAddress else { return }
    let aZeros = try aZero?.integers32() ?? [0]
    let bZeros = try bZero?.integers32() ?? [0]
    let aSigned = a.elementType == .int8
    let bSigned = b.elementType == .int8
    let aMagnitude = IntegerOperand.magnitude(of: aZeros, isSigned: aSigned)
    let bMagnitude = IntegerOperand.magnitude(of: bZeros, isSigned: bSigned)
    let sums = memory.assumingMemoryBound(to: Int32.self)
    let floats = (memory + shape.m * shape.n * MemoryLayout<Int32>.stride)
      .assumingMemoryBound(to: Float.self)
    let left = offsets(self.a, isVector: self.a.count == 1, [shape.m, shape.k])
    let right = offsets(self.b, isVector: self.b.count == 1, [shape.k, shape.n])
    let (aPlaces, bPlaces) = (self.aZero.offsets, self.bZero.offsets)
    aZeros.withUnsafeBufferPointer { aZeros in
      bZeros.withUnsafeBufferPointer { bZeros in
        guard let aZeros = aZeros.baseAddress, let bZeros = bZeros.baseAddress else { return }
        for index in left.indices {
          IntegerProduct.multiply(
            m: shape.m, n: shape.n, k: shape.k,
            a: IntegerOperand(
              a.start() + left[index], isSigned: aSigned, rowStride: shape.k, columnStride: 1,
              zeros: aZeros + aPlaces[index], zeroStep: self.aZero.step,
              magnitude: aMagnitude),
            b: IntegerOperand(
              b.start() + right[index], isSigned: bSigned, rowStride: shape.n, columnStride: 1,
              zeros: bZeros + bPlaces[index], zeroStep: self.bZero.step,
              magnitude: bMagnitude),
            into: sums, scratch: floats)
          body(index, sums)
        }
      }
    }
  }

  /// Where the matrices of a packed operand start, for each matrix of the result.
  private func offsets(_ operand: [Int], isVector: Bool, _ matrix: [Int]) -> [Int] {
    let layout = Layout(contiguous: isVector ? matrix : operand)
    return layout.broadcast(to: shape.batch + matrix)?.matrixOffsets ?? []
  }
}

/// - Throws: `OperatorError.unsupported` unless elements are integers of eight bits.
func expectEightBits(_ name: String, _ type: ArrayType) throws(OperatorError) {
  try expect(
    name, supports: type.elementType, type.elementType == .int8 || type.elementType == .uint8)
}
