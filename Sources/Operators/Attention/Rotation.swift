import Kernels
import Tensors

/// The rotation that rotary position embeddings apply to the leading elements of each head's row.
///
/// Of two elements a and b that belong together: a cos − b sin, and a sin + b cos. They lie half of the
/// rotated elements apart, or, interleaved, beside each other.
struct Rotation {
  let samples, heads, rows, width: Int
  /// Pairs of elements of a row that are rotated.
  let pairs: Int
  let isInterleaved: Bool

  /// How the heads of a tensor of three or four axes lie.
  func layout(rank: Int) -> HeadLayout {
    rank == 3
      ? .rowsFirst(heads: heads, rows: rows, width: width)
      : .headsFirst(heads: heads, rows: rows, width: width)
  }

  /// - Parameters:
  ///   - cos: rows of `pairs` cosines, and `sin` of sines.
  ///   - position: which of those rows is a sample's row's.
  func apply(
    _ x: UnsafePointer<Float>, _ layout: HeadLayout, into y: UnsafeMutablePointer<Float>,
    _ target: HeadLayout, cos: UnsafePointer<Float>, sin: UnsafePointer<Float>,
    position: (_ sample: Int, _ row: Int) -> Int
  ) {
    for sample in 0..<samples {
      for row in 0..<rows {
        let place = position(sample, row) * pairs
        for head in 0..<heads {
          rotate(
            x + layout.offset(sample, head) + row * layout.row,
            into: y + target.offset(sample, head) + row * target.row, cos: cos + place,
            sin: sin + place)
        }
      }
    }
  }

  private func rotate(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, cos: UnsafePointer<Float>,
    sin: UnsafePointer<Float>
  ) {
    let (step, apart) = isInterleaved ? (2, 1) : (1, pairs)
    for pair in 0..<pairs {
      let (a, b) = (x[pair * step], x[pair * step + apart])
      y[pair * step] = a * cos[pair] - b * sin[pair]
      y[pair * step + apart] = a * sin[pair] + b * cos[pair]
    }
    (y + 2 * pairs).update(from: x + 2 * pairs, count: width - 2 * pairs)
  }

  /// Checks that rotated elements come in pairs and are no more than there are.
  static func pairs(rotated: Int, width: Int) throws(OperatorError) -> Int {
    let rotated = rotated == 0 ? width : rotated
    guard rotated >= 0, rotated <= width, rotated % 2 == 0 else {
      throw OperatorError(
        .shapeMismatch, "cannot rotate \(rotated) elements of heads of \(width)")
    }
    return rotated / 2
  }
}

/// - Throws: `OperatorError.invalidValue` where a position is outside a cache of so many rows.
func checkPositions(_ positions: [Int], below count: Int) throws(OperatorError) {
  if let position = positions.first(where: { !(0..<count).contains($0) }) {
    throw OperatorError(.invalidValue, "position \(position) is outside a cache of \(count) rows")
  }
}
