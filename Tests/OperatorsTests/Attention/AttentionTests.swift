import Foundation
import GraphIR
import Tensors
import Testing

/// softmax(scale Q Kᵀ + bias) V of arrays [B, N, ·, ·], head by head; `nil` where a key is not seen.
struct NaiveAttention {
  let q, k, v: NaiveArray
  var scale: Double?
  var bias: (_ place: [Int]) -> Double? = { _ in 0 }

  var result: NaiveArray {
    let (heads, keyHeads, d) = (q.shape[1], k.shape[1], q.shape[3])
    return NaiveArray(Array(q.shape[..<3]) + [v.shape[3]]) { index in
      let head = index[1] / (heads / keyHeads)
      var (sum, total) = (0.0, 0.0)
      for key in 0..<k.shape[2] {
        guard let bias = bias([index[0], index[1], index[2], key]) else { continue }
        let score = (0..<d).reduce(0.0) {
          $0 + q[[index[0], index[1], index[2], $1]] * k[[index[0], head, key, $1]]
        }
        let weight = exp((scale ?? 1 / Double(d).squareRoot()) * score + bias)
        total += weight
        sum += weight * v[[index[0], head, key, index[3]]]
      }
      return total == 0 ? 0 : sum / total
    }
  }
}

extension NaiveArray {
  /// [B, N, S, H] as [B, S, N H].
  var heads: NaiveArray {
    let (n, h) = (shape[1], shape[3])
    return NaiveArray([shape[0], shape[2], n * h]) { self[[$0[0], $0[2] / h, $0[1], $0[2] % h]] }
  }

  /// The places of an axis one behind the other.
  func joined(_ other: NaiveArray, axis: Int) -> NaiveArray {
    var extents = shape
    extents[axis] += other.shape[axis]
    return NaiveArray(extents) { index in
      guard index[axis] >= shape[axis] else { return self[index] }
      var place = index
      place[axis] -= shape[axis]
      return other[place]
    }
  }
}

struct AttentionTests {
  static let q = NaiveArray(eighths: [2, 4, 3, 8])
  static let k = NaiveArray(eighths: [2, 2, 5, 8], seed: 2)
  static let v = NaiveArray(eighths: [2, 2, 5, 6], seed: 3)
  /// Scores are below 8: the exponentials' roundings, and of 16 bits the result's alone.
  static let float = Tolerance(relative: 0x1p-20, absolute: 0x1p-20)
  static let half = Tolerance(relative: 0x1p-10, absolute: 0x1p-20)
  static let brain = Tolerance(relative: 0x1p-7, absolute: 0x1p-20)

  static func causal(_ offset: Int) -> (_ place: [Int]) -> Double? {
    { $0[3] <= $0[2] + offset ? 0 : nil }
  }

