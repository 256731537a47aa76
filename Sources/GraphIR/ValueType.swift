package import Tensors

/// One extent of a declared shape.
package enum Dimension: Sendable, Hashable {
  case size(Int)
  /// A dimension parameter: a name that stands for one extent throughout the model.
  case parameter(String)
  case unknown
}

/// A tensor's type as a model declares it.
package struct TensorType: Sendable, Hashable {
  package var elementType: ElementType
  /// `nil` where not even the rank is declared.
  package var shape: [Dimension]?

  package init(_ elementType: ElementType, _ shape: [Dimension]?) {
    self.elementType = elementType
    self.shape = shape
  }

  /// Whether a tensor of this element type and these extents is of the type.
  package func admits(_ elementType: ElementType, _ extents: [Int]) -> Bool {
    guard elementType == self.elementType else { return false }
    guard let shape else { return true }
    return shape.count == extents.count
      && zip(shape, extents).allSatisfy { declared, actual in
        if case .size(let size) = declared { size == actual } else { true }
      }
  }

  /// The extents, where every one is a number.
  package var concreteShape: [Int]? {
    guard let shape else { return nil }
    var sizes: [Int] = []
    for dimension in shape {
      guard case .size(let size) = dimension else { return nil }
      sizes.append(size)
    }
    return sizes
  }
}

/// The type of a value.
package indirect enum ValueType: Sendable, Hashable {
  case tensor(TensorType)
  case sparseTensor(TensorType)
  case sequence(ValueType)
  case optional(ValueType)
  case map(key: ElementType, value: ValueType)
  /// A type this version has no case for.
  case opaque(domain: String, name: String)

  /// The tensor type, where this is one.
  package var tensor: TensorType? {
    if case .tensor(let type) = self { type } else { nil }
  }
}

/// A field of the file's encoding that the IR has no member for, kept as it came.
package struct PreservedField: Sendable, Hashable {
  package var number: Int
  /// The protobuf wire type, 0, 1, 2 or 5.
  package var wireType: Int
  /// What follows the tag, a length prefix included.
  package var payload: [UInt8]

  package init(number: Int, wireType: Int, payload: [UInt8]) {
    self.number = number
    self.wireType = wireType
    self.payload = payload
  }
}

/// A key and a value, either of which a file may leave out.
package struct MetadataEntry: Sendable, Hashable {
  package var key: String?
  package var value: String?
  package var preserved: [PreservedField] = []

  package init(key: String?, value: String?, preserved: [PreservedField] = []) {
    self.key = key
    self.value = value
    self.preserved = preserved
  }
}

/// What a file declares of a value beside its name.
package struct ValueDeclaration: Sendable, Hashable {
  /// `nil` where the declaration names the value only.
  package var type: ValueType? { didSet { typeEncoding = nil } }
  package var docString: String?
  package var metadata: [MetadataEntry] = []
  package var preserved: [PreservedField] = []
  /// Whether the file leaves out a name that is empty.
  package var omitsName = false
  /// The encoded type, where it says more than `type` (denotations, unknown fields, absent parts).
  package private(set) var typeEncoding: [UInt8]?

  package init(type: ValueType?, typeEncoding: [UInt8]? = nil) {
    self.type = type
    self.typeEncoding = typeEncoding
  }
}
