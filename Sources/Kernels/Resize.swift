/// Resampling along one axis at a time, as ONNX Resize defines it.
///
/// Every mode is separable: an n-D resize applies one `Resize` per resized axis, each on the array seen
/// as [outer, length, inner]. Coordinates are computed in `Real`, as runtimes do in float.
/// Source: ONNX Resize-19.
package struct Resize<Real: BinaryFloatingPoint & Sendable>: Sendable {
  package enum CoordinateTransformation: Sendable {
    case halfPixel, halfPixelSymmetric, pytorchHalfPixel, alignCorners, asymmetric
    /// The middle of a pixel without the half that leads back to its index: of version 11 only.
    case tfHalfPixelForNearest
    /// The region of interest as fractions of the axis; what lies outside the input is extrapolated.
    case tfCropAndResize(start: Real, end: Real)
  }

  package enum NearestRounding: String, Sendable {
    case preferFloor = "round_prefer_floor"
    case preferCeil = "round_prefer_ceil"
    case floor, ceil
  }

  package enum Interpolation: Sendable {
    case nearest(NearestRounding)
    case linear
    case cubic(coefficient: Real)
  }

  /// Output positions whose inputs are looked up at a time.
  private static var blockLength: Int { 64 }
  /// Inputs beyond which an output's weights are not kept but computed as they are used.
  private static var widestKept: Int { 4096 }

  private let length: Int
  private let outputLength: Int
  private let scale: Real
  private let interpolation: Interpolation
  private let transformation: CoordinateTransformation
  private let antialias: Bool
  private let excludeOutside: Bool
  private let extrapolation: Real

  /// - Parameters:
  ///   - length: the axis before resizing, at least one.
  ///   - outputLength: the axis after resizing.
  ///   - scale: what the model states, or the quotient of the lengths; a positive number.
  ///   - antialias: widens the filter when shrinking; linear and cubic only.
  ///   - excludeOutside: drops what lies outside the input and scales the rest to sum to one, where
  ///     otherwise the edge is repeated.
  package init(
    length: Int, outputLength: Int, scale: Real, interpolation: Interpolation,
    transformation: CoordinateTransformation, antialias: Bool = false, excludeOutside: Bool = false,
    extrapolation: Real = 0
  ) {
    precondition(length > 0 && outputLength >= 0, "expected a non-empty axis, got \(length)")
    self.length = length
    self.outputLength = outputLength
    self.scale = scale
    self.interpolation = interpolation
    self.transformation = transformation
    self.antialias = antialias
    self.excludeOutside = excludeOutside
    self.extrapolation = extrapolation
  }

  /// y[o, j, i] = Σ weight x[o, index, i] over the inputs that j weighs.
  ///
  /// Shapes: x [outer, length, inner], y [outer, outputLength, inner]; they must not overlap.
  @_specialize(where Real == Float)
  @_specialize(where Real == Double)
  package func apply(
    _ x: UnsafePointer<Real>, into y: UnsafeMutablePointer<Real>, outer: Int, inner: Int
  ) { weigh(x, into: y, outer: outer, inner: inner) }

  /// y[o, j, i] = x[o, the input nearest to j, i], or `filling` where that is extrapolated, for elements
  /// of 1, 2, 4 or 8 bytes.
  package func gather(
    _ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, outer: Int, inner: Int,
    elementSize: Int, filling: UInt64
  ) {
    func gather<Word: FixedWidthInteger>(_ type: Word.Type) {
      move(
        x.assumingMemoryBound(to: type), into: y.assumingMemoryBound(to: type), outer: outer,
        inner: inner, filling: Word(truncatingIfNeeded: filling))
    }
    switch elementSize {
    case 1: gather(UInt8.self)
    case 2: gather(UInt16.self)
    case 4: gather(UInt32.self)
    case 8: gather(UInt64.self)
    default: preconditionFailure("expected an element of 1, 2, 4 or 8 bytes, got \(elementSize)")
    }
  }

  @inline(__always)
  private func weigh(
    _ x: UnsafePointer<Real>, into y: UnsafeMutablePointer<Real>, outer: Int, inner: Int
  ) {
    if antialias, 4 / scale > Real(Self.widestKept) {
      return weighWidely(x, into: y, outer: outer, inner: inner)
    }
    for first in stride(from: 0, to: outputLength, by: Self.blockLength) {
      var taps: [Tap] = []
      let positions = first..<min(first + Self.blockLength, outputLength)
      let ends = positions.map { position in
        appendTaps(of: position, to: &taps)
        return taps.count
      }
      for o in 0..<outer {
        let plane = x + o * length * inner
        var begin = 0
        for (position, end) in zip(positions, ends) {
          let out = y + (o * outputLength + position) * inner
          if end == begin + 1, taps[begin].weight == 1 {
            out.update(from: plane + taps[begin].index * inner, count: inner)
          } else {
            out.update(repeating: begin == end ? extrapolation : 0, count: inner)
            for tap in begin..<end {
              let (row, weight) = (plane + taps[tap].index * inner, taps[tap].weight)
              for i in 0..<inner { out[i] += weight * row[i] }
            }
          }
          begin = end
        }
      }
    }
  }

  /// As `weigh`, without memory for the weights.
  @inline(__always)
  private func weighWidely(
    _ x: UnsafePointer<Real>, into y: UnsafeMutablePointer<Real>, outer: Int, inner: Int
  ) {
    for position in 0..<outputLength {
      let center = place(of: position)
      for o in 0..<outer {
        (y + (o * outputLength + position) * inner).update(
          repeating: center == nil ? extrapolation : 0, count: inner)
      }
      guard let center else { continue }
      var sum: Real = 0
      forEachTap(at: center) { sum += $0.weight }
      forEachTap(at: center) { tap in
        for o in 0..<outer {
          let out = y + (o * outputLength + position) * inner
          let row = x + (o * length + tap.index) * inner
          for i in 0..<inner { out[i] += tap.weight / sum * row[i] }
        }
      }
    }
  }

  @inline(__always)
  private func move<Word>(
    _ x: UnsafePointer<Word>, into y: UnsafeMutablePointer<Word>, outer: Int, inner: Int,
    filling: Word
  ) {
    for first in stride(from: 0, to: outputLength, by: Self.blockLength) {
      let positions = first..<min(first + Self.blockLength, outputLength)
      let sources = positions.map { source(of: $0) ?? -1 }
      for o in 0..<outer {
        let plane = x + o * length * inner
        for (position, source) in zip(positions, sources) {
          let out = y + (o * outputLength + position) * inner
          if source < 0 {
            out.update(repeating: filling, count: inner)
          } else if inner == 1 {
            out[0] = plane[source]
          } else {
            out.update(from: plane + source * inner, count: inner)
          }
        }
      }
    }
  }

  private struct Tap {
    var index: Int
    var weight: Real
  }

  /// The place in the input of an output position, or `nil` where it is extrapolated.
  private func place(of position: Int) -> Real? {
    let x = transformation.coordinate(
      of: position, length: length, outputLength: outputLength, scale: scale)
    if case .tfCropAndResize = transformation, !(x >= 0 && x <= Real(length - 1)) { return nil }
    return min(max(x, -0x1p40), 0x1p40)
  }

  /// The input nearest to an output position, or `nil` where that is extrapolated.
  private func source(of position: Int) -> Int? {
    guard let x = place(of: position) else { return nil }
    let rounding: NearestRounding =
      if case .nearest(let rounding) = interpolation { rounding } else { .preferFloor }
    return min(max(Int(rounding.round(x)), 0), length - 1)
  }

  /// The inputs that an output position weighs; none where it is extrapolated.
  private func appendTaps(of position: Int, to taps: inout [Tap]) {
    guard let x = place(of: position) else { return }
    if case .nearest(let rounding) = interpolation {
      taps.append(Tap(index: min(max(Int(rounding.round(x)), 0), length - 1), weight: 1))
      return
    }
    let first = taps.count
    var sum: Real = 0
    forEachTap(at: x) { tap in
      taps.append(tap)
      sum += tap.weight
    }
    for tap in first..<taps.count { taps[tap].weight /= sum }
  }

  /// The inputs that the filter around x weighs, their weights not yet summing to one.
  private func forEachTap(at x: Real, _ body: (Tap) -> Void) {
    interpolation.forEachWeight(at: x, scale: antialias ? min(scale, 1) : 1) { index, weight in
      if excludeOutside, index < 0 || index >= length { return }
      body(Tap(index: min(max(index, 0), length - 1), weight: weight))
    }
  }
}

