/// One array of numbers among those that make up moments: what it is called where they are stored, its
/// shape, and where it lies.
package struct StoredArray<Moments> {
  package let name: String
  package let shape: [Int]
  /// Whether the numbers are sums of squares.
  package let isNonNegative: Bool
  let path: WritableKeyPath<Moments, [Double]>

  init(
    _ name: String, _ shape: [Int], _ path: WritableKeyPath<Moments, [Double]>,
    isNonNegative: Bool = false
  ) {
    self.name = name
    self.shape = shape
    self.path = path
    self.isNonNegative = isNonNegative
  }
}
