package import GraphIR
import Tensors

/// The maximum of each part of regions of pictures.
///
/// Shapes: x [N, C, H, W]; rois [R, 5]: picture, x1, y1, x2, y2; y [R, C, pooled_shape…].
/// Attributes: pooled_shape (height and width), spatial_scale (1).
/// A region's scaled corners are rounded and belong to it; its parts overlap where they share an element.
/// A part that lies outside the picture gives zero.
/// Types: float, double; float16 and bfloat16, computed in float.
/// Throws: `OperatorError.invalidValue` where a region names no picture or is no number.
/// Source: ONNX MaxRoiPool-1, 22.
package struct MaxRoiPool: Operator {
  package static let signature = OperatorSignature("MaxRoiPool", inputs: 2...2)

  private let pooled: [Int]
  private let spatialScale: Float

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    guard let pooled = try node.integers("pooled_shape") else {
      throw OperatorError(.invalidAttribute, "attribute 'pooled_shape' is missing")
    }
    guard pooled.count == 2, pooled.allSatisfy({ (1...Int(Int32.max)).contains($0) }) else {
      throw OperatorError(
        .invalidAttribute, "attribute 'pooled_shape': expected two extents, got \(pooled)")
    }
    self.pooled = pooled
    spatialScale = try node.number("spatial_scale", default: 1)
    guard spatialScale.isFinite else {
      throw OperatorError(
        .invalidAttribute, "spatial_scale: expected a finite number, got \(spatialScale)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, rois) = (inputs[0]!.type, inputs[1]!.type)
    try expect("MaxRoiPool", supports: x.elementType, x.elementType.isFloatingPoint)
    try expectSameType(x, rois)
    guard x.shape.count == 4, rois.shape.count == 2, rois.shape[1] == 5 else {
      throw OperatorError(
        .shapeMismatch, "regions of \(rois.shape) do not fit pictures of \(x.shape)")
    }
    try SpatialAttributes.expectIndexable(Array(x.shape[2...]))
    return .types([try ArrayType(x.elementType, [rois.shape[0], x.shape[1]] + pooled).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      if outputs[0].elementType == .double {
        try pool(Double.self, inputs[0]!, inputs[1]!, outputs[0])
      } else {
        try pool(Float.self, inputs[0]!, inputs[1]!, outputs[0])
      }
    }
  }

  @inline(__always)
  private func pool<Element: NumericElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ x: TensorView, _ rois: TensorView, _ y: MutableTensorView
  ) throws(OperatorError) {
    let (source, target) = (x.pointer(of: type), y.start(as: type))
    let (channels, height, width) = (x.shape[1], x.shape[2], x.shape[3])
    let count = pooled[0] * pooled[1]
    for region in 0..<rois.shape[0] {
      let corners = (0..<5).map { rois.pointer(of: type)[region * 5 + $0] }
      guard corners.allSatisfy({ $0.isFinite }), corners[0] >= 0,
        Double(corners[0]) < Double(x.shape[0])
      else { throw OperatorError(.invalidValue, "region \(region) is of no picture") }
      let picture = Int(corners[0])
      let places = corners[1...].map { corner in
        Int(min(max((corner * Element(spatialScale)).rounded(), -0x1p31), 0x1p31))
      }
      let rows = parts(pooled[0], from: places[1], through: places[3], extent: height)
      let columns = parts(pooled[1], from: places[0], through: places[2], extent: width)
      for channel in 0..<channels {
        let plane = source + (picture * channels + channel) * height * width
        var out = target + (region * channels + channel) * count
        for rows in rows {
          for columns in columns {
            var largest: Element = rows.isEmpty || columns.isEmpty ? 0 : .lowest
            for row in rows {
              for column in columns {
                largest = Element.maximum(largest, plane[row * width + column])
              }
            }
            out[0] = largest
            out += 1
          }
        }
      }
    }
  }

  /// The elements of an axis that each part of a region covers.
  private func parts(_ count: Int, from first: Int, through last: Int, extent: Int) -> [Range<Int>]
  {
    let size = Double(max(last - first + 1, 1)) / Double(count)
    return (0..<count).map { part in
      let begin = min(max(Int((Double(part) * size).rounded(.down)) + first, 0), extent)
      let end = min(max(Int((Double(part + 1) * size).rounded(.up)) + first, 0), extent)
      return begin..<max(begin, end)
    }
  }
}