extension Resize.CoordinateTransformation {
  /// The place in the input of an output position.
  func coordinate(of position: Int, length: Int, outputLength: Int, scale: Real) -> Real {
    let x = Real(position)
    let last = Real(length - 1)
    switch self {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelSymmetric:
      let adjustment = Real(outputLength) / (scale * Real(length))
      return Real(length) / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
    case .pytorchHalfPixel: return outputLength > 1 ? (x + 0.5) / scale - 0.5 : 0
    case .alignCorners: return outputLength > 1 ? x * last / Real(outputLength - 1) : 0
    case .asymmetric: return x / scale
    case .tfHalfPixelForNearest: return (x + 0.5) / scale
    case .tfCropAndResize(let start, let end):
      return outputLength > 1
        ? start * last + x * (end - start) * last / Real(outputLength - 1)
        : 0.5 * (start + end) * last
    }
  }
}

extension Resize.NearestRounding {
  func round(_ x: Real) -> Real {
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
  func forEachWeight(at x: Real, scale: Real, _ body: (_ index: Int, _ weight: Real) -> Void) {
    let radius: Real = if case .cubic = self { 2 } else { 1 }
    let base = x.rounded(.up) - 1
    let ratio = x - base
    let first = Int((-radius / scale).rounded(.down)) + 1
    for offset in first...(1 - first) {
      body(Int(base) + offset, kernel(((Real(offset) - ratio) * scale).magnitude))
    }
  }

  private func kernel(_ t: Real) -> Real {
    guard case .cubic(let a) = self else { return max(0, 1 - t) }
    if t <= 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
    return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0
  }
}
