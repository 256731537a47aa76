import GraphIR
import Tensors
import Testing

struct GridSampleTests {
  static let row = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 4])

  /// Samples `row` at places in elements, with the corners' centres at −1 and 1.
  static func sampled(
    _ places: [Float], _ mode: String, _ padding: String, gives values: [Float]
  ) -> OperatorCase {
    OperatorCase(
      "GridSample",
      [row, Tensor(places.map { $0 / 1.5 - 1 }, shape: [1, places.count, 1])],
      [
        Attribute("mode", mode), Attribute("padding_mode", padding), Attribute("align_corners", 1),
      ], gives: [Tensor(values, shape: [1, 1, values.count])],
      tolerance: Tolerance(relative: 0x1p-20, absolute: 0x1p-20))
  }

  static let cases = [
    sampled([0, 1.5, 3, 3.5, -2], "linear", "zeros", gives: [1, 2.5, 4, 2, 0]),
    sampled([-1.5, 3.5], "linear", "border", gives: [1, 4]),
    sampled([-1, 4, 7], "linear", "reflection", gives: [2, 3, 2]),
    sampled([0.4, 2.6, 9], "nearest", "zeros", gives: [1, 4, 0]),
    sampled([1, 1.5], "cubic", "border", gives: [2, 2.5]),
    sampled([.nan, .infinity, -.infinity], "linear", "zeros", gives: [0, 0, 0]),
    sampled([.nan, .infinity, 1e30], "linear", "border", gives: [1, 4, 4]),
    sampled([.nan, .infinity], "cubic", "reflection", gives: [1, 1]),
    OperatorCase(
      "GridSample",
      [
        Tensor([1, 2, 3, 4] as [Int32], shape: [1, 1, 2, 2]),
        Tensor([0, 0, 1, -1] as [Double], shape: [1, 1, 2, 2]),
      ], [Attribute("align_corners", 1)], gives: [Tensor([2, 2] as [Int32], shape: [1, 1, 1, 2])]),
    OperatorCase(
      "GridSample",
      [
        Tensor([true, false], shape: [1, 1, 2]),
        NaiveArray([1, 2, 1]) { Double($0[1]) - 0.5 }.float16,
      ], [Attribute("mode", "nearest")], gives: [Tensor([true, false], shape: [1, 1, 2])]),
    OperatorCase(
      "GridSample", [row, Tensor([0, 0] as [Float], shape: [1, 1, 2])],
      fails: "a grid of [1, 1, 2] does not fit [1, 1, 4]"),
    OperatorCase(
      "GridSample", [row, Tensor([0] as [Float], shape: [1, 1, 1])], [Attribute("mode", "area")],
      fails: "mode 'area' is unknown"),
    OperatorCase(
      "GridSample", [row, Tensor([0] as [Float], shape: [1, 1, 1])],
      [Attribute("padding_mode", "wrap")], fails: "padding_mode 'wrap' is unknown"),
  ]

  @Test(arguments: cases) func agrees(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
