package import GraphIR
import Kernels
import Tensors

/// Resampling to other extents.
///
/// Inputs: since version 11 X, roi, scales, sizes; in version 10 X, scales.
/// Attributes: mode (nearest), coordinate_transformation_mode (half_pixel; asymmetric in version 10),
/// nearest_mode (round_prefer_floor; floor in version 10), cubic_coeff_a (−0.75), exclude_outside,
/// extrapolation_value, antialias, axes, keep_aspect_ratio_policy (stretch).
/// Types: nearest moves elements of every type that fills whole bytes; linear and cubic take float,
/// double, float16 and bfloat16 (computed in float), and integers (computed in double, rounded to nearest,
/// ties to even, and limited to what the type holds). Scales and sizes must be known before evaluation.
/// Source: ONNX Resize-10, 11, 13, 18, 19.
package struct ResizeOperator: Operator {
  package static let signature = OperatorSignature("Resize", since: 10, inputs: 1...4)

  private static let transformations: Set = [
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
    "tf_crop_and_resize", "tf_half_pixel_for_nn",
  ]

  private let opset: Int
  private let mode: String
  private let transformation: String
  private let nearest: String
  private let coefficient: Double
  private let excludesOutside: Bool
  private let extrapolation: Float
  private let antialias: Bool
  private let axes: [Int]?
  private let policy: String

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    self.opset = opset
    mode = try node.text("mode", default: "nearest")
    transformation = try node.text(
      "coordinate_transformation_mode", default: opset < 11 ? "asymmetric" : "half_pixel")
    nearest = try node.text("nearest_mode", default: opset < 11 ? "floor" : "round_prefer_floor")
    coefficient = Double(try node.number("cubic_coeff_a", default: -0.75))
    excludesOutside = try node.flag("exclude_outside", default: false)
    extrapolation = try node.number("extrapolation_value", default: 0)
    antialias = try node.flag("antialias", default: false)
    axes = try node.integers("axes")
    policy = try node.text("keep_aspect_ratio_policy", default: "stretch")
    guard ["nearest", "linear", "cubic"].contains(mode),
      mode != "nearest" || Resize<Float>.NearestRounding(rawValue: nearest) != nil
    else {
      throw OperatorError(.invalidAttribute, "mode '\(mode)' with '\(nearest)' is unknown")
    }
    guard ResizeOperator.transformations.contains(transformation) else {
      throw OperatorError(
        .invalidAttribute, "coordinate transformation '\(transformation)' is unknown")
    }
    guard ["stretch", "not_larger", "not_smaller"].contains(policy) else {
      throw OperatorError(
        .invalidAttribute, "attribute 'keep_aspect_ratio_policy' is unknown, got '\(policy)'")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    let isSupported =
      mode == "nearest" ? type.elementType.movableByteCount != nil : type.elementType.isNumeric
    try expect("Resize", supports: type.elementType, isSupported)
    guard let lengths = try lengths(type.shape, inputs) else { return .dependsOnContents }
    for (axis, length) in lengths.enumerated() {
      guard type.shape[axis] > 0 || length.output == 0 else {
        throw OperatorError(.shapeMismatch, "cannot resize an empty axis, got \(type.shape)")
      }
    }
    return .types([try ArrayType(type.elementType, lengths.map(\.output)).checked()])
  }

  /// Two arrays of what is computed in, as large as the larger of X and Y. No step between is larger,
  /// for axes that shrink come first.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let type = outputs[0].elementType
    let size =
      switch (mode, type) {
      case ("nearest", _): type.movableByteCount ?? 0
      case (_, .float), (_, .float16), (_, .bfloat16): MemoryLayout<Float>.stride
      default: MemoryLayout<Double>.stride
      }
    return saturatingProduct([2, max(inputs[0]!.count, outputs[0].count), size])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let operands = inputs.enumerated().map { index, view in
      view.map { Operand($0.type, value: index == 0 ? nil : $0.copied()) }
    }
    guard let lengths = try lengths(inputs[0]!.shape, operands) else {
      throw OperatorError(.invalidValue, "expected scales or sizes")
    }
    let (x, y) = (inputs[0]!, outputs[0])
    if mode == "nearest" { return move(x, y, lengths, scratch) }
    try computingInFloat([x], outputs) { (inputs, outputs) in
      let (x, y) = (inputs[0]!, outputs[0])
      if x.elementType == .float {
        interpolate(x.start(as: Float.self), into: y.start(), x.shape, y.count, lengths, scratch)
      } else if x.elementType == .double {
        interpolate(x.start(as: Double.self), into: y.start(), x.shape, y.count, lengths, scratch)
      } else {
        interpolateIntegers(x.elementType.numeric, x, y, lengths, scratch)
      }
    }
  }

  private func interpolateIntegers<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView, _ lengths: [Length],
    _ scratch: UnsafeMutableRawBufferPointer
  ) {
    let buffers = buffers(of: Double.self, scratch)
    for (index, element) in x.elements(of: type).enumerated() { buffers.0[index] = element.double }
    let steps = steps(x.shape, lengths)
    let target = steps.count % 2 == 0 ? buffers.0 : buffers.1
    interpolate(UnsafePointer(buffers.0), into: target, x.shape, y.count, lengths, scratch)
    let result = y.start(as: type)
    for index in 0..<y.count {
      result[index] = Element(nearest: target[index].rounded(.toNearestOrEven))
    }
  }

  private func buffers<Element>(
    of type: Element.Type, _ scratch: UnsafeMutableRawBufferPointer
  ) -> (UnsafeMutablePointer<Element>, UnsafeMutablePointer<Element>) {
    let first = scratch.baseAddress!.assumingMemoryBound(to: type)
    return (first, first + scratch.count / 2 / MemoryLayout<Element>.stride)
  }

  /// One axis to resize, in an array whose axes before it were resized already or are never.
  private struct Step {
    var axis: Int
    var length: Length
    var outer: Int
    var inner: Int
    var extent: Int
  }

  private func steps(_ shape: [Int], _ lengths: [Length]) -> [Step] {
    var shape = shape
    func growth(_ axis: Int) -> Double { Double(lengths[axis].output) / Double(shape[axis]) }
    let changed = shape.indices.filter { lengths[$0].needsWork }
    let order = changed.map { ($0, growth($0)) }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }
    return order.map { axis, _ in
      let step = Step(
        axis: axis, length: lengths[axis], outer: shape[..<axis].reduce(1, *),
        inner: shape[(axis + 1)...].reduce(1, *), extent: shape[axis])
      shape[axis] = lengths[axis].output
      return step
    }
  }

  private func resize<Real: BinaryFloatingPoint & Sendable>(_ step: Step, _ type: Real.Type)
    -> Resize<Real>
  {
    let length = step.length
    let transformation: Resize<Real>.CoordinateTransformation =
      switch transformation {
      case "half_pixel": .halfPixel
      case "half_pixel_symmetric": .halfPixelSymmetric
      case "pytorch_half_pixel": .pytorchHalfPixel
      case "align_corners": .alignCorners
      case "asymmetric": .asymmetric
      case "tf_half_pixel_for_nn": .tfHalfPixelForNearest
      default: .tfCropAndResize(start: Real(length.start), end: Real(length.end))
      }
    let interpolation: Resize<Real>.Interpolation =
      switch mode {
      case "linear": .linear
      case "cubic": .cubic(coefficient: Real(coefficient))
      default: .nearest(Resize<Real>.NearestRounding(rawValue: nearest) ?? .preferFloor)
      }
    return Resize(
      length: step.extent, outputLength: length.output, scale: Real(length.scale),
      interpolation: interpolation, transformation: transformation, antialias: antialias,
      excludeOutside: excludesOutside, extrapolation: Real(extrapolation))
  }

  /// The steps from x to y; those between write the two arrays of scratch in turn, the second first.
  private func interpolate<Real: BinaryFloatingPoint & Sendable>(
    _ x: UnsafePointer<Real>, into y: UnsafeMutablePointer<Real>, _ shape: [Int], _ count: Int,
    _ lengths: [Length], _ scratch: UnsafeMutableRawBufferPointer
  ) {
    var (source, steps) = (x, steps(shape, lengths))
    var (other, next) = buffers(of: Real.self, scratch)
    if steps.isEmpty, x != UnsafePointer(y) { y.update(from: x, count: count) }
    while !steps.isEmpty {
      let step = steps.removeFirst()
      let target = steps.isEmpty ? y : next
      resize(step, Real.self).apply(source, into: target, outer: step.outer, inner: step.inner)
      source = UnsafePointer(target)
      swap(&other, &next)
    }
  }

  /// Nearest elements, of any type.
  private func move(
    _ x: TensorView, _ y: MutableTensorView, _ lengths: [Length],
    _ scratch: UnsafeMutableRawBufferPointer
  ) {
    let size = y.elementType.movableByteCount!
    var (source, steps) = (x.bytePointer, steps(x.shape, lengths))
    var (other, next) = buffers(of: UInt8.self, scratch)
    if steps.isEmpty { y.buffer.copyMemory(from: source, byteCount: y.count * size) }
    let filling = y.elementType.bits(of: Double(extrapolation))
    while !steps.isEmpty {
      let step = steps.removeFirst()
      let target = steps.isEmpty ? y.buffer : UnsafeMutableRawPointer(next)
      resize(step, Float.self).gather(
        source, into: target, outer: step.outer, inner: step.inner, elementSize: size,
        filling: filling)
      source = UnsafeRawPointer(target)
      swap(&other, &next)
    }
  }

  /// How one axis changes.
  private struct Length {
    var output: Int
    var scale: Double
    var start: Double = 0
    var end: Double = 1
    var needsWork: Bool
  }

  private func lengths(_ shape: [Int], _ inputs: [Operand?]) throws(OperatorError) -> [Length]? {
    func operand(_ index: Int) -> Operand? {
      guard inputs.count > index, let operand = inputs[index], operand.type.count > 0 else {
        return nil
      }
      return operand
    }
    let scalesIndex = opset < 11 ? 1 : 2
    let axes = try normalizedAxes(axes ?? Array(shape.indices), rank: shape.count)
    let crops = transformation == "tf_crop_and_resize"
    var result = shape.map { Length(output: $0, scale: 1, needsWork: false) }
    if crops, opset >= 11, let roi = operand(1) {
      guard let regions = roi.value?.numbers else { return nil }
      guard regions.count == 2 * axes.count else {
        throw OperatorError(
          .invalidValue, "expected \(2 * axes.count) roi values, got \(regions.count)")
      }
      for (position, axis) in axes.enumerated() {
        result[axis].start = regions[position]
        result[axis].end = regions[axes.count + position]
      }
    }
    if opset >= 11, let sizes = operand(3) {
      guard let sizes = try sizes.integers("sizes") else { return nil }
      try expectCount(sizes.count, axes.count, "sizes")
      let ratios = zip(axes, sizes).map { Double($1) / Double(max(shape[$0], 1)) }
      let common = policy == "not_larger" ? ratios.min() : ratios.max()
      for (position, axis) in axes.enumerated() {
        let scale = policy == "stretch" ? ratios[position] : common ?? 1
        result[axis].scale = scale
        guard policy != "stretch" else {
          result[axis].output = sizes[position]
          continue
        }
        let length = (scale * Double(shape[axis])).rounded()
        guard length >= 0, length < 0x1p31 else {
          throw OperatorError(.invalidValue, "sizes \(sizes) are out of range")
        }
        result[axis].output = Int(length)
      }
    } else if let scales = operand(scalesIndex) {
      guard let scales = scales.value?.numbers else { return nil }
      try expectCount(scales.count, axes.count, "scales")
      for (scale, axis) in zip(scales, axes) {
        let region = crops ? result[axis].end - result[axis].start : 1
        let length = (Float(shape[axis]) * Float(region) * Float(scale)).rounded(.down)
        guard scale > 0, length >= 0, length < 0x1p31 else {
          throw OperatorError(.invalidValue, "scale \(Float(scale)) is out of range")
        }
        guard !antialias || mode == "nearest" || scale * Double(max(shape[axis], 1)) >= 0x1p-10
        else {
          throw OperatorError(.unsupported, "scale \(Float(scale)) is too small to smooth with")
        }
        result[axis].scale = scale
        result[axis].output = Int(length)
      }
    } else {
      throw OperatorError(.invalidValue, "expected scales or sizes, got neither")
    }
    for axis in shape.indices {
      guard (0...Int(Int32.max)).contains(result[axis].output) else {
        throw OperatorError(.invalidShape, "the result would have \(result[axis].output) elements")
      }
      result[axis].needsWork =
        axes.contains(axis)
        && (crops || result[axis].output != shape[axis] || result[axis].scale != 1)
    }
    return result
  }

  private func expectCount(_ got: Int, _ expected: Int, _ noun: String) throws(OperatorError) {
    guard got == expected else {
      throw OperatorError(.invalidValue, "expected \(expected) \(noun), got \(got)")
    }
  }
}

