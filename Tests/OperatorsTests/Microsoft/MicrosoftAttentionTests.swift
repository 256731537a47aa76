import GraphIR
import Tensors
import Testing

/// The attention operators of com.microsoft against the naive reference; tools/oracles holds them against
/// onnxruntime.
struct MicrosoftAttentionTests {
  static let domain = "com.microsoft"
  static let heads = [Attribute("num_heads", 2)]
  static let q = NaiveArray(eighths: [2, 2, 3, 4])
  static let k = NaiveArray(eighths: [2, 2, 3, 4], seed: 2)
  static let v = NaiveArray(eighths: [2, 2, 3, 4], seed: 3)
  static let tolerance = AttentionTests.float

  /// [B, N, S, H] arrays beside one another as [B, S, N, parts, H].
  private static func packed(_ parts: [NaiveArray]) -> NaiveArray {
    let shape = parts[0].shape
    return NaiveArray([shape[0], shape[2], shape[1], parts.count, shape[3]]) {
      parts[$0[3]][[$0[0], $0[2], $0[1], $0[4]]]
    }
  }

  static let multiHead: [OperatorCase] = {
    let plain = NaiveAttention(q: q, k: k, v: v).result.heads
    let causal = NaiveAttention(q: q, k: k, v: v, bias: AttentionTests.causal(0)).result.heads
    let lengths = Tensor([1, 3] as [Int32])
    // The filter leaves nothing to keys that are masked.
    let padded = NaiveAttention(q: q, k: k, v: v) { $0[0] == 0 && $0[3] >= 1 ? nil : 0 }.result
      .heads
    func multiHead(
      _ inputs: [Tensor?], _ attributes: [Attribute] = [], gives outputs: [Tensor?],
      _ tolerance: Tolerance = tolerance
    ) -> OperatorCase {
      OperatorCase(
        "MultiHeadAttention", domain: domain, opset: 1, inputs, heads + attributes,
        gives: outputs, tolerance: tolerance)
    }
    return [
      multiHead([q.heads.float, k.heads.float, v.heads.float], gives: [plain.float]),
      multiHead(
        [q.heads.float16, k.heads.float16, v.heads.float16], gives: [plain.float16],
        AttentionTests.half),
      multiHead([packed([q, k, v]).float], gives: [plain.float]),
      multiHead([q.heads.float, packed([k, v]).float], gives: [plain.float]),
      multiHead([q.heads.float, k.float, v.float], gives: [plain.float]),
      multiHead(
        [q.heads.float, k.heads.float, v.heads.float], [Attribute("unidirectional", 1)],
        gives: [causal.float, k.float, v.float]),
      multiHead(
        [q.heads.float, k.heads.float, v.heads.float, nil, lengths], gives: [padded.float]),
      OperatorCase(
        "MultiHeadAttention", domain: domain, opset: 1, [q.heads.float], heads,
        fails: "query, key and value do not fit 2 heads, got [2, 3, 8], [] and []"),
      OperatorCase(
        "MultiHeadAttention", domain: domain, opset: 1, [q.heads.float], [],
        fails: "attribute 'num_heads' is missing"),
      OperatorCase(
        "MultiHeadAttention", domain: domain, opset: 1,
        [q.heads.float, k.heads.float, v.heads.float, nil, Tensor([1, 2, 3] as [Int32])], heads,
        fails: "a mask of shape [3] for 2 samples of 3 keys is not supported"),
      OperatorCase(
        "MultiHeadAttention", domain: domain, opset: 1,
        [
          q.heads.float, k.heads.float, v.heads.float, nil, nil,
          NaiveArray(integers: [2, 3]).float,
        ],
        heads, fails: "attention_bias: expected [2, 2, 3, 3], got [2, 3]"),
    ]
  }()

