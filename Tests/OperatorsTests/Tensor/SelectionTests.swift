import GraphIR
import Operators
import Tensors
import Testing

struct SelectionTests {
  static let unique: [OperatorCase] = [
    OperatorCase(
      "Unique", [Tensor([2, 1, 1, 3, 4, 3] as [Int8])], [Attribute("sorted", 0)],
      gives: [
        Tensor([2, 1, 3, 4] as [Int8]), .int64s([0, 1, 3, 4]), .int64s([0, 1, 1, 2, 3, 2]),
        .int64s([1, 2, 2, 1]),
      ]),
    OperatorCase(
      "Unique", [Tensor([.nan, 1, .nan, -0, 0] as [Float])],
      gives: [
        Tensor([0, 1, .nan] as [Float]), .int64s([3, 1, 0]), .int64s([2, 1, 2, 0, 0]),
        .int64s([2, 1, 2]),
      ]),
    OperatorCase(
      "Unique", [Tensor([1, 0, 1, 2, 2, 2] as [Double], shape: [2, 3])], [Attribute("axis", -1)],
      gives: [
        Tensor([0, 1, 2, 2] as [Double], shape: [2, 2]), .int64s([1, 0]), .int64s([1, 0, 1]),
        .int64s([1, 2]),
      ]),
    OperatorCase(
      "Unique", [Tensor([Float](), shape: [3, 0])], [Attribute("axis", 0)],
      gives: [Tensor([Float](), shape: [1, 0]), .int64s([0]), .int64s([0, 0, 0]), .int64s([3])]),
    OperatorCase(
      "Unique", [Tensor([Float](), shape: [0, 3])],
      gives: [Tensor([Float]()), .int64s([]), .int64s([]), .int64s([])]),
  ]

  /// Extents beside an empty axis may be as large as they like; nothing is counted up to them.
  static let empty: [OperatorCase] = [
    OperatorCase(
      "Slice",
      [
        Tensor([Float](), shape: [0, .max]), .int64s([0]), .int64s([.max]), .int64s([1]),
        .int64s([.max]),
      ], gives: [Tensor([Float](), shape: [0, 1])]),
    OperatorCase(
      "Slice",
      [
        Tensor([UInt8](), shape: [0, 3, 1 << 61]), .int64s([0]), .int64s([9]), .int64s([1]),
        .int64s([9]),
      ], gives: [Tensor([UInt8](), shape: [0, 1, 1 << 61])]),
    OperatorCase(
      "Split", [Tensor([UInt8](), shape: [0, .max])], [Attribute("axis", 1)],
      gives: [
        Tensor([UInt8](), shape: [0, 1 << 62]), Tensor([UInt8](), shape: [0, (1 << 62) - 1]),
      ]),
    OperatorCase(
      "EyeLike", [Tensor([UInt8](), shape: [1 << 60, 0])], [Attribute("k", -1)],
      gives: [Tensor([UInt8](), shape: [1 << 60, 0])]),
    OperatorCase(
      "GatherND", [Tensor([UInt8]()), Tensor([Int64](), shape: [1 << 57, 0])],
      gives: [Tensor([UInt8](), shape: [1 << 57, 0])]),
    OperatorCase(
      "ScatterND",
      [
        Tensor([UInt8]()), Tensor([Int64](), shape: [1 << 57, 0]),
        Tensor([UInt8](), shape: [1 << 57, 0]),
      ], gives: [Tensor([UInt8]())]),
    OperatorCase(
      "Compress", [Tensor([UInt8](), shape: [1 << 60, 0]), Tensor([Bool]())],
      [Attribute("axis", 1)], gives: [Tensor([UInt8](), shape: [1 << 60, 0])]),
  ]

  /// Backwards, a start before the first element is the first one; of an empty axis nothing remains.
  static let backwards: [OperatorCase] = [
    OperatorCase(
      "Slice",
      [
        Tensor([1, 2, 3, 4] as [Float]), .int64s([-6]), .int64s([-6]), .int64s([0]), .int64s([-3]),
      ],
      gives: [Tensor([1] as [Float])]),
    OperatorCase(
      "Slice",
      [Tensor([Float](), shape: [0]), .int64s([-1]), .int64s([.min]), .int64s([0]), .int64s([-1])],
      gives: [Tensor([Float]())]),
  ]

