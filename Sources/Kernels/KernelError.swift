/// A numerical fault that depends on the values given, not on how a kernel was called.
package enum KernelError: Error, Equatable, Sendable {
  /// The leading minor of this order is not positive definite, so no Cholesky factor exists.
  case notPositiveDefinite(order: Int)
  /// The eigenvalue iteration left this many off-diagonal elements unconverged.
  case eigenvaluesDidNotConverge(count: Int)
}

extension KernelError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notPositiveDefinite(let order):
      "expected a positive definite matrix, got one whose leading minor of order \(order) is not"
    case .eigenvaluesDidNotConverge(let count):
      "eigenvalues did not converge, \(count) off-diagonal elements remain"
    }
  }
}
