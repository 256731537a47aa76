import GraphIR
import Operators
import Tensors
import Testing

/// Recurrent layers against `NaiveRecurrence`.
///
/// A sum of at most 13 products below 1 and functions good to a few units in the last place, carried
/// along four steps, stay within 1e-5 in `float` and 1e-13 in `double`.
struct RecurrentTests {
  static let settings: [NaiveRecurrence] = [
    NaiveRecurrence("RNN"), NaiveRecurrence("GRU"), NaiveRecurrence("LSTM"),
    NaiveRecurrence("RNN", direction: "reverse", layout: 1),
    NaiveRecurrence("GRU", direction: "reverse", lengths: [4, 1, 3]),
    NaiveRecurrence("LSTM", direction: "reverse", lengths: [2, 4, 3], layout: 1),
    NaiveRecurrence("RNN", direction: "bidirectional", clip: 0.5),
    NaiveRecurrence("GRU", direction: "bidirectional", lengths: [4, 2, 1], layout: 1),
    NaiveRecurrence("LSTM", direction: "bidirectional", lengths: [1, 4, 0], hasPeepholes: true),
    NaiveRecurrence("GRU", resetsLast: true),
    NaiveRecurrence("GRU", direction: "bidirectional", resetsLast: true, layout: 1, clip: 0.25),
    NaiveRecurrence("LSTM", couplesGates: true, clip: 0.5),
    NaiveRecurrence("LSTM", couplesGates: true, hasPeepholes: true, layout: 1, clip: 0.5),
  ]

  @Test(arguments: settings)
  func agreesWithTheEquations(_ setting: NaiveRecurrence) throws {
    let outputs = setting.outputs()
    try OperatorCase(
      setting.name, setting.inputs.map { $0?.float }, setting.attributes,
      gives: outputs.map(\.float), tolerance: Tolerance(absolute: 1e-5)
    ).check()
    try OperatorCase(
      setting.name, setting.inputs.map { $0?.double }, setting.attributes,
      gives: outputs.map(\.double), tolerance: Tolerance(absolute: 1e-13)
    ).check()
  }

  /// What each function makes of -2, 0.25 and 2, one hidden number a sequence and no recurrence.
  static let activations: [(name: String, alpha: Float?, beta: Float?, values: [Float])] = [
    ("Relu", nil, nil, [0, 0.25, 2]), ("Affine", 2, 0.5, [-3.5, 1, 4.5]),
    ("Affine", nil, nil, [-2, 0.25, 2]), ("LeakyRelu", 0.5, nil, [-1, 0.25, 2]),
    ("LeakyRelu", nil, nil, [-0.02, 0.25, 2]), ("ThresholdedRelu", 0.25, nil, [0, 0.25, 2]),
    ("ThresholdedRelu", nil, nil, [0, 0, 2]), ("HardSigmoid", 0.5, 0.25, [0, 0.375, 1]),
    ("HardSigmoid", nil, nil, [0.1, 0.55, 0.9]), ("Softsign", nil, nil, [-2 / 3, 0.2, 2 / 3]),
    ("scaledtanh", 2, 0, [0, 0, 0]), ("Elu", 0, nil, [0, 0.25, 2]),
    ("Tanh", nil, nil, [-0.964_027_6, 0.244_918_66, 0.964_027_6]),
    ("Sigmoid", nil, nil, [0.119_202_92, 0.562_176_5, 0.880_797_1]),
    ("Softplus", nil, nil, [0.126_928_01, 0.825_939_4, 2.126_928]),
  ]

  @Test(arguments: activations)
  func appliesEveryFunction(
    _ name: String, alpha: Float?, beta: Float?, values: [Float]
  ) throws {
    var attributes = [Attribute("activations", .strings([Array(name.utf8)]))]
    if let alpha { attributes.append(Attribute("activation_alpha", .floats([alpha]))) }
    if let beta { attributes.append(Attribute("activation_beta", .floats([beta]))) }
    try OperatorCase(
      "RNN",
      [
        Tensor([-2, 0.25, 2] as [Float], shape: [1, 3, 1]), Tensor([1 as Float], shape: [1, 1, 1]),
        Tensor([0 as Float], shape: [1, 1, 1]),
      ], attributes, gives: [Tensor(values, shape: [1, 1, 3, 1])],
      tolerance: Tolerance(absolute: 1e-6)
    ).check()
  }

  static func failure(
    _ x: [Int], _ w: [Int], _ r: [Int], _ attributes: [Attribute] = [], _ message: String
  ) -> OperatorCase {
    OperatorCase(
      "LSTM", [x, w, r].map { NaiveArray(integers: $0).float }, attributes, fails: message)
  }

  static let failures = [
    failure(
      [4, 3], [1, 8, 5], [1, 8, 2], [],
      "X, W and R: expected three axes, got [4, 3], [1, 8, 5] and [1, 8, 2]"),
    failure([4, 3, 5], [1, 8, 6], [1, 8, 2], [], "W: expected [1, 8, 5], got [1, 8, 6]"),
    failure([4, 3, 5], [1, 8, 5], [1, 6, 2], [], "R: expected [1, 8, 2], got [1, 6, 2]"),
    failure(
      [4, 3, 5], [1, 8, 5], [1, 8, 2], [Attribute("hidden_size", 3)],
      "R: expected hidden_size 3, got [1, 8, 2]"),
    failure(
      [4, 3, 5], [1, 8, 5], [1, 8, 2], [Attribute("direction", "up")], "direction 'up' is unknown"),
    failure(
      [4, 3, 5], [1, 8, 5], [1, 8, 2], [Attribute("clip", -1 as Float)],
      "clip: expected at least 0, got -1.0"),
    failure(
      [4, 3, 5], [1, 8, 5], [1, 8, 2], [Attribute("activations", .strings([Array("Tanh".utf8)]))],
      "activations: expected 3, got 1"),
    failure(
      [0, 1 << 40, 5], [1, 8, 5], [1, 8, 2], [Attribute("layout", 1)],
      "X of [0, 1099511627776, 5] with 2 hidden numbers is too large"),
    OperatorCase(
      "RNN",
      [
        NaiveArray(integers: [2, 1, 1]).float, NaiveArray(integers: [1, 1, 1]).float,
        NaiveArray(integers: [1, 1, 1]).float, nil, Tensor([3 as Int32]),
      ], fails: "sequence_lens: expected at most 2, got 3"),
  ]

  @Test(arguments: failures)
  func refuses(_ failure: OperatorCase) throws { try failure.check() }
}