  static let others: [OperatorCase] = [
    OperatorCase(
      "TfIdfVectorizer", [Tensor([1, 2, 1, 3] as [Int32])],
      [
        Attribute("mode", "TFIDF"), Attribute("min_gram_length", 1),
        Attribute("max_gram_length", .max), Attribute("max_skip_count", .max),
        Attribute("pool_int64s", [1, 2, 3]), Attribute("ngram_counts", [0, 1]),
        Attribute("ngram_indexes", [0, 2]), Attribute("weights", .floats([0.5, 3])),
      ], gives: [Tensor([1, 0, 3] as [Float])]),
    OperatorCase(
      "Scatter", opset: 10,
      [Tensor([1, 2, 3] as [Float]), .int64s([-1]), Tensor([9 as Float])],
      gives: [Tensor([1, 2, 9] as [Float])]),
    OperatorCase(
      "ReverseSequence",
      [Tensor([0, 1, 2, 3, 4, 5] as [UInt8], shape: [2, 3]), .int64s([2, 0])],
      [Attribute("time_axis", 1), Attribute("batch_axis", 0)],
      gives: [Tensor([1, 0, 2, 3, 4, 5] as [UInt8], shape: [2, 3])]),
    OperatorCase(
      "Pad", [Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]), .int64s([1, -1, 0, 2])],
      [Attribute("mode", "constant")],
      gives: [Tensor([0, 0, 0, 2, 0, 0, 4, 0, 0] as [Float], shape: [3, 3])]),
    OperatorCase(
      "Pad", [Tensor([1, 2, 3] as [Int64]), .int64s([4, 4])], [Attribute("mode", "reflect")],
      gives: [.int64s([1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3])]),
    OperatorCase(
      "Pad", [Tensor([1, 2, 3] as [Int64]), .int64s([4, 2])], [Attribute("mode", "wrap")],
      gives: [.int64s([3, 1, 2, 3, 1, 2, 3, 1, 2])]),
    OperatorCase(
      "Pad", opset: 10, [Tensor([1, 2] as [Double])],
      [Attribute("pads", [1, 0]), Attribute("value", 0.5 as Float)],
      gives: [Tensor([0.5, 1, 2] as [Double])]),
    OperatorCase(
      "Constant", [], [sparse([1, 2], .int64s([1, 5]), [2, 3])],
      gives: [Tensor([0, 1, 0, 0, 0, 2] as [Float], shape: [2, 3])]),
    OperatorCase(
      "Constant", [], [sparse([1, 2], .int64s([0, 1, 1, 2], shape: [2, 2]), [2, 3])],
      gives: [Tensor([0, 1, 0, 0, 0, 2] as [Float], shape: [2, 3])]),
  ]

  static func sparse(_ values: [Float], _ indices: Tensor, _ shape: [Int]) -> Attribute {
    Attribute(
      "sparse_value",
      .sparseTensor(
        SparseTensor(
          values: StoredTensor(Tensor(values)), indices: StoredTensor(indices), shape: shape)))
  }

  @Test(arguments: unique + empty + backwards + others)
  func agrees(_ example: OperatorCase) throws { try example.check() }

  static let failures: [OperatorCase] = [
    OperatorCase(
      "Unique", [Tensor([1 as Float])], [Attribute("axis", 1)],
      fails: "axis 1 is out of range for rank 1"),
    OperatorCase(
      "ReverseSequence", [Tensor([1 as Float], shape: [1, 1]), .int64s([2])],
      fails: "sequence_lens: expected at most 1, got 2"),
    OperatorCase(
      "Pad", [Tensor([1, 2] as [Float]), .int64s([.min + 1, .max])],
      fails: "cannot pad [2] by [-9223372036854775807] and [9223372036854775807]"),
    OperatorCase(
      "TfIdfVectorizer", [.int64s([1])],
      [
        Attribute("mode", "TF"), Attribute("min_gram_length", 1), Attribute("max_gram_length", 2),
        Attribute("max_skip_count", 0), Attribute("pool_int64s", [1, 2, 3]),
        Attribute("ngram_counts", [0, 2]), Attribute("ngram_indexes", [0, 1, 2]),
      ], fails: "ngram_counts [0, 2] do not fit a pool of 3"),
    OperatorCase(
      "Constant", [], [sparse([1], .int64s([6]), [2, 3])],
      fails: "sparse_value: index 6 is out of range for an axis of 6"),
    OperatorCase(
      "Constant", [], [sparse([1], .int64s([0]), [.max, .max])],
      fails: "the product of shape [9223372036854775807, 9223372036854775807] overflows"),
    OperatorCase(
      "Dropout", [Tensor([1 as Float]), .scalar(1 as Float), .scalar(true)],
      fails: "ratio: expected at least 0 and below 1, got 1.0"),
  ]

  @Test(arguments: failures)
  func refuses(_ failure: OperatorCase) throws { try failure.check() }
}
