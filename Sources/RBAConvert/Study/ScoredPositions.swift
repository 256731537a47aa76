import Planning
import Tensors

/// The positions of a sample that the published scores are taken over.
///
/// Streams that are no sequences of tokens, `[N, T, d]`, are always scored over all positions.
enum ScoredPositions: Sendable, Hashable {
  case all
  /// One token, counted from 0.
  case token(Int)
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
    return try batch.values.map { tensor throws(Failure) in try rows(of: tensor, in: batch.stream) }
  }

  /// The rows of a point's values that count, `[rows, d]`.
  ///
  /// - Throws: `Failure` where samples have fewer tokens.
  func rows(of tensor: Tensor, in stream: ResidualStream) throws(Failure) -> Tensor {
    let tokens = stream.layout == .lastAxis && tensor.shape.count == 3 ? tensor.shape[1] : 0
    let index: Int
    switch self {
    case _ where tokens == 0: return stream.rowTensor(of: tensor)
    case .all: return stream.rowTensor(of: tensor)
    case .lastToken: index = tokens - 1
    case .token(let number): index = number
    }
    guard index < tokens else {
      throw Failure(
        .usage, "--score-token: expected a number from 0 to \(tokens - 1), got \(index)")
    }
    let (samples, width) = (tensor.shape[0], stream.width)
    let all = stream.rows(of: tensor)
    var rows: [Float] = []
    rows.reserveCapacity(samples * width)
    for sample in 0..<samples {
      let start = (sample * tokens + index) * width
      rows += all[start..<start + width]
    }
    return Tensor(rows, shape: [samples, width])
  }
}
