package import Tensors

extension Operand {
  /// The contents as integers, or `nil` where they are not constant.
  ///
  /// - Parameter noun: what messages call the input.
  /// - Throws: `OperatorError` where the input is no list of `int32` or `int64`.
  package func integers(_ noun: String) throws(OperatorError) -> [Int]? {
    try Operand.expectIntegers(type, noun)
    return value?.integers
  }

  private static func expectIntegers(_ type: ArrayType, _ noun: String) throws(OperatorError) {
    guard type.elementType == .int64 || type.elementType == .int32 else {
      throw OperatorError(
        .typeMismatch, "\(noun): expected int64 or int32, got \(type.elementType)")
    }
    guard type.shape.count <= 1 else {
      throw OperatorError(.shapeMismatch, "\(noun): expected at most one axis, got \(type.shape)")
    }
  }
}

extension TensorView {
  /// The elements of a contiguous view of `int32` or `int64`, the types inference allowed.
  package var integers: [Int] {
    elementType == .int32
      ? elements(of: Int32.self).map(Int.init) : elements(of: Int64.self).map(Int.init)
  }
}

/// - Throws: `OperatorError.unsupported` unless the elements are of a type that `types` allow.
package func expect(
  _ operatorName: String, supports type: ElementType, _ isSupported: Bool
) throws(OperatorError) {
  guard isSupported else {
    throw OperatorError(.unsupported, "\(operatorName) of \(type) is not supported")
  }
}

/// - Throws: `OperatorError.typeMismatch` unless both are of one type.
package func expectSameType(_ a: ArrayType, _ b: ArrayType) throws(OperatorError) {
  guard a.elementType == b.elementType else {
    throw OperatorError(
      .typeMismatch, "element types differ, got \(a.elementType) and \(b.elementType)")
  }
}
