import Tensors

/// An array in `Double`, read and written index by index: what naive references compute with.
struct NaiveArray: Sendable {
  let shape: [Int]
  var values: [Double]

  init(_ shape: [Int], _ element: ([Int]) -> Double) {
    self.shape = shape
    values = NaiveArray.indices(shape).map(element)
  }

  /// Whole numbers from -8 to 8: sums of products of a few thousand are exact in `Float`.
  init(integers shape: [Int], seed: Int = 1) {
    self.shape = shape
    values = (0..<shape.reduce(1, *)).map { Double(($0 * 7919 + seed * 31) % 17 - 8) }
  }

  /// The element at an index; axes are aligned at the end and those of extent 1 repeat.
  subscript(index: [Int]) -> Double {
    let trailing = index.suffix(shape.count)
    let place = zip(trailing, shape).reduce(0) { $0 * $1.1 + ($1.1 == 1 ? 0 : $1.0) }
    return values[place]
  }

  /// Fractions between -1 and 1 that `float16` and `bfloat16` hold exactly.
  init(eighths shape: [Int], seed: Int = 1) {
    let whole = NaiveArray(integers: shape, seed: seed)
    self.init(shape) { whole[$0] / 8 }
  }

  /// The element at an index, or `nil` outside the array.
  func inside(_ index: [Int]) -> Double? {
    zip(index, shape).allSatisfy { (0..<$1).contains($0) } ? self[index] : nil
  }

  func reshaped(_ shape: [Int]) -> NaiveArray {
    var rest = values[...]
    return NaiveArray(shape) { _ in rest.removeFirst() }
  }

  var float: Tensor { Tensor(values.map { Float($0) }, shape: shape) }
  var double: Tensor { Tensor(values, shape: shape) }

  var float16: Tensor { halves(.float16) { Float16($0).bitPattern } }
  /// The upper halves of floats: exact for numbers of eight bits.
  var bfloat16: Tensor { halves(.bfloat16) { UInt16(Float($0).bitPattern >> 16) } }

  func integers<Element: TensorElement & FixedWidthInteger>(_ type: Element.Type) -> Tensor {
    Tensor(values.map { Element(truncatingIfNeeded: Int($0)) }, shape: shape)
  }

  private func halves(_ type: ElementType, _ bits: (Double) -> UInt16) -> Tensor {
    let region = values.map(bits).withUnsafeBytes { ByteRegion(copying: $0) }
    do { return try Tensor(type, shape: shape, region: region) } catch { fatalError("\(error)") }
  }

  /// All indices of a shape in row-major order.
  static func indices(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { indices, extent in
      indices.flatMap { index in (0..<extent).map { index + [$0] } }
    }
  }
}
