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
