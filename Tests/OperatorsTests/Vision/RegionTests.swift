import GraphIR
import Tensors
import Testing

/// Operators on regions of pictures: RoiAlign, MaxRoiPool, NonMaxSuppression, CenterCropPad.
struct RegionTests {
  static let picture = Tensor((0..<16).map(Float.init), shape: [1, 1, 4, 4])

  static func region(_ corners: [Float]) -> Tensor { Tensor(corners, shape: [1, corners.count]) }

  static func align(
    _ corners: [Float], picture index: Int64 = 0, _ attributes: [Attribute],
    gives values: [Float]
  ) -> OperatorCase {
    OperatorCase(
      "RoiAlign", [picture, region(corners), Tensor.int64s([index])], attributes,
      gives: [Tensor(values, shape: [1, 1, 1, values.count])])
  }

  static let cases = [
    align([1, 1, 3, 3], [], gives: [7.5]),
    align([1, 1, 3, 3], [Attribute("sampling_ratio", 1)], gives: [7.5]),
    align(
      [0, 0, 2, 2], [Attribute("coordinate_transformation_mode", "output_half_pixel")],
      gives: [5]),
    align([1, 1, 3, 3], [Attribute("output_width", 2)], gives: [7, 8]),
    align([2, 2, 2, 2], [], gives: [0]),
    align([-90, -90, -80, -80], [], gives: [0]),
    OperatorCase(
      "RoiAlign", opset: 10, [picture, region([0, 0, 2, 2]), Tensor.int64s([0])],
      gives: [
        Tensor([5] as [Float], shape: [1, 1, 1, 1])
      ]),
    OperatorCase(
      "RoiAlign", [picture, region([0, 0, .nan, 2]), Tensor.int64s([0])],
      fails: "a region from -0.5 to nan is too large"),
    OperatorCase(
      "RoiAlign", [picture, region([0, 0, 1e9, 2]), Tensor.int64s([0])],
      fails: "a region from -0.5 to 1e+09 is too large"),
    OperatorCase(
      "RoiAlign", [picture, region([0, 0, 1, 2]), Tensor.int64s([1])],
      fails: "batch index 1 is out of range for [1, 1, 4, 4]"),
    OperatorCase(
      "RoiAlign", [picture, region([0, 0, 1, 2]), Tensor.int64s([0])],
      [Attribute("output_height", 0)], fails: "expected a result with elements, got [0, 1]"),
    OperatorCase(
      "MaxRoiPool", [picture, region([0, 0, 0, 3, 2])], [Attribute("pooled_shape", [2, 2])],
      gives: [Tensor([5, 7, 9, 11] as [Float], shape: [1, 1, 2, 2])]),
    OperatorCase(
      "MaxRoiPool", [picture, region([0, 2, 2, 6, 6])],
      [Attribute("pooled_shape", [1, 2]), Attribute("spatial_scale", Float(0.5))],
      gives: [Tensor([14, 15] as [Float], shape: [1, 1, 1, 2])]),
    // 0.7 × 5 in single precision is 3.5, which is rounded up.
    OperatorCase(
      "MaxRoiPool", [picture, region([0, 0, 0, 5, 0])],
      [Attribute("pooled_shape", [1, 2]), Attribute("spatial_scale", Float(0.7))],
      gives: [Tensor([2, 3] as [Float], shape: [1, 1, 1, 2])]),
    OperatorCase(
      "MaxRoiPool", [picture, region([0, 9, 9, 1e30, 9])], [Attribute("pooled_shape", [1, 1])],
      gives: [Tensor([0] as [Float], shape: [1, 1, 1, 1])]),
    OperatorCase(
      "MaxRoiPool", [picture, region([1, 0, 0, 1, 1])], [Attribute("pooled_shape", [1, 1])],
      fails: "region 0 is of no picture"),
    OperatorCase(
      "MaxRoiPool", [picture, region([0, 0, 0, 1, 1])], [Attribute("pooled_shape", [1])],
      fails: "attribute 'pooled_shape': expected two extents, got [1]"),
    OperatorCase(
      "MaxRoiPool", [picture, region([0, 0, 0, 2, 2])],
      [Attribute("pooled_shape", [1, 1]), Attribute("spatial_scale", .infinity as Float)],
      fails: "spatial_scale: expected a finite number, got inf"),
    OperatorCase(
      "CenterCropPad",
      [Tensor([1, 2, 3, 4, 5, 6] as [Int16], shape: [2, 3]), Tensor.int64s([3, 2])],
      gives: [Tensor([1, 2, 4, 5, 0, 0] as [Int16], shape: [3, 2])]),
    OperatorCase(
      "CenterCropPad", [Tensor([true, true]), Tensor.int64s([5])], [Attribute("axes", [-1])],
      gives: [Tensor([false, true, true, false, false])]),
    OperatorCase(
      "CenterCropPad", [Tensor([true, true]), Tensor.int64s([5, 5])],
      fails: "expected 1 extents, got 2"),
    OperatorCase(
      "CenterCropPad", [Tensor([true, true]), Tensor.int64s([-1])],
      fails: "shape [-1] has a negative dimension"),
  ]

  @Test(arguments: cases) func agrees(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }

  /// Two unit squares that overlap by half, and one apart.
  static let boxes = Tensor(
    [0, 0, 1, 1, 0, 0.5, 1, 1.5, 2, 2, 3, 3] as [Float], shape: [1, 3, 4])

  static func suppressed(
    _ scores: [Float], limit: Int64 = 9, overlap: Float, above: Float? = nil,
    gives selected: [Int64]
  ) -> OperatorCase {
    OperatorCase(
      "NonMaxSuppression",
      [
        boxes, Tensor(scores, shape: [1, 1, 3]), Tensor.int64s([limit]), Tensor([overlap]),
        above.map { Tensor([$0]) },
      ],
      gives: [Tensor.int64s(selected.flatMap { [0, 0, $0] }, shape: [selected.count, 3])])
  }

  static let suppressions = [
    suppressed([0.5, 0.9, 0.7], overlap: 0.3, gives: [1, 2]),
    suppressed([0.5, 0.9, 0.7], overlap: 0.4, gives: [1, 2, 0]),
    suppressed([0.5, 0.9, 0.7], overlap: 0.4, above: 0.5, gives: [1, 2]),
    suppressed([0.5, 0.5, 0.5], limit: 2, overlap: 0.4, gives: [0, 1]),
    suppressed([.nan, 0.5, 0.7], overlap: 1, gives: [2, 1, 0]),
    suppressed([0.5, 0.9, 0.7], limit: -1, overlap: 0.4, gives: []),
    OperatorCase(
      "NonMaxSuppression", [boxes, Tensor([1, 2, 3] as [Float], shape: [1, 1, 3])],
      gives: [Tensor.int64s([], shape: [0, 3])]),
    OperatorCase(
      "NonMaxSuppression", [boxes, Tensor([1, 2] as [Float], shape: [1, 1, 2])],
      fails: "boxes of [1, 3, 4] do not fit scores of [1, 1, 2]"),
    OperatorCase(
      "NonMaxSuppression",
      [
        boxes, Tensor([1, 2, 3] as [Float], shape: [1, 1, 3]), Tensor.int64s([1]),
        Tensor([2] as [Float]),
      ], fails: "iou_threshold: expected 0 to 1, got 2.0"),
  ]

  @Test(arguments: suppressions) func suppresses(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
