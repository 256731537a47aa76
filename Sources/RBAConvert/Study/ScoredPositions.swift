import Execution
import Planning
import Tensors

/// The positions of a sample that the published scores are taken over.
///
/// Streams that are no sequences of tokens, `[N, T, d]`, are always scored over all positions.
enum ScoredPositions: Sendable, Hashable {
  case all
  /// One token, counted from 0, of the samples that have one there.
  case token(Int)
  /// The last token of each sample.
  case lastToken

  /// Reads `--score-token`.
  init(_ text: String) throws(Failure) {
    switch text {
    case "all": self = .all
    case "last": self = .lastToken
    default:
      guard let index = Int(text), index >= 0 else {
        throw Failure(
          .usage, "--score-token: expected all, last, or a number from 0, got '\(text)'")
      }
      self = .token(index)
    }
  }

  /// The rows that count of each of a batch's points, `[rows, d]`; padding never does.
  ///
  /// - Throws: `Failure` where samples have fewer tokens.
  func rows(of batch: StreamBatch) throws(Failure) -> [Tensor] {
    if self == .all { return batch.rows().points }
    let mask = batch.rowMask
    return try batch.values.map { tensor throws(Failure) in
      try rows(of: tensor, in: batch.stream, mask: mask)
    }
  }

  /// The rows of a point's values that count, `[rows, d]`.
  ///
  /// - Parameter mask: of every row, zero at padding; no token is padding where it is `nil`.
  /// - Throws: `Failure` where samples have fewer tokens.
  func rows(
    of tensor: Tensor, in stream: ResidualStream, mask: [Float]? = nil
  ) throws(Failure) -> Tensor {
    guard self != .all, stream.layout == .lastAxis, tensor.shape.count == 3, tensor.shape[1] > 0
    else { return stream.rowTensor(of: tensor) }
    let (samples, tokens) = (tensor.shape[0], tensor.shape[1])
    if case .token(let number) = self, number >= tokens {
      throw Failure(
        .usage, "--score-token: expected a number from 0 to \(tokens - 1), got \(number)")
    }
    let rows = (0..<samples).compactMap { sample in
      let own = sample * tokens..<(sample + 1) * tokens
      func isToken(_ row: Int) -> Bool { mask.map { $0[row] != 0 } ?? true }
      if case .token(let number) = self {
        return isToken(own.lowerBound + number) ? own.lowerBound + number : nil
      }
      return own.last(where: isToken)
    }
    return stream.rowTensor(of: tensor).gathering(rows)
  }
}
