package import GraphIR
import Kernels
import Tensors

/// Resampling to other extents.
///
/// Inputs: since version 11 X, roi, scales, sizes; in version 10 X, scales.
/// Attributes: mode (nearest), coordinate_transformation_mode (half_pixel; asymmetric in version 10),
/// nearest_mode (round_prefer_floor; floor in version 10), cubic_coeff_a (−0.75), exclude_outside,
/// extrapolation_value, antialias, axes, keep_aspect_ratio_policy (stretch).
/// Types: float; scales and sizes must be known before evaluation.
/// Source: ONNX Resize-10, 11, 13, 18, 19.
package struct ResizeOperator: Operator {
  package static let signature = OperatorSignature("Resize", since: 10, inputs: 1...4)

  private let opset: Int
  private let mode: String
  private let transformation: String
  private let nearest: String
  private let coefficient: Float
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
    coefficient = try node.number("cubic_coeff_a", default: -0.75)
    excludesOutside = try node.flag("exclude_outside", default: false)
    extrapolation = try node.number("extrapolation_value", default: 0)
    antialias = try node.flag("antialias", default: false)
    axes = try node.integers("axes")
    policy = try node.text("keep_aspect_ratio_policy", default: "stretch")
    _ = try interpolation()
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("Resize", supports: type.elementType, type.elementType == .float)
    guard let lengths = try lengths(type.shape, inputs) else { return .dependsOnContents }
    for (axis, length) in lengths.enumerated() {
      guard type.shape[axis] > 0 || length.output == 0 else {
        throw OperatorError(.shapeMismatch, "cannot resize an empty axis, got \(type.shape)")
      }
    }
    return .types([ArrayType(.float, lengths.map(\.output))])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let shape = zip(inputs[0]!.shape, outputs[0].shape).map { max($0, $1) }
    return 2 * shape.reduce(1, *) * MemoryLayout<Float>.stride
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let operands = inputs.map { view in view.map { Operand($0.type, value: $0.copied()) } }
    guard let lengths = try lengths(inputs[0]!.shape, operands) else {
      throw OperatorError(.invalidValue, "expected scales or sizes")
    }
    let half = scratch.count / 2 / MemoryLayout<Float>.stride
    let first = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
    var buffers = [first, first + half]
    var source = inputs[0]!.pointer(of: Float.self)
    var shape = inputs[0]!.shape
    let changed = shape.indices.filter { lengths[$0].needsWork }
    let result = outputs[0].elements(of: Float.self).baseAddress!
    if changed.isEmpty { result.update(from: source, count: outputs[0].count) }
    for axis in changed {
      let length = lengths[axis]
      let target = axis == changed.last ? result : buffers[0]
      buffers.swapAt(0, 1)
      Resize(
        length: shape[axis], outputLength: length.output, scale: length.scale,
        interpolation: try interpolation(),
        transformation: try coordinates(length), antialias: antialias,
        excludeOutside: excludesOutside, extrapolation: extrapolation
      ).apply(
        source, into: target, outer: shape[..<axis].reduce(1, *),
        inner: shape[(axis + 1)...].reduce(1, *))
      shape[axis] = length.output
      source = UnsafePointer(target)
    }
  }

  /// How one axis changes.
  private struct Length {
    var output: Int
    var scale: Float
    var start: Float = 0
    var end: Float = 1
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
    if crops, let roi = operand(1) {
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
      let ratios = zip(axes, sizes).map { Float($1) / Float(max(shape[$0], 1)) }
      let common = policy == "not_larger" ? ratios.min() : ratios.max()
      for (position, axis) in axes.enumerated() {
        let scale = policy == "stretch" ? ratios[position] : common ?? 1
        result[axis].scale = scale
        guard policy != "stretch" else {
          result[axis].output = sizes[position]
          continue
        }
        let length = (scale * Float(shape[axis])).rounded()
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
        let length = (Float(shape[axis]) * region * scale).rounded(.down)
        guard scale > 0, length >= 0, length < 0x1p31 else {
          throw OperatorError(.invalidValue, "scale \(scale) is out of range")
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

  private func interpolation() throws(OperatorError) -> Resize.Interpolation {
    switch (mode, nearest) {
    case ("linear", _): return .linear
    case ("cubic", _): return .cubic(coefficient: coefficient)
    case ("nearest", "round_prefer_floor"): return .nearest(.preferFloor)
    case ("nearest", "round_prefer_ceil"): return .nearest(.preferCeil)
    case ("nearest", "floor"): return .nearest(.floor)
    case ("nearest", "ceil"): return .nearest(.ceil)
    default:
      throw OperatorError(.invalidAttribute, "mode '\(mode)' with '\(nearest)' is unknown")
    }
  }

  private func coordinates(
    _ length: Length
  ) throws(OperatorError) -> Resize.CoordinateTransformation {
    switch transformation {
    case "half_pixel": .halfPixel
    case "half_pixel_symmetric": .halfPixelSymmetric
    case "pytorch_half_pixel": .pytorchHalfPixel
    case "align_corners": .alignCorners
    case "asymmetric": .asymmetric
    case "tf_crop_and_resize": .tfCropAndResize(start: length.start, end: length.end)
    default:
      throw OperatorError(
        .invalidAttribute, "coordinate transformation '\(transformation)' is unknown")
    }
  }
}

extension Tensor {
  /// The elements of a float tensor; `nil` for other types.
  fileprivate var numbers: [Float]? { elementType == .float ? elements(as: Float.self) : nil }
}

extension TensorView {
  /// A contiguous view's contents as a tensor; used for the short lists that steer an operator.
  fileprivate func copied() -> Tensor? {
    guard count <= 64, layout.isContiguous else { return nil }
    let bytes = UnsafeRawBufferPointer(
      start: bytePointer, count: elementType.byteCount(elements: count) ?? 0)
    return try? Tensor(elementType, shape: shape, region: ByteRegion(copying: bytes))
  }
}
