package import GraphIR
import Tensors

/// x sampled at the places that a grid names.
///
/// Shapes: x [N, C, spatial…] of r spatial axes, 6 at most; grid [N, places…, r]; y [N, C, places…].
/// A place counts from −1 to 1 along each axis and names the last axis first.
/// Attributes: mode ("linear", "nearest", "cubic"; before version 20 "bilinear", "nearest", "bicubic"),
/// padding_mode ("zeros", "border", "reflection"), align_corners (0): whether −1 and 1 are the centres of
/// the outermost elements or, as by default, their outer edges.
/// Types: nearest moves elements of every type that fills whole bytes; the others take float, double,
/// float16, bfloat16 and integers, which take the sum's whole part. The grid is of a floating type.
/// Precision: places in float, in double where the grid is; weights and sums in double.
/// Source: ONNX GridSample-16, 20, 22.
package struct GridSample: Operator {
  package static let signature = OperatorSignature("GridSample", since: 16, inputs: 2...2)

  enum Mode { case nearest, linear, cubic }
  enum Padding: String { case zeros, border, reflection }

  private let mode: Mode
  private let padding: Padding
  private let alignsCorners: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let name = try node.text("mode", default: "linear")
    switch name {
    case "nearest": mode = .nearest
    case "linear", "bilinear": mode = .linear
    case "cubic", "bicubic": mode = .cubic
    default: throw OperatorError(.invalidAttribute, "mode '\(name)' is unknown")
    }
    let padding = try node.text("padding_mode", default: "zeros")
    guard let padding = Padding(rawValue: padding) else {
      throw OperatorError(.invalidAttribute, "padding_mode '\(padding)' is unknown")
    }
    self.padding = padding
    alignsCorners = try node.flag("align_corners", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, grid) = (inputs[0]!.type, inputs[1]!.type)
    let isSupported =
      mode == .nearest ? x.elementType.movableByteCount != nil : x.elementType.isNumeric
    try expect("GridSample", supports: x.elementType, isSupported)
    guard grid.elementType.isFloatingPoint else {
      throw OperatorError(.typeMismatch, "grid: expected a floating type, got \(grid.elementType)")
    }
    let rank = x.shape.count - 2
    guard rank >= 1, grid.shape.count == rank + 2, grid.shape[0] == x.shape[0],
      grid.shape[rank + 1] == rank
    else {
      throw OperatorError(.shapeMismatch, "a grid of \(grid.shape) does not fit \(x.shape)")
    }
    guard rank <= SampledPlace.mostAxes else {
      throw OperatorError(.unsupported, "\(rank) spatial axes are not supported")
    }
    guard !x.shape[2...].contains(0) else {
      throw OperatorError(
        .shapeMismatch, "expected spatial axes that are not empty, got \(x.shape)")
    }
    return .types([
      try ArrayType(x.elementType, Array(x.shape[..<2] + grid.shape[1...rank])).checked()
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    if mode == .nearest {
      return try computingInFloat([inputs[1]], []) { (grids, _) in
        move(inputs[0]!, at: grids[0]!, into: outputs[0])
      }
    }
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      let (x, grid, y) = (inputs[0]!, inputs[1]!, outputs[0])
      switch x.elementType {
      case .float: interpolate(Float.self, x, at: grid, into: y)
      case .double: interpolate(Double.self, x, at: grid, into: y)
      default: interpolate(x.elementType.numeric, x, at: grid, into: y)
      }
    }
  }

  private func move(_ x: TensorView, at grid: TensorView, into y: MutableTensorView) {
    let size = y.elementType.movableByteCount!
    let (plane, count) = (x.shape[2...].reduce(1, *), y.shape[2...].reduce(1, *))
    y.buffer.initializeMemory(as: UInt8.self, repeating: 0, count: y.count * size)
    forEachPlace(of: grid, in: Array(x.shape[2...])) { image, position, place in
      guard let offset = place.offsets.first else { return }
      for channel in image * x.shape[1]..<(image + 1) * x.shape[1] {
        (y.buffer + (channel * count + position) * size).copyMemory(
          from: x.bytePointer + (channel * plane + offset) * size, byteCount: size)
      }
    }
  }

  @inline(__always)
  private func interpolate<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, at grid: TensorView, into y: MutableTensorView
  ) {
    let (source, target) = (x.start(as: type), y.start(as: type))
    let (plane, count) = (x.shape[2...].reduce(1, *), y.shape[2...].reduce(1, *))
    forEachPlace(of: grid, in: Array(x.shape[2...])) { image, position, place in
      for channel in image * x.shape[1]..<(image + 1) * x.shape[1] {
        target[channel * count + position] = Element(
          nearest: place.sum(source + channel * plane))
      }
    }
  }

  /// Calls the body with each image, each position of the result and the place sampled there.
  private func forEachPlace(
    of grid: TensorView, in extents: [Int], _ body: (Int, Int, SampledPlace) -> Void
  ) {
    if grid.elementType == .double {
      forEachPlace(grid.pointer(of: Double.self), grid.shape, extents, body)
    } else {
      forEachPlace(grid.pointer(of: Float.self), grid.shape, extents, body)
    }
  }

  @inline(__always)
  private func forEachPlace<Real: BinaryFloatingPoint>(
    _ grid: UnsafePointer<Real>, _ shape: [Int], _ extents: [Int],
    _ body: (Int, Int, SampledPlace) -> Void
  ) {
    let rank = extents.count
    let strides = Layout.packedStrides(of: extents)
    let positions = shape[1...rank].reduce(1, *)
    var place = SampledPlace()
    for image in 0..<shape[0] {
      for position in 0..<positions {
        let coordinates = grid + (image * positions + position) * rank
        place.reset()
        for axis in 0..<rank {
          let x = coordinate(coordinates[rank - 1 - axis], extents[axis])
          weigh(x, extents[axis], strides[axis], into: &place)
          place.moveAlongAxis()
        }
        body(image, position, place)
      }
    }
  }

  /// Where along an axis a normalised coordinate lies, in elements; brought inside unless padding is
  /// zeros. Rounded, to even where it lies between two, if the nearest element is wanted.
  private func coordinate<Real: BinaryFloatingPoint>(_ value: Real, _ extent: Int) -> Real {
    var x =
      alignsCorners
      ? (value + 1) / 2 * Real(extent - 1) : ((value + 1) * Real(extent) - 1) / 2
    if mode == .nearest { x = x.rounded(.toNearestOrEven) }
    let (low, high): (Real, Real) =
      alignsCorners ? (0, Real(extent - 1)) : (-0.5, Real(extent) - 0.5)
    switch padding {
    case .zeros:
      // Far outside is as good as just outside, and that is where no number lies.
      return x.isNaN ? -4 : min(max(x, -4), Real(extent) + 4)
    case .border: return x.isNaN ? 0 : x < low || x > high ? min(max(x, 0), Real(extent - 1)) : x
    case .reflection: return x.isFinite ? reflected(x, low, high) : 0
    }
  }

  /// x, thrown back from the borders until it lies between them.
  private func reflected<Real: BinaryFloatingPoint>(_ x: Real, _ low: Real, _ high: Real) -> Real {
    guard x < low || x > high else { return x }
    guard high > low else { return low }
    let distance = x < low ? low - x : x - high
    let turns = (distance / (high - low)).rounded(.towardZero)
    let rest = distance - turns * (high - low)
    let isEven = turns.truncatingRemainder(dividingBy: 2) == 0
    return min(max((x < low) == isEven ? low + rest : high - rest, low), high)
  }

  /// Adds what the elements around a coordinate weigh.
  private func weigh<Real: BinaryFloatingPoint>(
    _ x: Real, _ extent: Int, _ stride: Int, into place: inout SampledPlace
  ) {
    let first = Int(x.rounded(.down))
    let t = Double(x - x.rounded(.down))
    func weigh(_ index: Int, by weight: Double) {
      guard let index = inside(index, extent) else { return }
      place.weigh(index * stride, by: weight)
    }
    switch mode {
    case .nearest: weigh(first, by: 1)
    case .linear:
      weigh(first, by: 1 - t)
      weigh(first + 1, by: t)
    case .cubic:
      for offset in -1...2 { weigh(first + offset, by: cubicWeight(abs(Double(offset) - t))) }
    }
  }

  /// The element that stands for the one at an index; `nil` where that is zero.
  private func inside(_ index: Int, _ extent: Int) -> Int? {
    if index >= 0, index < extent { return index }
    switch padding {
    case .zeros: return nil
    case .border: return min(max(index, 0), extent - 1)
    case .reflection:
      let (low, high) = alignsCorners ? (0, Double(extent - 1)) : (-0.5, Double(extent) - 0.5)
      return min(max(Int(reflected(Double(index), low, high)), 0), extent - 1)
    }
  }

  /// Keys' cubic convolution with a = −0.75.
  private func cubicWeight(_ t: Double) -> Double {
    let a = -0.75
    if t <= 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
    return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0
  }
}
