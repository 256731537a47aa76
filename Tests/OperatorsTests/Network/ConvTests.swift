import GraphIR
import Operators
import Tensors
import Testing

/// The geometry of a convolution and what a naive reference needs of it, also where `auto_pad` says it.
struct SpatialCase: Sendable {
  var x: [Int]
  var w: [Int]
  var group = 1
  var strides: [Int]
  var dilations: [Int]
  var autoPad: String?
  /// The padding that results, before and behind each axis.
  var padsBegin: [Int]
  var padsEnd: [Int]
  /// The spatial extents of the result.
  var output: [Int]

  var attributes: [Attribute] {
    [Attribute("group", group)] + windowAttributes
  }

  var windowAttributes: [Attribute] {
    [
      Attribute("strides", strides), Attribute("dilations", dilations),
      autoPad.map { Attribute("auto_pad", $0) } ?? Attribute("pads", padsBegin + padsEnd),
    ]
  }

  /// The place of the input under an output and a kernel position.
  func place(_ output: [Int], _ kernel: [Int]) -> [Int] {
    output.indices.map { output[$0] * strides[$0] + kernel[$0] * dilations[$0] - padsBegin[$0] }
  }
}

struct ConvTests {
  static let cases = [
    SpatialCase(
      x: [2, 3, 9], w: [4, 3, 3], strides: [2], dilations: [2], padsBegin: [1], padsEnd: [2],
      output: [4]),
    SpatialCase(
      x: [2, 4, 7, 6], w: [6, 2, 3, 2], group: 2, strides: [1, 2], dilations: [1, 1],
      padsBegin: [1, 0], padsEnd: [1, 1], output: [7, 3]),
    SpatialCase(
      x: [1, 4, 6, 6], w: [8, 1, 3, 3], group: 4, strides: [1, 1], dilations: [1, 1],
      autoPad: "SAME_UPPER", padsBegin: [1, 1], padsEnd: [1, 1], output: [6, 6]),
    SpatialCase(
      x: [1, 2, 6, 5], w: [3, 2, 3, 2], strides: [2, 1], dilations: [1, 1],
      autoPad: "SAME_UPPER", padsBegin: [0, 0], padsEnd: [1, 1], output: [3, 5]),
    SpatialCase(
      x: [1, 2, 6, 5], w: [3, 2, 3, 2], strides: [2, 1], dilations: [1, 1],
      autoPad: "SAME_LOWER", padsBegin: [1, 1], padsEnd: [0, 0], output: [3, 5]),
    SpatialCase(
      x: [1, 2, 6, 5], w: [3, 2, 3, 2], strides: [2, 1], dilations: [1, 1], autoPad: "VALID",
      padsBegin: [0, 0], padsEnd: [0, 0], output: [2, 4]),
    SpatialCase(
      x: [1, 2, 4, 4, 5], w: [2, 2, 2, 1, 3], strides: [1, 2, 1], dilations: [1, 1, 2],
      padsBegin: [1, 0, 1], padsEnd: [0, 0, 1], output: [4, 2, 3]),
    SpatialCase(
      x: [2, 3, 4, 4], w: [5, 3, 1, 1], strides: [1, 1], dilations: [1, 1], padsBegin: [0, 0],
      padsEnd: [0, 0], output: [4, 4]),
    SpatialCase(
      x: [2, 2, 3, 2, 4, 3], w: [4, 1, 2, 1, 2, 3], group: 2, strides: [1, 1, 2, 1],
      dilations: [1, 1, 1, 2], padsBegin: [1, 0, 0, 2], padsEnd: [0, 0, 1, 2],
      output: [3, 2, 2, 3]),
    SpatialCase(
      x: [0, 3, 4, 4], w: [5, 3, 1, 1], strides: [1, 1], dilations: [1, 1], padsBegin: [0, 0],
      padsEnd: [0, 0], output: [4, 4]),
  ]

  static func convolution(
    _ spatial: SpatialCase, _ x: NaiveArray, _ w: NaiveArray, _ bias: NaiveArray
  ) -> NaiveArray {
    let perGroup = (input: w.shape[1], output: w.shape[0] / spatial.group)
    let kernel = NaiveArray.indices(Array(w.shape[2...]))
    return NaiveArray([x.shape[0], w.shape[0]] + spatial.output) { index in
      let first = index[1] / perGroup.output * perGroup.input
      var sum = bias[[index[1]]]
      for channel in 0..<perGroup.input {
        for k in kernel {
          let place = spatial.place(Array(index[2...]), k)
          sum += w[[index[1], channel] + k] * (x.inside([index[0], first + channel] + place) ?? 0)
        }
      }
      return sum
    }
  }

