@testable import Statistics

/// Rows of numbers that are the same in every run.
struct Rows {
  var values: [Float]
  let width: Int

  var count: Int { values.count / width }

  init(_ values: [Float], width: Int) {
    self.values = values
    self.width = width
  }

  /// Rows that are normal about `mean` with `deviation`.
  init(_ count: Int, width: Int, mean: Float = 0, deviation: Float = 1, seed: UInt64) {
    var generator = Generator(state: seed)
    self.width = width
    values = (0..<count * width).map { _ in
      // The sum of twelve uniform numbers has variance 1 and nearly the shape of a normal one.
      let sum = (0..<12).reduce(0.0) { sum, _ in sum + generator.uniform() }
      return mean + deviation * Float(sum - 6)
    }
  }

  /// x W + b, accumulated in double.
  func mapped(by weight: [Float], bias: [Float]? = nil) -> Rows {
    var result = self
    for row in 0..<count {
      for column in 0..<width {
        var sum = Double(bias?[column] ?? 0)
        for k in 0..<width {
          sum += Double(values[row * width + k]) * Double(weight[k * width + column])
        }
        result.values[row * width + column] = Float(sum)
      }
    }
    return result
  }

  static func + (a: Rows, b: Rows) -> Rows {
    Rows(zip(a.values, b.values).map { $0 + $1 }, width: a.width)
  }
}

/// SplitMix64. Source: Steele, Lea, Flood 2014.
struct Generator {
  var state: UInt64

  mutating func uniform() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return Double((z ^ z >> 31) >> 11) * 0x1p-53
  }
}

/// The moments of all pairs of a stream's points, added in chunks of the given numbers of rows.
func moments(
  _ points: [Rows], chunks: [Int]? = nil, threads: Int = 1
) throws -> StreamMoments {
  let width = points[0].width
  let pairs = points.indices.flatMap { from in
    (from..<points.count).map { PointPair(from, $0) }
  }
  var total = StreamMoments(width: width, spans: pairs)
  var start = 0
  for rows in chunks ?? [points[0].count] {
    let slices = points.map { Array($0.values[start * width..<(start + rows) * width]) }
    try slices.withBuffers { try total.add($0, threads: threads) }
    start += rows
  }
  return total
}

/// The moments of a span from `x` to `y`.
func span(_ x: Rows, _ y: Rows) throws -> SpanMoments {
  try moments([x, y]).span(from: 0, to: 1)
}

extension [[Float]] {
  /// Calls `body` with a pointer to each array.
  func withBuffers<Result>(
    _ body: ([UnsafeBufferPointer<Float>]) throws -> Result
  ) rethrows -> Result {
    var buffers: [UnsafeBufferPointer<Float>] = []
    func descend(_ index: Int) throws -> Result {
      if index == count { return try body(buffers) }
      return try self[index].withUnsafeBufferPointer {
        buffers.append($0)
        return try descend(index + 1)
      }
    }
    return try descend(0)
  }
}
