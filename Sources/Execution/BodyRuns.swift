import Operators

/// How often bodies have run while a graph is evaluated. Each loop is bounded, but one inside another
/// multiplies.
final class BodyRuns {
  /// Runs after which the evaluation is taken to have no end.
  private let limit: Int
  private var count = 0

  init(limit: Int = 2_000_000) { self.limit = limit }

  /// - Throws: `OperatorError.invalidValue` after too many.
  func countOne() throws(OperatorError) {
    guard count < limit else {
      throw OperatorError(.invalidValue, "still runs after bodies ran \(limit) times")
    }
    count += 1
  }
}