  static let cases: [OperatorCase] = {
    let plain = NaiveAttention(q: q, k: k, v: v).result
    let causal = NaiveAttention(q: q, k: k, v: v, bias: Self.causal(0)).result
    let window = NaiveAttention(q: q, k: k, v: v) { abs($0[3] - $0[2]) <= 1 ? 0 : nil }.result
    let mask = NaiveArray(integers: [3, 4], seed: 5)
    let masked = NaiveAttention(q: q, k: k, v: v) { $0[3] < 4 ? mask[[$0[2], $0[3]]] : nil }.result
    let none = Tensor([false, false, true, true, true] as [Bool], shape: [1, 5])
    let lost = NaiveAttention(q: q, k: k, v: v) { $0[3] >= 2 && $0[3] <= $0[2] ? 0 : nil }.result
    let past = (
      NaiveArray(eighths: [2, 2, 2, 8], seed: 7), NaiveArray(eighths: [2, 2, 2, 6], seed: 8)
    )
    let keys = past.0.joined(k, axis: 2)
    let values = past.1.joined(v, axis: 2)
    let all = NaiveAttention(q: q, k: keys, v: values, bias: Self.causal(2)).result
    let flat = [Attribute("q_num_heads", 4), Attribute("kv_num_heads", 2)]
    return [
      OperatorCase(
        "Attention", opset: 23, [q.float, k.float, v.float], gives: [plain.float], tolerance: float),
      OperatorCase(
        "Attention", opset: 23, [q.double, k.double, v.double], gives: [plain.double],
        tolerance: Tolerance(absolute: 1e-13)),
      OperatorCase(
        "Attention", opset: 23, [q.float16, k.float16, v.float16], gives: [plain.float16],
        tolerance: half),
      OperatorCase(
        "Attention", opset: 24, [q.bfloat16, k.bfloat16, v.bfloat16],
        gives: [plain.bfloat16], tolerance: brain),
      OperatorCase(
        "Attention", opset: 23, [q.heads.float, k.heads.float, v.heads.float], flat,
        gives: [plain.heads.float], tolerance: float),
      OperatorCase(
        "Attention", opset: 24, [q.float, k.float, v.float], [Attribute("is_causal", 1)],
        gives: [causal.float], tolerance: float),
      OperatorCase(
        "Attention", opset: 25, [q.float, k.float, v.float],
        [Attribute("left_window_size", 1), Attribute("right_window_size", 1)],
        gives: [window.float], tolerance: float),
      // A mask that is too short hides the keys behind it.
      OperatorCase(
        "Attention", opset: 23, [q.float, k.float, v.float, mask.float], gives: [masked.float],
        tolerance: float),
      OperatorCase(
        "Attention", opset: 23, [q.double, k.double, v.double, mask.double],
        gives: [masked.double], tolerance: Tolerance(absolute: 1e-13)),
      // The first two rows see no key.
      OperatorCase(
        "Attention", opset: 23, [q.float, k.float, v.float, none], [Attribute("is_causal", 1)],
        gives: [lost.float], tolerance: float),
      OperatorCase(
        "Attention", opset: 23, [q.float, k.float, v.float, nil, past.0.float, past.1.float],
        [Attribute("is_causal", 1)], gives: [all.float], tolerance: float),
      OperatorCase(
        "Attention", opset: 23, [q.float, k.float, v.float, nil, past.0.float, past.1.float],
        [Attribute("is_causal", 1)], gives: [all.float, keys.float, values.float, nil],
        tolerance: float),
    ]
  }()

  @Test(arguments: cases) func agrees(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }

  static let failures = [
    OperatorCase(
      "Attention", opset: 23, [q.float, k.float, v.heads.float],
      fails:
        "expected three or four axes in Q, K and V, got [[2, 4, 3, 8], [2, 2, 5, 8], [2, 5, 12]]"),
    OperatorCase(
      "Attention", opset: 23, [q.heads.float, k.heads.float, v.heads.float],
      fails: "attributes 'q_num_heads' and 'kv_num_heads' are missing"),
    OperatorCase(
      "Attention", opset: 23, [q.heads.float, k.heads.float, v.heads.float],
      [Attribute("q_num_heads", 5), Attribute("kv_num_heads", 2)],
      fails: "expected a width that 5 heads divide, got [2, 3, 32]"),
    OperatorCase(
      "Attention", opset: 23, [q.heads.float, k.heads.float, v.heads.float],
      [Attribute("q_num_heads", 0), Attribute("kv_num_heads", 2)],
      fails: "q_num_heads: expected a positive number, got 0"),
    OperatorCase(
      "Attention", opset: 23, [q.float, NaiveArray(eighths: [2, 3, 5, 8]).float, v.float],
      fails: "Q, K and V do not fit, got [[2, 4, 3, 8], [2, 3, 5, 8], [2, 2, 5, 6]]"),
    OperatorCase(
      "Attention", opset: 23, [q.float, k.float, v.double],
      fails: "Attention of float and double is not supported"),
    OperatorCase(
      "Attention", opset: 23, [q.float, k.float, v.float, NaiveArray(integers: [4, 5]).float],
      fails: "expected a mask that broadcasts to [2, 4, 3, 5], got [4, 5]"),
    OperatorCase(
      "Attention", opset: 24,
      [q.float, k.float, v.float, nil, nil, nil, Tensor.int64s([1, 6])],
      fails: "nonpad_kv_seqlen: expected 0 to 5, got 6"),
    OperatorCase(
      "Attention", opset: 23, [q.float, k.float, v.float], [Attribute("qk_matmul_output_mode", 4)],
      fails: "qk_matmul_output_mode: expected 0 to 3, got 4"),
  ]

  @Test(arguments: failures) func fails(_ operatorCase: OperatorCase) throws {
    try operatorCase.check()
  }
}
