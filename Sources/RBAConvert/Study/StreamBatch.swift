import Execution
import Planning
import Statistics
import Tensors

/// Moments beside those of tokens that some forms are fitted to.
struct MomentKinds: OptionSet, Sendable {
  let rawValue: Int
  /// Of samples' means, for form `context`.
  static let samples = MomentKinds(rawValue: 1)
  /// Of neighbourhoods, for form `convolution`.
  static let patches = MomentKinds(rawValue: 2)
}

/// The values of some of a stream's points for a few samples.
struct StreamBatch: Sendable {
  let stream: ResidualStream
  /// Which points; positions in the stream.
  let points: [Int]
  /// As the model has them, samples first where they can be told apart.
  let values: [Tensor]
  /// [samples, T], zero at padding.
  let mask: Tensor?
  let outliers: OutlierScale?
  /// How many samples came before these.
  var firstSample = 0

  /// Zero for each row of a point that is padding; `nil` where none is told from others.
  var rowMask: [Float]? {
    guard let flags = mask?.floats, let point = values.first, point.count > 0,
      flags.count * stream.width == point.count
    else { return nil }
    return flags
  }

  /// Rows of every point: one for each token that is no padding, or for each position.
  func rows() -> PointRows {
    let whole = values.map { stream.rowTensor(of: $0) }
    var result = PointRows(points: whole, counts: [], weights: nil)
    if let flags = rowMask, let samples = values.first?.shape.first {
      let tokens = flags.count / samples
      let valid = flags.indices.filter { flags[$0] != 0 }
      result.counts = (0..<samples).map { sample in
        (sample * tokens..<(sample + 1) * tokens).count { flags[$0] != 0 }
      }
      if valid.count < flags.count { result.points = whole.map { $0.gathering(valid) } }
    } else {
      let samples = max(values.first?.shape.first ?? 1, 1)
      result.counts = Array(repeating: (whole.first?.shape[0] ?? 0) / samples, count: samples)
    }
    return result
  }

  /// What moments take of the batch.
  ///
  /// - Parameters:
  ///   - chosen: the points that moments look at; the others decide weights only.
  ///   - patches: the neighbourhoods to take, if any.
  func piece(
    for chosen: [Int], kinds: MomentKinds, patches: PatchSampling?
  ) -> StreamPiece {
    var all = rows()
    if let outliers {
      all.weights = all.points.withBuffers { buffers in
        outliers.weights(
          zip(points, buffers).map { (position: $0, rows: $1) }, width: stream.width)
      }
    }
    if points != chosen {
      let kept = Set(chosen)
      all.points = zip(points, all.points).filter { kept.contains($0.0) }.map(\.1)
    }
    return StreamPiece(
      rows: all, means: kinds.contains(.samples) ? all.sampleMeans(width: stream.width) : nil,
      patches: patches.map { $0.patches(of: self) })
  }
}

/// Rows of several points, one for each token.
struct PointRows: Sendable {
  /// [rows, d] each.
  var points: [Tensor]
  /// How many rows each sample has, in their order.
  var counts: [Int]
  /// One for each row; 1 each where `nil`.
  var weights: [Float]?

  /// The figures of each sample that has rows, at every point.
  ///
  /// - Parameter samples: how many samples there are that can be told apart; where rows do not divide
  ///   among them, all are taken for one.
  func figures(width: Int, samples: Int) -> [[[Double]]] {
    let rows = (points.first?.count ?? 0) / width
    let own = samples == counts.count && counts.reduce(0, +) == rows ? counts : [rows]
    let present = own.filter { $0 > 0 }
    return points.map { point in
      point.withFloats { SampleProfile.figures(of: $0, width: width, counts: present) }
    }
  }

  /// The mean row of each sample that has rows, weighted by how many those are.
  func sampleMeans(width: Int) -> PointRows {
    let means = points.map { point in
      point.withFloats { rows -> Tensor in
        var result: [Float] = []
        var row = 0
        for count in counts where count > 0 {
          var sums = [Double](repeating: 0, count: width)
          for index in row * width..<(row + count) * width {
            sums[index % width] += Double(rows[index])
          }
          result += sums.map { Float($0 / Double(count)) }
          row += count
        }
        return Tensor(result, shape: [result.count / width, width])
      }
    }
    let present = counts.filter { $0 > 0 }
    return PointRows(
      points: means, counts: present.map { _ in 1 }, weights: present.map { Float($0) })
  }
}

/// What a few samples add to a stream's moments.
struct StreamPiece: Sendable {
  let rows: PointRows
  let means: PointRows?
  let patches: Patches?

  /// Rows of neighbourhoods, by first point, and of differences, by span.
  struct Patches: Sendable {
    let features: [[Float]]
    let differences: [[Float]]
  }
}

extension [Tensor] {
  /// Calls `body` with the elements of all tensors, which are of floats.
  func withBuffers<Result>(
    _ body: ([UnsafeBufferPointer<Float>]) throws -> Result
  ) rethrows -> Result {
    func descend(_ buffers: [UnsafeBufferPointer<Float>]) throws -> Result {
      guard buffers.count < count else { return try body(buffers) }
      return try self[buffers.count].withFloats { try descend(buffers + [$0]) }
    }
    return try descend([])
  }
}
