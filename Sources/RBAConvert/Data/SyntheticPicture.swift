/// A made-up picture with what natural ones have: power that falls with frequency, and edges.
///
/// Noise of octave grids, each twice as fine and half as strong, gives the spectrum; random half planes
/// and discs laid over it give edges. Every channel is scaled to mean 0 and deviation 1, the range
/// normalised pictures have.
struct SyntheticPicture {
  let height: Int
  let width: Int

  /// Values channel by channel, row by row.
  func channels(_ count: Int, _ random: inout RandomSource) -> [[Float]] {
    let luminance = octaves(&random)
    let shapes = (0..<4).map { _ in Shape(height: height, width: width, &random) }
    return (0..<count).map { _ in
      let tint = octaves(&random)
      var plane = zip(luminance, tint).map { $0 + 0.4 * $1 }
      for shape in shapes {
        let shade = random.uniform(-1.5, 1.5)
        for y in 0..<height {
          for x in 0..<width where shape.contains(x, y) { plane[y * width + x] += shade }
        }
      }
      return standardised(plane)
    }
  }

  private struct Shape {
    let x: Float
    let y: Float
    let radius: Float?
    let slope: (x: Float, y: Float)

    init(height: Int, width: Int, _ random: inout RandomSource) {
      x = random.uniform(0, Float(width))
      y = random.uniform(0, Float(height))
      radius =
        random.uniform() < 0.5 ? random.uniform(0.05, 0.4) * Float(min(height, width)) : nil
      slope = (random.uniform(-1, 1), random.uniform(-1, 1))
    }

    func contains(_ column: Int, _ row: Int) -> Bool {
      let (dx, dy) = (Float(column) - x, Float(row) - y)
      if let radius { return dx * dx + dy * dy < radius * radius }
      return dx * slope.x + dy * slope.y > 0
    }
  }

  private func octaves(_ random: inout RandomSource) -> [Float] {
    var plane = [Float](repeating: 0, count: height * width)
    var cells = 2
    var strength: Float = 1
    while cells <= max(height, width) {
      let side = cells + 1
      let grid = (0..<side * side).map { _ in random.normal() }
      for y in 0..<height {
        let v = Float(y) / Float(height) * Float(cells)
        let (row, fy) = (Int(v), v - v.rounded(.down))
        for x in 0..<width {
          let u = Float(x) / Float(width) * Float(cells)
          let (column, fx) = (Int(u), u - u.rounded(.down))
          let corner = row * side + column
          let top = grid[corner] * (1 - fx) + grid[corner + 1] * fx
          let bottom = grid[corner + side] * (1 - fx) + grid[corner + side + 1] * fx
          plane[y * width + x] += strength * (top * (1 - fy) + bottom * fy)
        }
      }
      cells *= 2
      strength /= 2
    }
    return plane
  }

  private func standardised(_ plane: [Float]) -> [Float] {
    let count = Float(max(plane.count, 1))
    let mean = plane.reduce(0, +) / count
    let variance = plane.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let scale = 1 / max(variance.squareRoot(), 1e-6)
    return plane.map { ($0 - mean) * scale }
  }
}
