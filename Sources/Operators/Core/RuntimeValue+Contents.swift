package import GraphIR
package import Tensors

/// What operators ask of their inputs.
extension RuntimeValue {
  /// The tensor, which an optional may hold.
  ///
  /// - Parameter noun: what messages call the value.
  /// - Throws: `OperatorError.typeMismatch` where there is none.
  package func tensor(_ noun: String) throws(OperatorError) -> Tensor {
    switch self {
    case .tensor(let tensor): return tensor
    case .optional(let value?): return try value.tensor(noun)
    default: throw OperatorError(.typeMismatch, "\(noun): expected a tensor, got \(kind)")
    }
  }

  /// The elements of a sequence, which an optional may hold.
  ///
  /// - Throws: `OperatorError.typeMismatch` where it is none.
  package func elements(_ noun: String) throws(OperatorError) -> [RuntimeValue] {
    switch self {
    case .sequence(let elements): return elements
    case .optional(let value?): return try value.elements(noun)
    default: throw OperatorError(.typeMismatch, "\(noun): expected a sequence, got \(kind)")
    }
  }

  /// The only element of a tensor of one integer or truth value.
  ///
  /// - Throws: `OperatorError.typeMismatch` or `.shapeMismatch` where it is no such tensor.
  package func scalar(_ noun: String) throws(OperatorError) -> Int {
    let tensor = try tensor(noun)
    guard tensor.count == 1 else {
      throw OperatorError(.shapeMismatch, "\(noun): expected one element, got \(tensor.shape)")
    }
    let value =
      tensor.elementType == .bool
      ? tensor.region.bytes.first.map { $0 == 0 ? 0 : 1 } : tensor.integers?.first
    guard let value else {
      throw OperatorError(
        .typeMismatch, "\(noun): expected an integer or bool, got \(tensor.elementType)")
    }
    return value
  }
}
