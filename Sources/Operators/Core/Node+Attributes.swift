package import GraphIR
package import Tensors

/// Attributes of a stated kind, where one of another kind is an error and not an absent one.
extension Node {
  /// - Throws: `OperatorError.invalidAttribute` where the attribute is no integer, or is absent and
  ///   has no default.
  package func integer(_ name: String, default fallback: Int? = nil) throws(OperatorError) -> Int {
    switch self[attribute: name] {
    case .int(let value)?: return Int(value)
    case nil: return try fallback.orMissing(name)
    default: throw wrongKind(name, "an integer")
    }
  }

  package func flag(_ name: String, default fallback: Bool) throws(OperatorError) -> Bool {
    try integer(name, default: fallback ? 1 : 0) != 0
  }

  package func number(_ name: String, default fallback: Float? = nil) throws(OperatorError) -> Float
  {
    switch self[attribute: name] {
    case .float(let value)?: return value
    case nil: return try fallback.orMissing(name)
    default: throw wrongKind(name, "a float")
    }
  }

  package func text(_ name: String, default fallback: String? = nil) throws(OperatorError) -> String
  {
    switch self[attribute: name] {
    case .string(let value)?: return String(decoding: value, as: UTF8.self)
    case nil: return try fallback.orMissing(name)
    default: throw wrongKind(name, "a string")
    }
  }

  /// A list of integers, or `nil` where absent.
  package func integers(_ name: String) throws(OperatorError) -> [Int]? {
    switch self[attribute: name] {
    case .ints(let values)?: return values.map { Int($0) }
    case nil: return nil
    default: throw wrongKind(name, "a list of integers")
    }
  }

  /// A list of floats, or `nil` where absent.
  package func floats(_ name: String) throws(OperatorError) -> [Float]? {
    switch self[attribute: name] {
    case .floats(let values)?: return values
    case nil: return nil
    default: throw wrongKind(name, "a list of floats")
    }
  }

  /// A tensor, or `nil` where absent.
  package func tensor(_ name: String) throws(OperatorError) -> Tensor? {
    switch self[attribute: name] {
    case .tensor(let stored)?: return stored.tensor
    case nil: return nil
    default: throw wrongKind(name, "a tensor")
    }
  }

  /// An element type, or `nil` where absent.
  package func elementType(_ name: String) throws(OperatorError) -> ElementType? {
    guard self[attribute: name] != nil else { return nil }
    let value = try integer(name)
    guard let number = Int32(exactly: value), let type = ElementType(rawValue: number) else {
      throw OperatorError(.invalidAttribute, "attribute '\(name)' is no element type, got \(value)")
    }
    return type
  }

  private func wrongKind(_ name: String, _ kind: String) -> OperatorError {
    OperatorError(.invalidAttribute, "attribute '\(name)' is not \(kind)")
  }
}

extension Optional {
  fileprivate func orMissing(_ name: String) throws(OperatorError) -> Wrapped {
    guard let self else {
      throw OperatorError(.invalidAttribute, "attribute '\(name)' is missing")
    }
    return self
  }
}
