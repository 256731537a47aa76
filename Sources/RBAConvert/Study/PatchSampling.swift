import Operators
import Planning
import Statistics
import Tensors

/// Which neighbourhoods of a stream [N, d, H, W] convolutions are fitted to: of each sample as many
/// positions as the unknowns ask for, spread evenly, elsewhere in the next sample.
struct PatchSampling: Sendable {
  let spans: [PointPair]
  let starts: [Int]
  /// Positions of each sample.
  let positions: Int
  let extent = ReplacementForm.kernelExtent

  /// Features of a neighbourhood up to which convolutions are fitted: their Gram matrix is a square of
  /// so many.
  private static let largestFeatureCount = 1152
  /// Rows for each feature that are enough.
  private static let rowsPerFeature = 64

  /// Whether convolutions of the stream are fitted at all.
  static func isAffordable(_ stream: ResidualStream) -> Bool {
    let extent = ReplacementForm.kernelExtent
    return ReplacementForm.convolution.objection(to: stream) == nil
      && stream.width <= largestFeatureCount / (extent * extent)
  }

  /// - Parameter samples: how many there are to fit on.
  init(_ moments: PatchMoments, stream: ResidualStream, samples: Int) {
    (spans, starts) = (moments.spans, moments.starts)
    let all = stream.type.shape[2...].reduce(1, *)
    let wanted = Self.rowsPerFeature * moments.featureCount / max(samples, 1) + 16
    positions = min(all, wanted)
  }

  /// The neighbourhoods, [rows, k · k · d] with zeros beyond the edges, and the differences, [rows, d].
  func patches(of batch: StreamBatch) -> StreamPiece.Patches {
    let values = Dictionary(
      uniqueKeysWithValues: zip(batch.points, batch.values.map { $0.floats ?? [] }))
    let shape = batch.values[0].shape
    let (width, height, columns) = (shape[1], shape[2], shape[3])
    let area = height * columns
    let places = (0..<shape[0]).flatMap { sample in
      // The golden ratio's multiples spread evenly however many there are.
      let phase = (Double(batch.firstSample + sample) * 0.618_033_988_749_895)
        .truncatingRemainder(dividingBy: 1)
      return (0..<min(positions, area)).map { index in
        let position = Int((Double(index) + phase) * Double(area) / Double(positions))
        return (sample: sample, position: min(position, area - 1))
      }
    }
    let features = starts.map { start in
      let source = values[start] ?? []
      var result = [Float](repeating: 0, count: places.count * extent * extent * width)
      for (row, place) in places.enumerated() {
        let (y, x) = (place.position / columns, place.position % columns)
        for offset in 0..<extent * extent {
          let (v, u) = (y + offset / extent - extent / 2, x + offset % extent - extent / 2)
          guard (0..<height).contains(v), (0..<columns).contains(u) else { continue }
          let target = (row * extent * extent + offset) * width
          for channel in 0..<width {
            result[target + channel] =
              source[(place.sample * width + channel) * area + v * columns + u]
          }
        }
      }
      return result
    }
    let differences = spans.map { span in
      let (a, b) = (values[span.from] ?? [], values[span.to] ?? [])
      return places.flatMap { place in
        (0..<width).map { channel in
          let index = (place.sample * width + channel) * area + place.position
          return b[index] - a[index]
        }
      }
    }
    return StreamPiece.Patches(features: features, differences: differences)
  }
}
