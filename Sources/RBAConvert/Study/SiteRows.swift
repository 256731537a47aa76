import Planning
import Tensors

/// Which rows of some samples a site is solved from: all, or every so many.
struct RowChoice: Sendable {
  let rowsPerSample: Int
  private let stride: Int
  /// Zero for each row of all samples that is padding.
  private let mask: [Float]?

  /// - Parameters:
  ///   - limit: rows to take at most; the stride that keeps to it has no divisor in common with the
  ///     rows of a sample, so that no position is preferred.
  ///   - mask: of all samples' rows, zero at padding, which is never taken.
  init(rowsPerSample: Int, samples: Int, limit: Int = .max, mask: [Float]? = nil) {
    self.rowsPerSample = max(rowsPerSample, 1)
    self.mask = mask?.count == saturatingProduct([self.rowsPerSample, samples]) ? mask : nil
    let total = saturatingProduct([self.rowsPerSample, max(samples, 1)])
    var stride = total / max(limit, 1) + (total % max(limit, 1) == 0 ? 0 : 1)
    while stride > 1, Self.commonDivisor(stride, self.rowsPerSample) > 1 { stride += 1 }
    self.stride = max(stride, 1)
  }

  /// The chosen rows of consecutive samples, counted from the first row of the first of them.
  func rows(of samples: Range<Int>) -> [Int] {
    let first = samples.lowerBound * rowsPerSample
    let start = (first + stride - 1) / stride * stride
    let rows = Swift.stride(from: start, to: samples.upperBound * rowsPerSample, by: stride)
    guard let mask else { return rows.map { $0 - first } }
    return rows.filter { mask[$0] != 0 }.map { $0 - first }
  }

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }
}

extension ResidualStream {
  /// Some rows of a value of the stream's shape, [rows, d].
  func rows(of tensor: Tensor, at places: [Int]) -> [Float] {
    let positions = layout == .channels ? tensor.shape[2...].reduce(1, *) : 1
    let width = width
    return tensor.withNumbers { values in
      [Float](unsafeUninitializedCapacity: places.count * width) { result, count in
        for (index, row) in places.enumerated() {
          // Features of one position lie `positions` apart.
          let start = row / positions * positions * width + row % positions
          for k in 0..<width {
            result.initializeElement(at: index * width + k, to: values[start + k * positions])
          }
        }
        count = places.count * width
      }
    }
  }
}

extension HealingSite {
  /// The rows of u that belong to some of the sum's rows, [rows, k].
  ///
  /// - Parameter sum: a value of the sum's shape.
  func rows(of input: Tensor, at places: [Int], like sum: Tensor) -> [Float] {
    let k = inputWidth
    guard case .patches(let kernel, let strides, let dilations, let pads) = reading else {
      return input.withNumbers { values in
        places.flatMap { values[$0 * k..<($0 + 1) * k] }
      }
    }
    let (channels, extents) = (input.shape[1], Array(input.shape[2...]))
    let output = Array(sum.shape[2...])
    let (plane, positions) = (extents.reduce(1, *), output.reduce(1, *))
    let taps = kernel.reduce(1, *)
    return input.withNumbers { values in
      var result = [Float](repeating: 0, count: places.count * k)
      for (index, row) in places.enumerated() {
        let image = row / positions * channels * plane
        let place = Self.coordinates(of: row % positions, in: output)
        for tap in 0..<taps {
          let offset = Self.coordinates(of: tap, in: kernel)
          var position = 0
          var isInside = true
          for axis in extents.indices {
            let at = place[axis] * strides[axis] + offset[axis] * dilations[axis] - pads[axis]
            isInside = isInside && at >= 0 && at < extents[axis]
            position = position * extents[axis] + at
          }
          guard isInside else { continue }
          for channel in 0..<channels {
            result[index * k + channel * taps + tap] = values[image + channel * plane + position]
          }
        }
      }
      return result
    }
  }

  private static func coordinates(of index: Int, in shape: [Int]) -> [Int] {
    var (rest, result) = (index, shape)
    for axis in shape.indices.reversed() {
      result[axis] = rest % shape[axis]
      rest /= shape[axis]
    }
    return result
  }
}

extension Tensor {
  /// Calls `body` with the elements as floats.
  fileprivate func withNumbers<Result>(
    _ body: (UnsafeBufferPointer<Float>) -> Result
  ) -> Result {
    if elementType == .float { return withFloats(body) }
    return (floats ?? []).withUnsafeBufferPointer(body)
  }
}
