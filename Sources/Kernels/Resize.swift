/// Resampling along one axis at a time, as ONNX Resize defines it.
///
/// Every mode is separable: an n-D resize applies one `Resize` per resized axis, each on the array seen
/// as [outer, length, inner]. Coordinates are computed in float, as runtimes do.
/// Source: ONNX Resize-19.
package struct Resize: Sendable {
  package enum CoordinateTransformation: Sendable {
    case halfPixel, halfPixelSymmetric, pytorchHalfPixel, alignCorners, asymmetric
    /// The region of interest as fractions of the axis; what lies outside the input is extrapolated.
    case tfCropAndResize(start: Float, end: Float)
  }

  package enum NearestRounding: Sendable { case preferFloor, preferCeil, floor, ceil }

  package enum Interpolation: Sendable {
    case nearest(NearestRounding)
    case linear
    case cubic(coefficient: Float)
  }

  /// The inputs that one output position weighs, empty where it is extrapolated.
  private let taps: [[(index: Int, weight: Float)]]
  private let length: Int
  private let extrapolation: Float

  /// - Parameters:
  ///   - length: the axis before resizing, at least one.
  ///   - outputLength: the axis after resizing.
  ///   - scale: what the model states, or the quotient of the lengths.
  ///   - antialias: widens the filter when shrinking; linear and cubic only.
  ///   - excludeOutside: drops what lies outside the input and scales the rest to sum to one, where
  ///     otherwise the edge is repeated.
  package init(
    length: Int, outputLength: Int, scale: Float, interpolation: Interpolation,
    transformation: CoordinateTransformation, antialias: Bool = false, excludeOutside: Bool = false,
    extrapolation: Float = 0
  ) {
    precondition(length > 0 && outputLength >= 0, "expected a non-empty axis, got \(length)")
    self.length = length
    self.extrapolation = extrapolation
    taps = (0..<outputLength).map { position in
      let x = transformation.coordinate(
        of: position, length: length, outputLength: outputLength, scale: scale)
      if case .tfCropAndResize = transformation, !(x >= 0 && x <= Float(length - 1)) { return [] }
      if case .nearest(let rounding) = interpolation {
        return [(min(max(Int(rounding.round(x)), 0), length - 1), 1)]
      }
      var weights = interpolation.weights(at: x, scale: antialias ? min(scale, 1) : 1)
      if excludeOutside { weights = weights.filter { (0..<length).contains($0.index) } }
      let sum = weights.reduce(0) { $0 + $1.weight }
      return weights.map { (min(max($0.index, 0), length - 1), $0.weight / sum) }
    }
  }

  /// y[o, j, i] = Σ weight x[o, index, i] over the taps of j.
  ///
  /// Shapes: x [outer, length, inner], y [outer, outputLength, inner]; they must not overlap.
  package func apply(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, outer: Int, inner: Int
  ) {
    var out = y
    for o in 0..<outer {
      let plane = x + o * length * inner
      for taps in taps {
        if taps.count == 1, taps[0].weight == 1 {
          out.update(from: plane + taps[0].index * inner, count: inner)
        } else {
          out.update(repeating: taps.isEmpty ? extrapolation : 0, count: inner)
          for (index, weight) in taps {
            let row = plane + index * inner
            for i in 0..<inner { out[i] += weight * row[i] }
          }
        }
        out += inner
      }
    }
  }
}

extension Resize.CoordinateTransformation {
  /// The place in the input of an output position.
  func coordinate(of position: Int, length: Int, outputLength: Int, scale: Float) -> Float {
    let x = Float(position)
    let last = Float(length - 1)
    switch self {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelSymmetric:
      let adjustment = Float(outputLength) / (scale * Float(length))
      return Float(length) / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return outputLength > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .alignCorners: return outputLength > 1 ? x * last / Float(outputLength - 1) : 0
    case .asymmetric: return x / scale
    case .tfCropAndResize(let start, let end):
      return outputLength > 1
        ? start * last + x * (end - start) * last / Float(outputLength - 1)
        : 0.5 * (start + end) * last
    }
  }
}

extension Resize.NearestRounding {
  func round(_ x: Float) -> Float {
    switch self {
    case .preferFloor: (x - 0.5).rounded(.up)
    case .preferCeil: (x + 0.5).rounded(.down)
    case .floor: x.rounded(.down)
    case .ceil: x.rounded(.up)
    }
  }
}

extension Resize.Interpolation {
  /// The filter around x, stretched by 1 / scale; indices may lie outside the input.
  func weights(at x: Float, scale: Float) -> [(index: Int, weight: Float)] {
    let radius: Float = if case .cubic = self { 2 } else { 1 }
    let base = x.rounded(.up) - 1
    let ratio = x - base
    let first = Int((-radius / scale).rounded(.down)) + 1
    return (first...(1 - first)).map { offset in
      (Int(base) + offset, kernel(((Float(offset) - ratio) * scale).magnitude))
    }
  }

  private func kernel(_ t: Float) -> Float {
    guard case .cubic(let a) = self else { return max(0, 1 - t) }
    if t <= 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
    return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0
  }
}
