/// A value's place in its graph's table. Never reused, so it stays valid through every patch.
package struct ValueID: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let index: Int
  package init(_ index: Int) { self.index = index }
  package static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
  package var description: String { "%\(index)" }
}

/// A node's place in its graph's table. Never reused.
package struct NodeID: Hashable, Sendable, Comparable, CustomStringConvertible {
  package let index: Int
  package init(_ index: Int) { self.index = index }
  package static func < (a: NodeID, b: NodeID) -> Bool { a.index < b.index }
  package var description: String { "#\(index)" }
}

/// One application of an operator: `NodeProto`.
package struct Node: Sendable {
  package var operatorType: String
  /// As the file has it; `nil` and `""` both mean the default domain.
  package var domain: String?
  package var name: String?
  /// Tells apart functions of one name.
  package var overload: String?
  package var docString: String?
  /// An absent optional input is `nil`.
  package var inputs: [ValueID?]
  package var outputs: [ValueID?]
  package var attributes: [Attribute]
  package var metadata: [MetadataEntry] = []
  package var preserved: [PreservedField] = []

  package init(
    _ operatorType: String, domain: String? = nil, name: String? = nil,
    inputs: [ValueID?], outputs: [ValueID?], attributes: [Attribute] = []
  ) {
    self.operatorType = operatorType
    self.domain = domain
    self.name = name
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
  }

  /// The domain with the default one spelt `""`.
  package var canonicalDomain: String {
    switch domain {
    case nil, "ai.onnx": ""
    case let domain?: domain
    }
  }

  /// The operator, behind its domain where that is not the default one: `com.microsoft::FastGelu`.
  package var qualifiedOperator: String {
    canonicalDomain.isEmpty ? operatorType : "\(canonicalDomain)::\(operatorType)"
  }

  /// Whether this is `operatorType` of ONNX's default domain.
  package func `is`(_ operatorType: String) -> Bool {
    self.operatorType == operatorType && canonicalDomain.isEmpty
  }

  /// The value of the attribute called `name`.
  package subscript(attribute name: String) -> AttributeValue? {
    attributes.first { $0.name == name }?.value
  }

  /// An integer attribute, or `nil` where absent or of another kind.
  package func int(_ name: String) -> Int? {
    if case .int(let value)? = self[attribute: name] { Int(value) } else { nil }
  }

  /// A list of integers, or `nil` where absent or of another kind.
  package func ints(_ name: String) -> [Int]? {
    if case .ints(let values)? = self[attribute: name] { values.map { Int($0) } } else { nil }
  }

  /// A float attribute, or `nil` where absent or of another kind.
  package func float(_ name: String) -> Float? {
    if case .float(let value)? = self[attribute: name] { value } else { nil }
  }

  /// A string attribute, or `nil` where absent or of another kind.
  package func string(_ name: String) -> String? {
    if case .string(let value)? = self[attribute: name] {
      String(decoding: value, as: UTF8.self)
    } else {
      nil
    }
  }

  /// How messages name the node: by its name, else by its operator.
  package var label: String {
    if let name, !name.isEmpty {
      "node '\(name.shown)' (\(operatorType.shown))"
    } else {
      "node \(operatorType.shown)"
    }
  }
}
