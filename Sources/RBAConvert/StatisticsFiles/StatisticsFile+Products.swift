import Planning
import Statistics
import Tensors

extension StatisticsFile {
  /// How far products, which are summed in float, may be off what squares, summed in double, allow.
  private static let roundingShare = 0.02
  /// What float may lose of a square.
  private static let leastSquare = Double(Float.leastNormalMagnitude)

  /// Checks that rows may have the products that are held: those of a feature with itself are its sums of
  /// squares, and no others are larger than Cauchy and Schwarz allow.
  ///
  /// - Throws: `Failure` naming the first tensor that is otherwise.
  func checkProducts() throws(Failure) {
    for part in SamplePart.allCases {
      for (index, stream) in header.streams.enumerated() {
        let prefix = "\(part.rawValue).\(index)."
        let lost = Double(stream.rows[part]) * Self.leastSquare
        for products in PartStatistics.products(pairs: stream.pairs, kinds: stream.kinds) {
          guard let number = fault(in: products, prefix, lost: lost) else { continue }
          throw Failure(
            .malformedInput,
            "\(path): tensor '\(prefix)\(products.name)': expected products within what the sums of "
              + "squares allow, got \(number)")
        }
      }
    }
  }

  /// The first number that rows of these squares cannot have as a product.
  ///
  /// - Parameters:
  ///   - prefix: what stands before the names.
  ///   - lost: what sums of squares may lack.
  private func fault(
    in products: PartStatistics.Products, _ prefix: String, lost: Double
  ) -> Double? {
    guard let tensor = tensors[prefix + products.name] else { return nil }
    let (rows, columns) = (tensor.shape[0], tensor.shape[1])
    let rowSquares = squares(prefix + products.rowSquares, count: rows)
    let columnSquares = squares(prefix + products.columnSquares, count: columns)
    func length(_ square: Double) -> Double { (max(square, 0) + lost).squareRoot() }
    let rowBounds = rowSquares.map { (1 + Self.roundingShare) * length($0) }
    let columnBounds = columnSquares.map(length)
    return tensor.withElements(of: Double.self) { numbers -> Double? in
      for row in 0..<rows {
        let start = row * columns
        if products.isGram {
          let (number, square) = (numbers[start + row], rowSquares[row])
          let isSquare = abs(number - square) <= Self.roundingShare * square + lost
          if number < 0 || !isSquare { return number }
        }
        for column in 0..<columns
        where abs(numbers[start + column]) > rowBounds[row] * columnBounds[column] {
          return numbers[start + column]
        }
      }
      return nil
    }
  }

  /// The sums of squares of `count` features; of all of them where there is one sum.
  private func squares(_ name: String, count: Int) -> [Double] {
    guard let tensor = tensors[name] else { return Array(repeating: 0, count: count) }
    let stride = tensor.shape.count == 2 ? count + 1 : tensor.count == 1 ? 0 : 1
    return tensor.withElements(of: Double.self) { numbers -> [Double] in
      (0..<count).map { numbers[$0 * stride] }
    }
  }
}