extension Tensor {
  /// The elements of a tensor of real numbers; `nil` for other types.
  fileprivate var numbers: [Double]? {
    switch elementType {
    case .float: elements(as: Float.self).map(Double.init)
    case .double: elements(as: Double.self)
    case .float16, .bfloat16: wideNumbers
    default: nil
    }
  }

  private var wideNumbers: [Double]? {
    var result: [Double]?
    try? computingInFloat([TensorView(self)], []) { (inputs, _) in
      result = inputs[0]!.elements(of: Float.self).map(Double.init)
    }
    return result
  }
}

extension TensorView {
  /// A packed view's contents as a tensor: the short lists that steer the operator.
  fileprivate func copied() -> Tensor? {
    guard layout.isContiguous else { return nil }
    let bytes = UnsafeRawBufferPointer(
      start: bytePointer, count: elementType.byteCount(elements: count) ?? 0)
    return try? Tensor(elementType, shape: shape, region: ByteRegion(copying: bytes))
  }
}

extension ElementType {
  /// The bits of the element nearest to a number, in the low ones; those of zero for complex numbers.
  fileprivate func bits(of value: Double) -> UInt64 {
    switch self {
    case .float: UInt64(Float(value).bitPattern)
    case .double: value.bitPattern
    case .float16, .bfloat16: UInt64(halfBits(of: Float(value)))
    case .bool: value == 0 ? 0 : 1
    default: isInteger ? integerBits(numeric, value) : 0
    }
  }

  private func integerBits<Element: NumericElement>(
    _ type: Element.Type, _ value: Double
  ) -> UInt64 { UInt64(truncatingIfNeeded: Element(nearest: value.rounded()).wide) }

  private func halfBits(of value: Float) -> UInt16 {
    var (value, bits) = (value, UInt16(0))
    if self == .float16 {
      Conversion.floatToHalf(&value, into: &bits, count: 1)
    } else {
      Conversion.floatToBFloat16(&value, into: &bits, count: 1)
    }
    return bits
  }
}