  static let groupQuery: [OperatorCase] = {
    let attributes = heads + [Attribute("kv_num_heads", 1)]
    let (k, v) = (
      NaiveArray(eighths: [2, 1, 3, 4], seed: 4), NaiveArray(eighths: [2, 1, 3, 4], seed: 5)
    )
    let past = (
      NaiveArray(eighths: [2, 1, 2, 4], seed: 6), NaiveArray(eighths: [2, 1, 2, 4], seed: 7)
    )
    let prompt = NaiveAttention(q: q, k: k, v: v, bias: AttentionTests.causal(0)).result.heads
    let keys = past.0.joined(k, axis: 2)
    let values = past.1.joined(v, axis: 2)
    let later = NaiveAttention(q: q, k: keys, v: values, bias: AttentionTests.causal(2)).result
      .heads
    func lengths(_ count: Int32, _ total: Int32) -> [Tensor?] {
      [Tensor([count - 1, count - 1]), Tensor([total])]
    }
    let new = [q.heads.float, k.heads.float, v.heads.float]
    let old = [past.0.float, past.1.float]
    return [
      OperatorCase(
        "GroupQueryAttention", domain: domain, opset: 1, new + [nil, nil] + lengths(3, 3),
        attributes, gives: [prompt.float, k.float, v.float], tolerance: tolerance),
      OperatorCase(
        "GroupQueryAttention", domain: domain, opset: 1, new + old + lengths(5, 5), attributes,
        gives: [later.float, keys.float, values.float], tolerance: tolerance),
      OperatorCase(
        "GroupQueryAttention", domain: domain, opset: 1, new + old + lengths(5, 5), attributes,
        gives: [later.float], tolerance: tolerance),
      // One key, a bias for it alone, and a window behind which the last queries lie.
      OperatorCase(
        "GroupQueryAttention", domain: domain, opset: 1,
        new + [nil, nil] + lengths(1, 3) + [
          nil, nil, nil, Tensor([0, 0, 0] as [Float], shape: [1, 1, 3, 1]),
        ],
        attributes + [Attribute("local_window_size", 1)], gives: [nil]),
      OperatorCase(
        "GroupQueryAttention", domain: domain, opset: 1, new + [nil, nil] + lengths(9, 3),
        attributes, fails: "seqlens_k: 9 keys do not fit a cache of 3"),
      OperatorCase(
        "GroupQueryAttention", domain: domain, opset: 1, new + [nil, nil] + lengths(-4, 3),
        attributes, fails: "seqlens_k: -4 keys do not fit a cache of 3"),
      OperatorCase(
        "GroupQueryAttention", domain: domain, opset: 1, new + [nil, nil] + lengths(3, 3),
        attributes + [Attribute("do_rotary", 1)],
        fails: "do_rotary needs equal caches of at most 2 columns"),
      OperatorCase(
        "GroupQueryAttention", domain: domain, opset: 1, new + [nil, nil] + lengths(3, 3),
        attributes + [Attribute("causal", 0)],
        fails: "GroupQueryAttention with attention to all keys is not supported"),
      OperatorCase(
        "GroupQueryAttention", domain: domain, opset: 1, new + [nil, nil] + lengths(3, 3),
        heads + [Attribute("kv_num_heads", 3)],
        fails: "kv_num_heads: expected a divisor of 2, got 3"),
    ]
  }()

  static let projected: [OperatorCase] = {
    let x = NaiveArray(eighths: [2, 3, 5])
    let w = NaiveArray(eighths: [5, 24], seed: 2)
    let b = NaiveArray(eighths: [24], seed: 3)
    func part(_ index: Int) -> NaiveArray {
      NaiveArray([2, 2, 3, 4]) { place in
        let column = index * 8 + place[1] * 4 + place[3]
        return (0..<5).reduce(b[[column]]) { $0 + x[[place[0], place[2], $1]] * w[[$1, column]] }
      }
    }
    let y = NaiveAttention(q: part(0), k: part(1), v: part(2)).result.heads
    let present = NaiveArray([2, 2, 2, 3, 4]) { part($0[0] + 1)[Array($0[1...])] }
    return [
      OperatorCase(
        "Attention", domain: domain, opset: 1, [x.float, w.float, b.float], heads,
        gives: [y.float, present.float], tolerance: tolerance),
      OperatorCase(
        "Attention", domain: domain, opset: 1, [x.float, w.float, b.float],
        [Attribute("num_heads", 5)],
        fails: "expected 24 columns for Q, K and V of 5 heads, got [8, 8, 8]"),
      OperatorCase(
        "Attention", domain: domain, opset: 1, [x.float, w.float, b.float],
        heads + [Attribute("qkv_hidden_sizes", [Int64.max, Int64.max, 8].map { Int($0) })],
        fails: "expected 24 columns for Q, K and V of 2 heads, got "
          + "[9223372036854775807, 9223372036854775807, 8]"),
      OperatorCase(
        "Attention", domain: domain, opset: 1, [x.float, w.float, b.float],
        heads + [Attribute("do_rotary", 1)], fails: "Attention with 'do_rotary' is not supported"),
    ]
  }()

  @Test(arguments: multiHead + groupQuery + projected)
  func agrees(_ operatorCase: OperatorCase) throws { try operatorCase.check() }
}
