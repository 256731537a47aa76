package import GraphIR
import Tensors

/// Y[i] = how often the n-grams of coordinate i occur in X, or their weight.
///
/// An n-gram of X is any n elements whose places are 1, 2, … or `max_skip_count` + 1 apart.
/// Attributes: `min_gram_length`, `max_gram_length`, `max_skip_count`; `pool_int64s`, the n-grams looked
/// for, those of one element first; `ngram_counts`, where in the pool those of each length begin;
/// `ngram_indexes`, the coordinate of each n-gram, and `weights` (ones); `mode`: "TF" counts, "IDF" takes
/// the weight of what occurs, "TFIDF" counts times weight. `pool_strings` is not supported.
/// Shapes: X [C] or [N, C]; Y [max(ngram_indexes) + 1] or [N, max(ngram_indexes) + 1].
/// Types: X int32 or int64; Y float.
/// Source: ONNX TfIdfVectorizer-9.
package struct TfIdfVectorizer: Operator {
  /// What an n-gram adds to its coordinate.
  private enum Mode: String { case counts = "TF", weights = "IDF", weightedCounts = "TFIDF" }

  private struct Gram {
    var coordinate: Int
    var weight: Float
  }

  private let mode: Mode
  private let lengths: ClosedRange<Int>
  private let largestSkip: Int
  private let grams: [[Int]: Gram]
  private let width: Int

  package static let signature = OperatorSignature("TfIdfVectorizer", since: 9, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let name = try node.text("mode")
    guard let mode = Mode(rawValue: name) else {
      throw OperatorError(.invalidAttribute, "mode '\(name)' is unknown")
    }
    self.mode = mode
    guard node[attribute: "pool_strings"] == nil else {
      throw OperatorError(.unsupported, "TfIdfVectorizer of string is not supported")
    }
    let (shortest, longest) = (
      try node.integer("min_gram_length"), try node.integer("max_gram_length")
    )
    largestSkip = try node.integer("max_skip_count")
    guard shortest >= 1, longest >= shortest, largestSkip >= 0 else {
      throw OperatorError(
        .invalidAttribute,
        "expected lengths from 1 on and skips from 0 on, got \(shortest) to \(longest) and "
          + "\(largestSkip)")
    }
    lengths = shortest...longest
    let pool = try node.integers("pool_int64s") ?? []
    let starts = try node.integers("ngram_counts") ?? []
    let coordinates = try node.integers("ngram_indexes") ?? []
    let weights = try node.floats("weights")
    guard let last = coordinates.max(), coordinates.allSatisfy({ $0 >= 0 }), last < .max,
      weights == nil || weights?.count == coordinates.count
    else {
      throw OperatorError(
        .invalidAttribute, "ngram_indexes are missing, negative or not as many as weights")
    }
    width = last + 1
    var grams: [[Int]: Gram] = [:]
    var place = 0
    for (index, start) in starts.enumerated() {
      let (length, end) = (index + 1, index + 1 < starts.count ? starts[index + 1] : pool.count)
      guard start >= 0, start <= end, end <= pool.count, (end - start) % length == 0,
        (end - start) / length <= coordinates.count - place
      else {
        throw OperatorError(
          .invalidAttribute, "ngram_counts \(starts) do not fit a pool of \(pool.count)")
      }
      for first in stride(from: start, to: end, by: length) {
        if lengths.contains(length) {
          grams[Array(pool[first..<(first + length)])] = Gram(
            coordinate: coordinates[place], weight: weights?[place] ?? 1)
        }
        place += 1
      }
    }
    self.grams = grams
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(
      "TfIdfVectorizer", supports: type.elementType,
      type.elementType == .int32 || type.elementType == .int64)
    guard type.shape.count == 1 || type.shape.count == 2 else {
      throw OperatorError(.shapeMismatch, "expected one or two axes, got \(type.shape)")
    }
    return .types([try ArrayType(.float, type.shape.dropLast() + [width]).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0].start(as: Float.self))
    y.update(repeating: 0, count: outputs[0].count)
    let (numbers, columns) = (x.integers, x.shape.last ?? 0)
    guard columns > 0 else { return }
    for row in 0..<(numbers.count / columns) {
      let tokens = numbers[(row * columns)..<((row + 1) * columns)]
      for (gram, count) in occurrences(tokens) {
        let contribution =
          switch mode {
          case .counts: Float(count)
          case .weights: gram.weight
          case .weightedCounts: Float(count) * gram.weight
          }
        y[row * width + gram.coordinate] += contribution
      }
    }
  }

  /// The n-grams of the pool that occur, in the order of their first occurrence, and how often.
  private func occurrences(_ tokens: ArraySlice<Int>) -> [(gram: Gram, count: Int)] {
    var places: [[Int]: Int] = [:]
    var found: [(gram: Gram, count: Int)] = []
    let longest = min(lengths.upperBound, tokens.count)
    for length in lengths.lowerBound..<max(lengths.lowerBound, longest + 1) {
      // Single elements lie no distance apart, others never so far that the second is outside.
      let skips = length == 1 ? 0 : min(largestSkip, tokens.count)
      for distance in 1...(skips + 1) {
        let reach = (length - 1).multipliedReportingOverflow(by: distance)
        guard !reach.overflow, reach.partialValue < tokens.count else { break }
        for first in tokens.indices.dropLast(reach.partialValue) {
          let candidate = (0..<length).map { tokens[first + $0 * distance] }
          guard let gram = grams[candidate] else { continue }
          if let place = places[candidate] {
            found[place].count += 1
          } else {
            places[candidate] = found.count
            found.append((gram, 1))
          }
        }
      }
    }
    return found
  }
}
