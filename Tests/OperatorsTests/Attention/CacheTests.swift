import GraphIR
import Operators
import Tensors
import Testing

/// What stands around attention. The ONNX cases cover what these compute; here is what they refuse, and
/// what the cases leave out.
struct CacheTests {
  static let cache = NaiveArray(integers: [2, 5, 3])
  static let update = NaiveArray(integers: [2, 2, 3], seed: 2)

  static let scattered: [OperatorCase] = [
    OperatorCase(
      "TensorScatter", opset: 24, [cache.float16, update.float16],
      gives: [NaiveArray(cache.shape) { $0[1] < 2 ? update[$0] : cache[$0] }.float16]),
    OperatorCase(
      "TensorScatter", opset: 24,
      [cache.integers(Int8.self), update.integers(Int8.self), Tensor.int64s([-1, 9])],
      [Attribute("mode", "circular")],
      gives: [
        NaiveArray(cache.shape) { index in
          let place = (index[1] + (index[0] == 0 ? 1 : -4) + 5) % 5
          return place < 2 ? update[[index[0], place, index[2]]] : cache[index]
        }.integers(Int8.self)
      ]),
    OperatorCase(
      "TensorScatter", opset: 24, [cache.float, update.float, Tensor.int64s([0, 4])],
      fails: "write index 4 leaves no room for 2 of 5 places"),
    OperatorCase(
      "TensorScatter", opset: 24, [cache.float, NaiveArray(integers: [2, 6, 3]).float],
      fails: "the update does not fit along axis 1, got [2, 5, 3] and [2, 6, 3]"),
    OperatorCase(
      "TensorScatter", opset: 24, [cache.float, update.float], [Attribute("axis", 0)],
      fails: "the update does not fit along axis 0, got [2, 5, 3] and [2, 2, 3]"),
    OperatorCase(
      "TensorScatter", opset: 24, [cache.float, update.float], [Attribute("mode", "spiral")],
      fails: "mode: expected 'linear' or 'circular', got 'spiral'"),
  ]

  static let x = NaiveArray(eighths: [1, 2, 8])
  static let angles = NaiveArray(eighths: [3, 2])

  static let others: [OperatorCase] = [
    OperatorCase(
      "RotaryEmbedding", opset: 23,
      [x.float, angles.float, angles.float, Tensor.int64s([0, 3], shape: [1, 2])],
      [Attribute("num_heads", 2)], fails: "position 3 is outside a cache of 3 rows"),
    OperatorCase(
      "RotaryEmbedding", opset: 23,
      [x.float, angles.float, angles.float, Tensor.int64s([0, 1], shape: [1, 2])],
      [Attribute("num_heads", 3)], fails: "num_heads: expected a divisor of 8, got 3"),
    OperatorCase(
      "RotaryEmbedding", opset: 23, [x.float, angles.float, angles.float],
      [Attribute("num_heads", 2)],
      fails: "expected caches of shape [1, 2, 2], got [3, 2] and [3, 2]"),
    OperatorCase(
      "RotaryEmbedding", opset: 23, [x.float, angles.float, angles.float],
      [Attribute("num_heads", 2), Attribute("rotary_embedding_dim", 6)],
      fails: "cannot rotate 6 elements of heads of 4"),
    OperatorCase(
      "SwiGLU", opset: 28, [x.float, cache.float],
      fails: "shapes differ, got [1, 2, 8] and [2, 5, 3]"),
    OperatorCase(
      "SwiGLU", opset: 28, [NaiveArray([2]) { _ in 0 }.double, NaiveArray([2]) { _ in 3 }.double],
      gives: [NaiveArray([2]) { _ in 0 }.double]),
    OperatorCase(
      "CausalConvWithState", opset: 27, [cache.float, NaiveArray(integers: [5, 1, 0]).float],
      fails: "input and weight do not fit, got [2, 5, 3] and [5, 1, 0]"),
    OperatorCase(
      "CausalConvWithState", opset: 27, [cache.float, NaiveArray(integers: [5, 1, 2]).float],
      [Attribute("activation", "gelu")],
      fails: "activation: expected 'none', 'silu' or 'swish', got 'gelu'"),
  ]

  @Test(arguments: scattered + others) func agrees(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }

  static let heads = [Attribute("q_num_heads", 2), Attribute("kv_num_heads", 1)]

  /// Two outputs, which `OperatorCase` does not ask for where it expects a failure.
  @Test(arguments: [
    (heads, [x.float, x.float, x.float], "query, key and value do not fit 2 and 1 heads"),
    (heads + [Attribute("update_rule", "gated")], [x.float], "the update rule needs input 'decay'"),
    (heads + [Attribute("update_rule", "odd")], [x.float], "update_rule 'odd' is unknown"),
    (
      [Attribute("q_num_heads", 3), Attribute("kv_num_heads", 2)], [x.float],
      "kv_num_heads: expected"
    ),
  ])
  func linearAttentionRefuses(
    _ attributes: [Attribute], _ inputs: [Tensor], _ message: String
  ) throws {
    let narrow = NaiveArray(eighths: [1, 2, 4])
    let inputs = inputs.count == 1 ? inputs + [narrow.float, narrow.float] : inputs
    let operatorCase = OperatorCase(
      "LinearAttention", opset: 27, inputs, attributes, gives: [nil, nil])
    let error = #expect(throws: (any Error).self) {
      _ = try operatorCase.instantiate(outputs: 2).evaluate(tensors: inputs)
    }
    #expect("\(error.map { "\($0)" } ?? "")".hasPrefix(message))
  }
}