  @Test(arguments: cases) func agrees(_ spatial: SpatialCase) throws {
    let x = NaiveArray(integers: spatial.x)
    let w = NaiveArray(integers: spatial.w, seed: 2)
    let bias = NaiveArray(integers: [spatial.w[0]], seed: 3)
    let zero = NaiveArray([spatial.w[0]]) { _ in 0 }
    try OperatorCase(
      "Conv", [x.float, w.float, bias.float], spatial.attributes,
      gives: [Self.convolution(spatial, x, w, bias).float]
    ).check()
    let plain = Self.convolution(spatial, x, w, zero)
    try OperatorCase("Conv", [x.float, w.float], spatial.attributes, gives: [plain.float]).check()
    try OperatorCase("Conv", [x.double, w.double], spatial.attributes, gives: [plain.double])
      .check()
    try OperatorCase("Conv", [x.float16, w.float16], spatial.attributes, gives: [plain.float16])
      .check()
    try OperatorCase(
      "Conv", [x.double, w.double, bias.double], spatial.attributes,
      gives: [Self.convolution(spatial, x, w, bias).double]
    ).check()
  }

  /// The lowered convolution adds a residual that repeats, or repeats the result, in every type.
  @Test(arguments: [[1, 2, 3], [3], [2, 2, 3]]) func fused(_ shape: [Int]) throws {
    let x = NaiveArray(integers: [1, 1, 3])
    let w = NaiveArray(integers: [2, 1, 1], seed: 2)
    let residual = NaiveArray(integers: shape, seed: 3)
    let y = NaiveArray(shape.count == 3 ? shape : [1, 2, 3]) { index in
      max(0, x[[0, 0, index[2]]] * w[[index[1], 0, 0]] + residual[index])
    }
    let attributes = [Attribute("activation", "relu")]
    func check(_ inputs: [Tensor?], _ y: Tensor) throws {
      try OperatorCase("FusedConv", domain: loweredDomain, inputs, attributes, gives: [y]).check()
    }
    try check([x.float, w.float, nil, residual.float], y.float)
    try check([x.double, w.double, nil, residual.double], y.double)
    try check([x.float16, w.float16, nil, residual.float16], y.float16)
  }

  static func failure(
    _ x: [Int], _ w: [Int], _ attributes: [Attribute] = [], bias: [Int]? = nil,
    fails message: String
  ) -> OperatorCase {
    OperatorCase(
      "Conv",
      [NaiveArray(integers: x).float, NaiveArray(integers: w).float]
        + (bias.map { [NaiveArray(integers: $0).float] } ?? []), attributes, fails: message)
  }

  static let failures = [
    failure(
      [1, 2, 4], [1, 2, 3, 3],
      fails: "expected as many axes in both inputs, got [1, 2, 4] and [1, 2, 3, 3]"
    ),
    failure(
      [1, 3, 4], [2, 2, 3], fails: "channels do not fit 1 groups, got [1, 3, 4] and [2, 2, 3]"),
    failure(
      [1, 2, 4], [2, 2, 3], [Attribute("kernel_shape", [2])],
      fails: "expected a kernel of shape [2], got [3]"),
    failure([1, 2, 4], [2, 2, 5], fails: "the kernel is larger than the padded input"),
    failure([1, 2, 4], [2, 2, 0], fails: "expected a kernel with elements, got [0]"),
    failure(
      [1, 2, 4], [2, 2, 3], bias: [3], fails: "expected a bias of shape [2], got [3]"),
    failure(
      [1, 2, 4], [2, 2, 3], [Attribute("group", 0)],
      fails: "attribute 'group' must be positive, got 0"),
    failure(
      [1, 2, 4], [2, 2, 3], [Attribute("pads", [-1, 0])],
      fails: "negative pads are not supported, got [-1, 0]"),
    failure(
      [1, 2, 4], [2, 2, 3], [Attribute("strides", [0])],
      fails: "kernel_shape, strides and dilations must be positive, got [0]"),
    failure(
      [1, 2, 4], [2, 2, 3], [Attribute("auto_pad", "SAME")],
      fails: "attribute 'auto_pad' is unknown, got 'SAME'"),
    failure(
      [0, 1, 1 << 16, 1 << 16], [1, 1, 1, 1],
      fails: "spatial axes of [65536, 65536] are too large"),
    failure(
      [1, 1, 4], [1, 1, 3], [Attribute("dilations", [Int(Int32.max)])],
      fails: "the kernel's reach overflows"),
    failure(
      [0, 1, Int(Int32.max) + 1], [1, 1, 1], fails: "spatial axes of [2147483648] are too large"),
  ]

  @Test(arguments: failures) func fails(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
