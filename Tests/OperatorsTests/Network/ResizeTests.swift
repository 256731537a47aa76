import GraphIR
import Tensors
import Testing

/// How the operator reads scales, sizes, regions and axes in each version. The interpolation itself is
/// held to its definition in the tests of the kernel.
struct ResizeTests {
  static let row = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 4])
  static let square = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])
  static let doubled = Tensor(
    [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4] as [Float], shape: [1, 1, 4, 4])

  static func floats(_ values: [Float]) -> Tensor { Tensor(values) }
  static func row(_ values: [Float]) -> Tensor { Tensor(values, shape: [1, 1, values.count]) }

  static let cases = [
    OperatorCase(
      "Resize", opset: 10, [square, floats([1, 1, 2, 2])], gives: [doubled]),
    OperatorCase(
      "Resize", opset: 11, [square, floats([]), floats([1, 1, 2, 2])], gives: [doubled]),
    OperatorCase("Resize", opset: 13, [square, nil, floats([1, 1, 2, 2])], gives: [doubled]),
    OperatorCase(
      "Resize", opset: 13, [square, nil, nil, Tensor.int64s([1, 1, 4, 4])], gives: [doubled]),
    OperatorCase(
      "Resize", opset: 18, [square, nil, floats([2, 2])], [Attribute("axes", [3, -2])],
      gives: [doubled]),
    OperatorCase(
      "Resize", opset: 18, [square, nil, nil, Tensor.int64s([4, 5])],
      [
        Attribute("axes", [2, 3]), Attribute("keep_aspect_ratio_policy", "not_larger"),
      ], gives: [doubled]),
    OperatorCase(
      "Resize", opset: 18, [square, nil, nil, Tensor.int64s([4, 3])],
      [
        Attribute("axes", [2, 3]), Attribute("keep_aspect_ratio_policy", "not_smaller"),
      ], gives: [doubled]),
    OperatorCase("Resize", [row, nil, floats([1, 1, 1])], gives: [row]),
    OperatorCase(
      "Resize", [row, nil, floats([1, 1, 2])], [Attribute("mode", "linear")],
      gives: [row([1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4])]),
    OperatorCase(
      "Resize", [row, nil, floats([1, 1, 0.5])], [Attribute("mode", "linear")],
      gives: [row([1.5, 3.5])]),
    OperatorCase(
      "Resize", [row, nil, nil, Tensor.int64s([1, 1, 7])],
      [
        Attribute("mode", "linear"),
        Attribute("coordinate_transformation_mode", "align_corners"),
      ], gives: [row([1, 1.5, 2, 2.5, 3, 3.5, 4])]),
    OperatorCase(
      "Resize", [row, nil, floats([1, 1, 2])],
      [
        Attribute("mode", "linear"), Attribute("coordinate_transformation_mode", "asymmetric"),
      ], gives: [row([1, 1.5, 2, 2.5, 3, 3.5, 4, 4])]),
    // Positions 1.5, 3, 4.5 and 6 of four: the last two lie outside.
    OperatorCase(
      "Resize", [row, floats([0, 0, 0.5, 1, 1, 2]), nil, Tensor.int64s([1, 1, 4])],
      [
        Attribute("mode", "linear"),
        Attribute("coordinate_transformation_mode", "tf_crop_and_resize"),
        Attribute("extrapolation_value", Float(9)),
      ], gives: [row([2.5, 4, 9, 9])]),
    OperatorCase(
      "Resize", [row, nil, floats([1, 1, 0.5])],
      [
        Attribute("coordinate_transformation_mode", "asymmetric"),
        Attribute("nearest_mode", "ceil"),
      ], gives: [row([1, 3])]),
    OperatorCase("Upsample", opset: 9, [square, floats([1, 1, 2, 2])], gives: [doubled]),
    OperatorCase(
      "Upsample", opset: 7, [square], [Attribute("scales", .floats([1, 1, 2, 2]))],
      gives: [doubled]),
    OperatorCase(
      "Upsample", opset: 9, [row, floats([1, 1, 2])], [Attribute("mode", "linear")],
      gives: [row([1, 1.5, 2, 2.5, 3, 3.5, 4, 4])]),
    // Elements are moved, whatever they are.
    OperatorCase(
      "Resize", [Tensor([1, -2] as [Int64]), nil, floats([2])],
      gives: [Tensor([1, 1, -2, -2] as [Int64])]),
    OperatorCase(
      "Resize", [Tensor([true, false]), nil, floats([1.5])], gives: [Tensor([true, true, false])]),
    OperatorCase(
      "Resize", [Tensor([1, 2, 3] as [UInt8]), floats([0, 2]), nil, Tensor.int64s([3])],
      [
        Attribute("coordinate_transformation_mode", "tf_crop_and_resize"),
        Attribute("extrapolation_value", Float(9)),
      ], gives: [Tensor([1, 3, 9] as [UInt8])]),
    // Integers are rounded to nearest, ties to even, and limited.
    OperatorCase(
      "Resize", [Tensor([1, 2, 5] as [UInt8]), nil, nil, Tensor.int64s([5])],
      [
        Attribute("mode", "linear"),
        Attribute("coordinate_transformation_mode", "align_corners"),
      ], gives: [Tensor([1, 2, 2, 4, 5] as [UInt8])]),
    OperatorCase(
      "Resize", [Tensor([0, 0, 255, 255] as [UInt8]), nil, floats([2])],
      [Attribute("mode", "cubic")], gives: [Tensor([0, 0, 0, 43, 212, 255, 255, 255] as [UInt8])],
      tolerance: Tolerance(absolute: 20)),
    OperatorCase(
      "Resize", [Tensor([1, 2, 3, 4] as [Double]), nil, floats([2])], [Attribute("mode", "linear")],
      gives: [Tensor([1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4] as [Double])]),
    OperatorCase(
      "Resize", [NaiveArray([4]) { Double($0[0]) }.float16, nil, floats([0.5])],
      [Attribute("mode", "linear")], gives: [NaiveArray([2]) { 0.5 + 2 * Double($0[0]) }.float16]),
    // A filter wider than what is kept of weights.
    OperatorCase(
      "Resize", [Tensor([Float](repeating: 3, count: 5000)), nil, nil, Tensor.int64s([1])],
      [Attribute("mode", "linear"), Attribute("antialias", 1)], gives: [Tensor([3] as [Float])],
      tolerance: Tolerance(relative: 0x1p-12)),
    OperatorCase(
      "Resize", [Tensor([1, 2] as [Float]), floats([0, 1e30]), floats([1e-29])],
      [
        Attribute("mode", "linear"), Attribute("antialias", 1),
        Attribute("coordinate_transformation_mode", "tf_crop_and_resize"),
      ], fails: "scale 1e-29 is too small to smooth with"),
    OperatorCase(
      "Resize", [Tensor([true]), nil, floats([2])], [Attribute("mode", "linear")],
      fails: "Resize of bool is not supported"),
    OperatorCase(
      "Resize", [row, nil, floats([1, 1, 2])],
      [Attribute("keep_aspect_ratio_policy", "any")],
      fails: "attribute 'keep_aspect_ratio_policy' is unknown, got 'any'"),
    OperatorCase("Resize", [row], fails: "expected scales or sizes, got neither"),
    OperatorCase(
      "Resize", [row, nil, floats([2])], fails: "expected 3 scales, got 1"),
    OperatorCase(
      "Resize", [row, nil, floats([1, 1, -2])], fails: "scale -2.0 is out of range"),
    OperatorCase(
      "Resize", [row, nil, floats([1, 1, .infinity])], fails: "scale inf is out of range"),
    OperatorCase(
      "Resize", [row, nil, nil, Tensor.int64s([1, 1, -1])],
      fails: "the result would have -1 elements"),
    OperatorCase(
      "Resize", [row, nil, nil, Tensor.int64s([1, 1, .max])],
      [Attribute("keep_aspect_ratio_policy", "not_smaller")],
      fails: "sizes [1, 1, 9223372036854775807] are out of range"),
    OperatorCase(
      "Resize", [row, nil, floats([1, 1, 2])], [Attribute("mode", "area")],
      fails: "mode 'area' with 'round_prefer_floor' is unknown"),
    OperatorCase(
      "Resize", [row, nil, floats([1, 1, 2])],
      [Attribute("coordinate_transformation_mode", "corners")],
      fails: "coordinate transformation 'corners' is unknown"),
    OperatorCase(
      "Resize", [Tensor([] as [Float], shape: [1, 0]), nil, nil, Tensor.int64s([1, 2])],
      fails: "cannot resize an empty axis, got [1, 0]"),
    OperatorCase(
      "Upsample", opset: 7, [row], fails: "expected attribute 'scales', a list of floats"),
    OperatorCase("Upsample", opset: 9, [row], fails: "expected 2 inputs, got 1"),
  ]

  @Test(arguments: cases) func agrees(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
