import GraphIR

extension Array {
  /// An input that may be absent, or left out at the list's end.
  func input<Wrapped>(_ index: Int) -> Wrapped? where Element == Wrapped? {
    index < count ? self[index] : nil
  }
}

extension Node {
  /// A number of heads, or `nil` where absent.
  ///
  /// - Throws: `OperatorError.invalidAttribute` where it is not positive.
  func heads(_ name: String) throws(OperatorError) -> Int? {
    guard self[attribute: name] != nil else { return nil }
    let heads = try integer(name)
    guard heads > 0 else {
      throw OperatorError(.invalidAttribute, "\(name): expected a positive number, got \(heads)")
    }
    return heads
  }

  /// A float, or `nil` where absent.
  func optionalNumber(_ name: String) throws(OperatorError) -> Float? {
    self[attribute: name] == nil ? nil : try number(name)
  }
}
