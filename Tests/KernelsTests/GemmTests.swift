import Kernels
import Testing

@Suite struct GemmTests {
  /// Small integers, so that every sum is exact and equality is the right test.
  @Test(arguments: [(3, 5, 7), (1, 1, 1), (17, 9, 33), (4, 3, 0), (0, 3, 2)], [false, true])
  func agreesWithTheDefinition(_ size: (Int, Int, Int), transposed: Bool) {
    let (m, n, k) = size
    let a = (0..<max(1, m * k)).map { Float($0 * 7 % 11 - 5) }
    let b = (0..<max(1, k * n)).map { Float($0 * 5 % 13 - 6) }
    var c = [Float](repeating: 3, count: max(1, m * n))
    var expected = c
    for i in 0..<m {
      for j in 0..<n {
        let sum = (0..<k).reduce(Float(0)) {
          $0 + a[transposed ? $1 * m + i : i * k + $1] * b[transposed ? j * k + $1 : $1 * n + j]
        }
        expected[i * n + j] = 2 * sum - 3
      }
    }
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        Gemm.sgemm(
          m: m, n: n, k: k, alpha: 2,
          a: MatrixView(
            a.baseAddress!, leadingDimension: transposed ? m : k, isTransposed: transposed),
          b: MatrixView(
            b.baseAddress!, leadingDimension: transposed ? k : n, isTransposed: transposed),
          beta: -1, c: &c, ldc: n)
      }
    }
    #expect(c == expected)
  }

  @Test func choleskyNamesTheFailingMinor() {
    var a: [Double] = [1, 0, 2, 1]
    #expect(throws: KernelError.notPositiveDefinite(order: 2)) {
      try SymmetricMatrix.dpotrf(n: 2, a: &a, lda: 2)
    }
  }
}
