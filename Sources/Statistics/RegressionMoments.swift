import Kernels
import Tensors

/// Central second moments of rows u [k] and of targets e [m]: all that solving e ≈ u D + δ depends on.
///
/// Rows may have weights w: every sum is then Σ w … and every mean weighted.
///
/// Precision: the products of at most `chunkRows` rows are sums in float about their own mean; totals
/// are in double.
/// Source: Chan, Golub, LeVeque 1979, the pairwise update of sums of squares.
package struct RegressionMoments: Sendable {
  package let inputWidth: Int
  package let targetWidth: Int
  /// The sum of the rows' weights: their number where none was given.
  package private(set) var weight = 0.0
  var meanInput: [Double]
  var meanTarget: [Double]
  /// Σ (u − mean)ᵀ (u − mean), [k, k]: the lower triangle.
  var gram: [Double]
  /// Σ (e − mean)ᵀ (u − mean), [m, k].
  var cross: [Double]
  /// Σ (e − mean)² of each target.
  var squares: [Double]

  /// Rows that are summed in float together.
  package static let chunkRows = 1024
  private static let tileRows = 256

  /// No rows yet.
  package init(inputWidth: Int, targetWidth: Int) {
    precondition(inputWidth > 0 && targetWidth > 0)
    self.inputWidth = inputWidth
    self.targetWidth = targetWidth
    meanInput = Array(repeating: 0, count: inputWidth)
    meanTarget = Array(repeating: 0, count: targetWidth)
    gram = Array(repeating: 0, count: inputWidth * inputWidth)
    cross = Array(repeating: 0, count: targetWidth * inputWidth)
    squares = meanTarget
  }

  /// Bytes that moments fitted on and moments held out take together, and solving from them; the
  /// largest `Int` where that overflows.
  package static func solvingByteCount(inputWidth k: Int, targetWidth m: Int, threads: Int) -> Int {
    let doubles = saturatingSum(saturatingProduct([2, k, k]), saturatingProduct([5, k, m]))
    let rows = saturatingProduct([chunkRows, saturatingSum(k, m)])
    let tiles = saturatingProduct([threads, tileRows, saturatingSum(k, m)])
    return saturatingSum(
      saturatingProduct([8, doubles]), saturatingProduct([4, saturatingSum(rows, tiles)]))
  }

  /// Adds rows [n, k] and their targets [n, m]. The same rows, added in the same pieces, give the same
  /// bits for any number of threads.
  ///
  /// - Parameter weights: one for each row, none below zero; 1 each where `nil`.
  /// - Throws: `NonFiniteValues` for rows that hold NaN or infinity, or whose products overflow: point
  ///   0 is u, point 1 e.
  package mutating func add(
    _ inputs: UnsafeBufferPointer<Float>, _ targets: UnsafeBufferPointer<Float>,
    weights: [Float]? = nil, threads: Int = 1
  ) throws(NonFiniteValues) {
    let rows = inputs.count / inputWidth
    precondition(inputs.count == rows * inputWidth && targets.count == rows * targetWidth)
    precondition(weights.map { $0.count == rows } ?? true)
    for start in Swift.stride(from: 0, to: rows, by: Self.chunkRows) {
      let end = min(start + Self.chunkRows, rows)
      let weights = weights.map { Array($0[start..<end]) }
      try addChunk(
        CentredRows(
          UnsafeBufferPointer(rebasing: inputs[start * inputWidth..<end * inputWidth]),
          width: inputWidth, weights: weights),
        CentredRows(
          UnsafeBufferPointer(rebasing: targets[start * targetWidth..<end * targetWidth]),
          width: targetWidth, weights: weights),
        weighing: weights?.reduce(0) { $0 + Double($1) } ?? Double(end - start), threads)
    }
  }

  private mutating func addChunk(
    _ u: CentredRows, _ e: CentredRows, weighing added: Double, _ threads: Int
  ) throws(NonFiniteValues) {
    guard u.isFinite else { throw NonFiniteValues(point: 0) }
    guard e.isFinite else { throw NonFiniteValues(point: 1) }
    guard added > 0 else { return }
    let total = weight + added
    let shiftInput = zip(u.mean, meanInput).map { $0 - $1 }
    let shiftTarget = zip(e.mean, meanTarget).map { $0 - $1 }
    let reduced = weight * added / total
    let (k, m) = (inputWidth, targetWidth)
    let tiles = (k + Self.tileRows - 1) / Self.tileRows
    gram.withUnsafeMutableBufferPointer { gram in
      cross.withUnsafeMutableBufferPointer { cross in
        // Each tile changes its own elements.
        nonisolated(unsafe) let (gram, cross) = (gram, cross)
        forEachIndex(below: tiles, threads: threads) { tile in
          let columns = tile * Self.tileRows..<min((tile + 1) * Self.tileRows, k)
          let scratch = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: columns.count * max(columns.upperBound, m))
          defer { scratch.deallocate() }
          // Rows `columns` of the lower triangle.
          u.product(
            of: columns, with: u, 0..<columns.upperBound, into: scratch)
          for (index, row) in columns.enumerated() {
            for column in 0...row {
              gram[row * k + column] +=
                Double(scratch[index * columns.upperBound + column])
                + reduced * shiftInput[row] * shiftInput[column]
            }
          }
          e.product(of: 0..<m, with: u, columns, into: scratch)
          for row in 0..<m {
            for (index, column) in columns.enumerated() {
              cross[row * k + column] +=
                Double(scratch[row * columns.count + index])
                + reduced * shiftTarget[row] * shiftInput[column]
            }
          }
        }
      }
    }
    let portion = added / total
    for j in 0..<m {
      squares[j] += e.squares[j] + reduced * shiftTarget[j] * shiftTarget[j]
      meanTarget[j] += portion * shiftTarget[j]
    }
    for i in 0..<k { meanInput[i] += portion * shiftInput[i] }
    weight = total
  }

  /// Makes a target one that nothing is missing of, so that its part of D is zero, and δ too unless it
  /// `shifts`.
  package mutating func pin(_ target: Int, shifts: Bool) {
    for column in 0..<inputWidth { cross[target * inputWidth + column] = 0 }
    if !shifts { meanTarget[target] = 0 }
  }

  /// The same about zero: what solving without δ depends on. Means count as zero then.
  package mutating func uncentre() {
    for row in 0..<inputWidth {
      for column in 0...row {
        gram[row * inputWidth + column] += weight * meanInput[row] * meanInput[column]
      }
    }
    for row in 0..<targetWidth {
      for column in 0..<inputWidth {
        cross[row * inputWidth + column] += weight * meanTarget[row] * meanInput[column]
      }
      squares[row] += weight * meanTarget[row] * meanTarget[row]
    }
    meanInput = Array(repeating: 0, count: inputWidth)
    meanTarget = Array(repeating: 0, count: targetWidth)
  }
}
