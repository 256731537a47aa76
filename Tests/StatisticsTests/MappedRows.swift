@testable import Statistics

extension LinearMap {
  /// The map applied to rows, in double: what a replacement computes, said naively.
  ///
  /// - Parameters:
  ///   - samples: which sample each row belongs to.
  ///   - shape: height and width of the picture whose pixels the rows are.
  func applied(to x: Rows, samples: [Int]? = nil, shape: (Int, Int)? = nil) -> [Double] {
    let width = x.width
    func product(_ row: (Int) -> Double, _ rows: Int, _ matrix: ArraySlice<Float>, _ columns: Int)
      -> [Double]
    {
      (0..<columns).map { column in
        (0..<rows).reduce(0) {
          $0 + row($1) * Double(matrix[matrix.startIndex + $1 * columns + column])
        }
      }
    }
    return (0..<x.count).flatMap { index -> [Double] in
      let row = (0..<width).map { Double(x.values[index * width + $0]) }
      func adding(_ a: [Double], _ bias: [Float]?) -> [Double] {
        a.indices.map { a[$0] + Double(bias?[$0] ?? 0) }
      }
      switch self {
      case .identity: return row
      case .bias(let bias): return adding(row, bias)
      case .diagonal(let scale, let bias):
        return adding((0..<width).map { row[$0] * Double(scale[$0]) }, bias)
      case .lowRank(let down, let up, let bias):
        let rank = down.count / width
        let reduced = product({ row[$0] }, width, down[...], rank)
        let branch = product({ reduced[$0] }, rank, up[...], width)
        return adding((0..<width).map { row[$0] + branch[$0] }, bias)
      case .linear(let weight, let bias):
        return adding(product({ row[$0] }, width, weight[...], width), bias)
      case .context(let weight, let context, let bias):
        let own = product({ row[$0] }, width, weight[...], width)
        let peers = (0..<x.count).filter { samples![$0] == samples![index] }
        let mean = (0..<width).map { k in
          peers.reduce(0) { $0 + Double(x.values[$1 * width + k]) } / Double(peers.count)
        }
        let shared = product({ mean[$0] }, width, context[...], width)
        return adding((0..<width).map { own[$0] + shared[$0] }, bias)
      case .convolution(let kernel, let bias):
        let (height, columns) = shape!
        let (start, place) = (index / (height * columns), index % (height * columns))
        var sum = [Double](repeating: 0, count: width)
        for offset in 0..<9 {
          let (v, u) = (place / columns + offset / 3 - 1, place % columns + offset % 3 - 1)
          guard (0..<height).contains(v), (0..<columns).contains(u) else { continue }
          let source = (start * height * columns + v * columns + u) * width
          let part = product(
            { Double(x.values[source + $0]) }, width,
            kernel[offset * width * width..<(offset + 1) * width * width], width)
          for k in 0..<width { sum[k] += part[k] }
        }
        return adding(sum, bias)
      }
    }
  }
}
