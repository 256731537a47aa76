package import Operators
package import Tensors

/// Samples that feed one input: rows of a tensor's first axis, all of them or some.
///
/// Nothing is copied before it runs, so that a mapped file of any length stays where it is.
package struct SampleRows: Sendable {
  package let tensor: Tensor
  /// Which rows, in their order; all where `nil`.
  package let rows: [Int]?

  package init(_ tensor: Tensor, rows: [Int]? = nil) {
    self.tensor = tensor
    self.rows = rows
  }

  /// The number of samples; one where there is no first axis.
  var count: Int { rows?.count ?? tensor.shape.first ?? 1 }

  /// The type of a tensor of `count` samples.
  func type(count: Int) -> ArrayType {
    ArrayType(tensor.elementType, [count] + tensor.shape.dropFirst())
  }

  /// The type of a tensor of all samples.
  package var type: ArrayType {
    rows.map { type(count: $0.count) } ?? ArrayType(tensor)
  }

  /// Whether samples can be told apart in memory.
  var areSeparable: Bool {
    !tensor.shape.isEmpty && tensor.strings == nil && (tensor.elementType.bitWidth ?? 1) % 8 == 0
  }

  /// Samples `range`, as a tensor; the last of them stands in for those beyond, up to `size`.
  func tensor(_ range: Range<Int>, paddedTo size: Int = 0) -> Tensor {
    guard rows != nil || range.count < size else { return tensor.slice(range) }
    var chosen = rows.map { Array($0[range]) } ?? Array(range)
    chosen += repeatElement(chosen.last ?? 0, count: max(size - chosen.count, 0))
    return tensor.gathering(chosen)
  }

  /// All samples, as a tensor.
  package var all: Tensor { rows == nil ? tensor : tensor(0..<count) }
}

extension Tensor {
  /// Rows of the first axis, copied together; shares memory where they are consecutive.
  package func gathering(_ rows: [Int]) -> Tensor {
    guard let first = rows.first else { return slice(0..<0) }
    if rows.indices.allSatisfy({ rows[$0] == first + $0 }) {
      return slice(first..<first + rows.count)
    }
    return Tensor.concatenating(rows.map { slice($0..<$0 + 1) })
  }
}
