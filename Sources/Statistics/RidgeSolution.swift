import Kernels

/// e ≈ u D + δ, drawn toward D = 0, with how well it does on rows it was not solved from.
package struct RidgeSolution: Sendable {
  /// Dᵀ, [d, k].
  package let change: [Double]
  /// δ, [d]; zero where the moments are about zero.
  package let shift: [Double]
  /// The ridge's strength relative to the mean diagonal of uᵀu.
  package let ridge: Double
  /// ‖e‖² over the held-out rows.
  package let heldBefore: Double
  /// ‖e − (u D + δ)‖² over the held-out rows.
  package let heldAfter: Double

  /// Ridge strengths tried, strongest first, relative to the mean diagonal of uᵀu. That of infinite
  /// strength, which keeps D = 0 and δ = 0, is no solution but `nil`.
  private static let ridges = [3, 1, 0.3, 0.1, 0.03, 0.01, 1e-3, 0]

  /// Solves each block of as many targets by itself, from moments of all of them.
  ///
  /// Minimises ‖e − (u D + δ)‖² + λ t ‖D‖² over the rows of `fitted`, t the mean diagonal of uᵀu, for each
  /// strength λ until one does no better than the last on the rows of `held`. Each strength is a Cholesky
  /// factorisation in the Gram matrix's own lower triangle, and not a pass over its eigenvectors as in
  /// `RidgeRegression`: k may be a hidden width, where eigenvectors take many times as long as a strength
  /// and matrices of their own, and few strengths are tried.
  /// Source: Hoerl and Kennard 1970; LAPACK `dpotrf`, `dpotrs`.
  ///
  /// - Returns: for each block the solution of the least held-out residual; `nil` where keeping D = 0 has
  ///   a residual that is as small.
  package static func solve(
    _ fitted: consuming RegressionMoments, held: consuming RegressionMoments, blocks: Int = 1
  ) -> [RidgeSolution?] {
    let (k, m) = (fitted.inputWidth, fitted.targetWidth)
    precondition(held.inputWidth == k && held.targetWidth == m && m % blocks == 0)
    let width = m / blocks
    let diagonal = (0..<k).map { fitted.gram[$0 * k + $0] }
    let mean = diagonal.reduce(0, +) / Double(k)
    mirror(&fitted.gram, k)
    mirror(&held.gram, k)
    let before = held.targetEnergies(blocks: blocks)
    var best = [RidgeSolution?](repeating: nil, count: blocks)
    guard mean > 0, mean.isFinite else { return best }
    // The strongest ridges may do nothing yet; a block is done where one does no better than the last.
    var open = Set(0..<blocks)
    for ridge in Self.ridges {
      guard
        let change = solution(
          &fitted.gram, diagonal.map { $0 + ridge * mean }, fitted.cross, inputWidth: k)
      else { break }
      let shift = (0..<m).map { j in
        fitted.meanTarget[j] - dot(change[j * k..<(j + 1) * k], fitted.meanInput)
      }
      let residuals = residuals(change, shift, held)
      for block in open {
        let targets = block * width..<(block + 1) * width
        let residual = max(residuals[targets].reduce(0, +), 0)
        guard residual < best[block]?.heldAfter ?? before[block] else {
          if best[block] != nil { open.remove(block) }
          continue
        }
        best[block] = RidgeSolution(
          change: Array(change[targets.lowerBound * k..<targets.upperBound * k]),
          shift: Array(shift[targets]), ridge: ridge, heldBefore: before[block],
          heldAfter: residual)
      }
      if open.isEmpty { break }
    }
    return best
  }

  /// Copies the lower triangle to the upper one.
  private static func mirror(_ matrix: inout [Double], _ k: Int) {
    matrix.withUnsafeMutableBufferPointer { matrix in
      for row in 0..<k {
        for column in 0..<row { matrix[column * k + row] = matrix[row * k + column] }
      }
    }
  }

  /// Solves X A = B for A of the given diagonal, whose other elements lie in the upper triangle of `gram`;
  /// the lower one is scratch. `nil` where A is not positive definite.
  private static func solution(
    _ gram: inout [Double], _ diagonal: [Double], _ cross: [Double], inputWidth k: Int
  ) -> [Double]? {
    var result = cross
    return gram.withUnsafeMutableBufferPointer { gram in
      for row in 0..<k {
        for column in 0..<row { gram[row * k + column] = gram[column * k + row] }
        gram[row * k + row] = diagonal[row]
      }
      guard let a = gram.baseAddress else { return nil }
      do throws(KernelError) { try SymmetricMatrix.dpotrf(n: k, a: a, lda: k) } catch {
        return nil
      }
      result.withUnsafeMutableBufferPointer { b in
        guard let b = b.baseAddress else { return }
        SymmetricMatrix.dpotrs(
          n: k, rightSides: cross.count / k, factor: a, lda: k, b: b, ldb: k)
      }
      return result
    }
  }

  /// ‖e − (u D + δ)‖² of each target.
  private static func residuals(
    _ change: [Double], _ shift: [Double], _ held: RegressionMoments
  ) -> [Double] {
    let (k, m) = (held.inputWidth, held.targetWidth)
    let product = Matrix.product(
      Matrix(rows: m, columns: k, change), Matrix(rows: k, columns: k, held.gram)
    ).elements
    return (0..<m).map { j in
      let row = j * k..<(j + 1) * k
      var sum = held.squares[j]
      for i in row { sum += change[i] * (product[i] - 2 * held.cross[i]) }
      let offset = held.meanTarget[j] - shift[j] - dot(change[row], held.meanInput)
      sum += held.weight * offset * offset
      return sum.isNaN ? .infinity : sum
    }
  }

  private static func dot(_ a: ArraySlice<Double>, _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

extension RegressionMoments {
  /// Σ of squares, about zero, of each block of as many targets.
  package func targetEnergies(blocks: Int) -> [Double] {
    let width = targetWidth / blocks
    return (0..<blocks).map { block in
      (block * width..<(block + 1) * width).reduce(0.0) { sum, j in
        sum + squares[j] + weight * meanTarget[j] * meanTarget[j]
      }
    }
  }
}
