import GraphIR
import Tensors
import Testing

struct ConvTransposeTests {
  /// Geometry as of the convolution that leads back: `output` is the extent of the result.
  static let cases: [(SpatialCase, [Attribute])] = [
    (
      SpatialCase(
        x: [2, 3, 5], w: [3, 2, 3], strides: [2], dilations: [1], padsBegin: [1], padsEnd: [0],
        output: [10]), []
    ),
    (
      SpatialCase(
        x: [1, 4, 3, 4], w: [4, 3, 3, 2], group: 2, strides: [2, 1], dilations: [1, 2],
        padsBegin: [0, 1], padsEnd: [1, 0], output: [7, 5]), [Attribute("output_padding", [1, 0])]
    ),
    (
      SpatialCase(
        x: [1, 2, 3, 3], w: [2, 2, 3, 3], strides: [2, 2], dilations: [1, 1],
        autoPad: "SAME_UPPER", padsBegin: [0, 0], padsEnd: [1, 1], output: [6, 6]), []
    ),
    (
      SpatialCase(
        x: [1, 2, 3, 3], w: [2, 2, 3, 3], strides: [2, 2], dilations: [1, 1],
        autoPad: "SAME_LOWER", padsBegin: [1, 1], padsEnd: [0, 0], output: [6, 6]), []
    ),
    (
      SpatialCase(
        x: [1, 1, 2, 2, 2], w: [1, 2, 2, 1, 3], strides: [1, 2, 1], dilations: [1, 1, 1],
        autoPad: "VALID", padsBegin: [0, 0, 0], padsEnd: [0, 0, 0], output: [3, 3, 4]), []
    ),
    (
      SpatialCase(
        x: [1, 2, 3, 3], w: [2, 1, 3, 3], strides: [3, 2], dilations: [1, 1], padsBegin: [1, 0],
        padsEnd: [0, 0], output: [8, 9]),
      [Attribute("output_shape", [8, 9])]
    ),
    (
      SpatialCase(
        x: [2, 2, 2, 1, 2, 3], w: [2, 1, 2, 2, 1, 2], group: 2, strides: [1, 1, 2, 1],
        dilations: [1, 2, 1, 1], padsBegin: [0, 1, 0, 0], padsEnd: [1, 0, 0, 1],
        output: [2, 2, 3, 3]), []
    ),
  ]

  static func transposed(
    _ spatial: SpatialCase, _ x: NaiveArray, _ w: NaiveArray, _ bias: NaiveArray
  ) -> NaiveArray {
    let perGroup = (input: x.shape[1] / spatial.group, output: w.shape[1])
    let shape = [x.shape[0], perGroup.output * spatial.group] + spatial.output
    var sums: [[Int]: Double] = [:]
    for index in NaiveArray.indices(x.shape) {
      for channel in 0..<perGroup.output {
        for k in NaiveArray.indices(Array(w.shape[2...])) {
          let group = index[1] / perGroup.input
          let place =
            [index[0], group * perGroup.output + channel] + spatial.place(Array(index[2...]), k)
          sums[place, default: 0] += x[index] * w[[index[1], channel] + k]
        }
      }
    }
    return NaiveArray(shape) { bias[[$0[1]]] + (sums[$0] ?? 0) }
  }

  @Test(arguments: cases) func agrees(_ spatial: SpatialCase, _ more: [Attribute]) throws {
    let x = NaiveArray(integers: spatial.x)
    let w = NaiveArray(integers: spatial.w, seed: 2)
    let bias = NaiveArray(integers: [spatial.w[1] * spatial.group], seed: 3)
    try OperatorCase(
      "ConvTranspose", [x.float, w.float, bias.float], spatial.attributes + more,
      gives: [Self.transposed(spatial, x, w, bias).float]
    ).check()
    try OperatorCase(
      "ConvTranspose", [x.double, w.double, bias.double], spatial.attributes + more,
      gives: [Self.transposed(spatial, x, w, bias).double]
    ).check()
    try OperatorCase(
      "ConvTranspose", [x.float16, w.float16, bias.float16], spatial.attributes + more,
      gives: [Self.transposed(spatial, x, w, bias).float16]
    ).check()
  }

  static func failure(
    _ x: [Int], _ w: [Int], _ attributes: [Attribute], _ message: String
  ) -> OperatorCase {
    OperatorCase(
      "ConvTranspose", [NaiveArray(integers: x).float, NaiveArray(integers: w).float], attributes,
      fails: message)
  }

  static let failures = [
    failure(
      [1, 2, 4], [3, 2, 3], [], "channels do not fit 1 groups, got [1, 2, 4] and [3, 2, 3]"),
    failure(
      [1, 1, 4], [1, 1, 3], [Attribute("kernel_shape", [5])],
      "expected a kernel of shape [5], got [3]"),
    failure([1, 1, 4], [1, 1, 0], [], "expected a kernel with elements, got [0]"),
    failure(
      [1, 1, 4], [1, 1, 3], [Attribute("output_padding", [Int.max])],
      "output_padding or output_shape is out of range"),
    failure(
      [1, 1, 4], [1, 1, 3], [Attribute("output_shape", [4, 4])],
      "expected output_padding and output_shape of 1 entries"),
    failure(
      [1, 1, 1], [1, 1, 1], [Attribute("pads", [1, 1])], "the result would have -1 elements"),
  ]

  @Test(arguments: failures) func fails(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
