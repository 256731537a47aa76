package import Tensors

/// The value of a node's attribute.
package enum AttributeValue: Sendable {
  case float(Float)
  case int(Int64)
  case string([UInt8])
  case tensor(StoredTensor)
  case graph(Graph)
  case floats([Float])
  case ints([Int64])
  case strings([[UInt8]])
  case tensors([StoredTensor])
  case graphs([Graph])
  case sparseTensor(SparseTensor)
  case sparseTensors([SparseTensor])
  /// In a function body: the attribute of that name of the calling node.
  case reference(String, kind: Int)
  /// A value of a kind the IR does not model, such as types, kept as it came.
  case opaque(kind: Int, [PreservedField])
}

/// A named constant of a node: `AttributeProto`.
package struct Attribute: Sendable {
  package var name: String
  package var value: AttributeValue
  package var docString: String?
  package var preserved: [PreservedField] = []
  /// Whether the file leaves out the attribute's type, as IR versions before 2 did.
  package var omitsType = false
  /// Whether the file leaves out a scalar that equals its default of zero.
  package var omitsValue = false

  package init(_ name: String, _ value: AttributeValue) {
    self.name = name
    self.value = value
  }

  package init(_ name: String, _ value: Int) { self.init(name, .int(Int64(value))) }
  package init(_ name: String, _ value: Float) { self.init(name, .float(value)) }
  package init(_ name: String, _ value: String) { self.init(name, .string(Array(value.utf8))) }
  package init(_ name: String, _ values: [Int]) { self.init(name, .ints(values.map(Int64.init))) }
  package init(_ name: String, _ value: Tensor) { self.init(name, .tensor(StoredTensor(value))) }

  /// The graphs the attribute holds.
  package var graphs: [Graph] {
    switch value {
    case .graph(let graph): [graph]
    case .graphs(let graphs): graphs
    default: []
    }
  }

  /// The tensors the attribute holds, those of its graphs included.
  package var storedTensors: [StoredTensor] {
    switch value {
    case .tensor(let tensor): [tensor]
    case .tensors(let tensors): tensors
    case .sparseTensor(let tensor): tensor.parts
    case .sparseTensors(let tensors): tensors.flatMap(\.parts)
    default: graphs.flatMap(\.allStoredTensors)
    }
  }
}
