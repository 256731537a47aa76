package import GraphIR
package import Tensors

/// A tensor's type with every extent known: what operators work on.
package struct ArrayType: Sendable, Hashable, CustomStringConvertible {
  package var elementType: ElementType
  package var shape: [Int]

  package init(_ elementType: ElementType, _ shape: [Int]) {
    self.elementType = elementType
    self.shape = shape
  }

  /// The type of a tensor at hand.
  package init(_ tensor: Tensor) { self.init(tensor.elementType, tensor.shape) }

  /// The number of elements. Shapes are checked for overflow where they enter (`checked()`).
  package var count: Int { shape.reduce(1, *) }

  /// Bytes of a packed buffer.
  package var byteCount: Int { elementType.byteCount(elements: count) ?? 0 }

  /// The type itself, if a buffer of it can exist.
  ///
  /// - Throws: `OperatorError` where an extent is negative or the size overflows.
  package func checked() throws(OperatorError) -> ArrayType {
    do throws(TensorError) {
      let count = try Tensor.elementCount(of: shape)
      if elementType != .string, elementType.byteCount(elements: count) == nil {
        throw TensorError(.shapeOverflow, "the size of shape \(shape) overflows")
      }
    } catch { throw OperatorError(.invalidShape, error.message) }
    return self
  }

  /// As the IR declares it.
  package var declared: ValueType { .tensor(TensorType(elementType, shape.map { .size($0) })) }

  package var description: String { "\(elementType)\(shape)" }
}

/// What is known of an input before evaluation: its type, and its contents where they are constant.
package struct Operand: Sendable {
  package var type: ArrayType
  package var value: Tensor?

  package init(_ type: ArrayType, value: Tensor? = nil) {
    self.type = type
    self.value = value
  }

  package init(_ tensor: Tensor) { self.init(ArrayType(tensor), value: tensor) }
}
