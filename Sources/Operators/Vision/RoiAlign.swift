package import GraphIR
import Tensors

/// The mean or maximum of samples between the elements of each part of regions of pictures.
///
/// Shapes: x [N, C, H, W]; rois [R, 4]: x1, y1, x2, y2; batch_indices [R]; y [R, C, output_height,
/// output_width].
/// Attributes: coordinate_transformation_mode ("half_pixel"; "output_half_pixel", the only one before
/// version 16, which shifts nothing and makes regions one element wide at least), mode ("avg", "max"),
/// output_height (1), output_width (1), sampling_ratio (0: as many samples per part and axis as it has
/// elements, rounded up), spatial_scale (1).
/// A sample weighs the four elements around it; outside the picture it is zero. With "max" a part gives
/// the largest weighed element, not the largest sample, as runtimes do.
/// Types: float, double; float16 and bfloat16, computed in float.
/// Throws: `OperatorError.invalidValue` where a region is of no picture or of no reasonable size.
/// Source: ONNX RoiAlign-10, 16, 22.
package struct RoiAlign: Operator {
  package static let signature = OperatorSignature("RoiAlign", since: 10, inputs: 3...3)

  /// Samples of one part along one axis.
  private static let mostSamples = 1 << 16

  private let shiftsInput: Bool
  private let takesMaximum: Bool
  private let height: Int
  private let width: Int
  private let samplingRatio: Int
  private let spatialScale: Float

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let mode = try node.text("mode", default: "avg")
    guard mode == "avg" || mode == "max" else {
      throw OperatorError(.invalidAttribute, "mode: expected 'avg' or 'max', got '\(mode)'")
    }
    takesMaximum = mode == "max"
    let shift =
      opset < 16
      ? "output_half_pixel"
      : try node.text("coordinate_transformation_mode", default: "half_pixel")
    guard shift == "half_pixel" || shift == "output_half_pixel" else {
      throw OperatorError(.invalidAttribute, "coordinate transformation '\(shift)' is unknown")
    }
    shiftsInput = shift == "half_pixel"
    height = try node.integer("output_height", default: 1)
    width = try node.integer("output_width", default: 1)
    guard height > 0, width > 0 else {
      throw OperatorError(
        .invalidAttribute, "expected a result with elements, got [\(height), \(width)]")
    }
    samplingRatio = try node.integer("sampling_ratio", default: 0)
    guard (0...Self.mostSamples).contains(samplingRatio) else {
      throw OperatorError(
        .invalidAttribute, "attribute 'sampling_ratio' is out of range, got \(samplingRatio)")
    }
    spatialScale = try node.number("spatial_scale", default: 1)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, rois, pictures) = (inputs[0]!.type, inputs[1]!.type, inputs[2]!.type)
    try expect("RoiAlign", supports: x.elementType, x.elementType.isFloatingPoint)
    try expectSameType(x, rois)
    guard pictures.elementType == .int64 else {
      throw OperatorError(
        .typeMismatch, "batch_indices: expected int64, got \(pictures.elementType)")
    }
    guard x.shape.count == 4, rois.shape.count == 2, rois.shape[1] == 4,
      pictures.shape == [rois.shape[0]], x.shape[2] > 0, x.shape[3] > 0
    else {
      throw OperatorError(
        .shapeMismatch,
        "regions of \(rois.shape) and \(pictures.shape) do not fit pictures of \(x.shape)")
    }
    return .types([
      try ArrayType(x.elementType, [rois.shape[0], x.shape[1], height, width]).checked()
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let pictures = inputs[2]!.elements(of: Int64.self)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      for (region, picture) in pictures.enumerated() {
        guard picture >= 0, picture < inputs[0]!.shape[0] else {
          throw OperatorError(
            .invalidValue, "batch index \(picture) is out of range for \(inputs[0]!.shape)")
        }
        if outputs[0].elementType == .double {
          try align(Double.self, region, of: Int(picture), inputs[0]!, inputs[1]!, outputs[0])
        } else {
          try align(Float.self, region, of: Int(picture), inputs[0]!, inputs[1]!, outputs[0])
        }
      }
    }
  }

  @inline(__always)
  private func align<Element: NumericElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ region: Int, of picture: Int, _ x: TensorView, _ rois: TensorView,
    _ y: MutableTensorView
  ) throws(OperatorError) {
    let corners = rois.pointer(of: type) + region * 4
    let offset: Element = shiftsInput ? 0.5 : 0
    let scale = Element(spatialScale)
    let places = (0..<4).map { corners[$0] * scale - offset }
    let (channels, extents) = (x.shape[1], (height: x.shape[2], width: x.shape[3]))
    let rows = try samples(height, from: places[1], to: places[3], extent: extents.height)
    let columns = try samples(width, from: places[0], to: places[2], extent: extents.width)
    let count = Element(max(rows.perPart * columns.perPart, 1))
    let plane = extents.height * extents.width
    for channel in 0..<channels {
      let source = x.pointer(of: type) + (picture * channels + channel) * plane
      let target = y.start(as: type) + (region * channels + channel) * height * width
      for part in 0..<height * width {
        var (sum, largest): (Element, Element?) = (0, nil)
        for i in 0..<rows.perPart {
          let row = rows.samples[part / width * rows.perPart + i]
          for j in 0..<columns.perPart {
            let column = columns.samples[part % width * columns.perPart + j]
            let (low, high) = (source + row.low * extents.width, source + row.high * extents.width)
            let terms = (
              row.lowWeight * column.lowWeight * low[column.low],
              row.lowWeight * column.highWeight * low[column.high],
              row.highWeight * column.lowWeight * high[column.low],
              row.highWeight * column.highWeight * high[column.high]
            )
            if takesMaximum {
              let term = max(max(terms.0, terms.1), max(terms.2, terms.3))
              largest = largest.map { max($0, term) } ?? term
            } else {
              sum += terms.0 + terms.1 + terms.2 + terms.3
            }
          }
        }
        target[part] = takesMaximum ? largest ?? 0 : sum / count
      }
    }
  }

  /// Two neighbours along an axis and what they weigh; nothing for a sample outside the picture.
  private struct Sample<Element> {
    var low, high: Int
    var lowWeight, highWeight: Element
  }

  /// The samples of all parts of a region along an axis.
  private func samples<Element: BinaryFloatingPoint>(
    _ parts: Int, from start: Element, to end: Element, extent: Int
  ) throws(OperatorError) -> (samples: [Sample<Element>], perPart: Int) {
    let length = shiftsInput ? end - start : max(end - start, 1)
    let size = length / Element(parts)
    let wanted = samplingRatio > 0 ? Element(samplingRatio) : max(size.rounded(.up), 0)
    guard length.isFinite, wanted <= Element(Self.mostSamples),
      saturatingProduct([parts, Int(wanted)]) <= Self.mostSamples << 6
    else {
      throw OperatorError(.invalidValue, "a region from \(start) to \(end) is too large")
    }
    let count = Int(wanted)
    let samples = (0..<parts * count).map { index -> Sample<Element> in
      let (part, sample) = (Element(index / count), Element(index % count))
      let place = start + part * size + (sample + 0.5) * size / wanted
      guard place >= -1, place <= Element(extent) else {
        return Sample(low: 0, high: 0, lowWeight: 0, highWeight: 0)
      }
      let inside = max(place, 0)
      let low = min(Int(inside), extent - 1)
      guard low < extent - 1 else {
        return Sample(low: low, high: low, lowWeight: 1, highWeight: 0)
      }
      let weight = inside - Element(low)
      return Sample(low: low, high: low + 1, lowWeight: 1 - weight, highWeight: weight)
    }
    return (samples, count)
  }
}
