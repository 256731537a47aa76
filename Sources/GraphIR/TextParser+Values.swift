import Tensors

// MARK: Types

extension TextParser {
  /// A name with the type before it, if there is one.
  mutating func declaration() throws(TextError) -> (type: ValueType?, name: String) {
    if case .string = lexer.token { return (nil, try string()) }
    let ahead = self
    let word = try word()
    switch lexer.token {
    case .word, .string, .mark("["), .mark("("):
      self = ahead
      let type = try type()
      return (type, try name())
    default: return (nil, word)
    }
  }

  mutating func type() throws(TextError) -> ValueType {
    let fault = lexer.error("expected a type")
    let word = try word()
    switch word {
    case "seq": return .sequence(try argument { parser throws(TextError) in try parser.type() })
    case "optional":
      return .optional(try argument { parser throws(TextError) in try parser.type() })
    case "sparse_tensor":
      let element = try argument { parser throws(TextError) in try parser.type() }
      guard let type = element.tensor else { throw fault }
      return .sparseTensor(type)
    case "map":
      return try argument { parser throws(TextError) in
        guard let key = ElementType(name: try parser.word()) else { throw fault }
        try parser.expect(",")
        return .map(key: key, value: try parser.type())
      }
    case "opaque":
      return try argument { parser throws(TextError) in
        let domain = try parser.string()
        try parser.expect(",")
        return .opaque(domain: domain, name: try parser.string())
      }
    default:
      guard let element = ElementType(name: word) else { throw fault }
      return .tensor(TensorType(element, try dimensions()))
    }
  }

  private mutating func argument<Result>(
    _ content: (inout TextParser) throws(TextError) -> Result
  ) throws(TextError) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw lexer.error("types are nested too deeply") }
    try expect("(")
    let result = try content(&self)
    try expect(")")
    return result
  }

  /// The extents in brackets; empty brackets stand for an unknown rank, none for a scalar.
  private mutating func dimensions() throws(TextError) -> [Dimension]? {
    guard try accept("[") else { return [] }
    var result: [Dimension] = []
    try list(until: "]") { parser throws(TextError) in
      switch parser.lexer.token {
      case .mark("?"):
        try parser.lexer.advance()
        result.append(.unknown)
      case .number:
        let size = try parser.integer()
        guard size >= 0 else { throw parser.lexer.error("an extent is never negative") }
        result.append(.size(Int(size)))
      default: result.append(.parameter(try parser.name()))
      }
    }
    return result.isEmpty ? nil : result
  }
}

// MARK: Attributes

extension TextParser {
  mutating func attributeList(_ attributes: inout [Attribute]) throws(TextError) {
    guard try accept("<") else { return }
    var parsed: [Attribute] = []
    try list(until: ">") { parser throws(TextError) in
      parsed.append(try parser.attribute(try parser.name()))
    }
    attributes += parsed
  }

  /// What stands behind an attribute's name.
  mutating func attribute(_ name: String) throws(TextError) -> Attribute {
    var kind: String?
    if try accept(":") { kind = try word() }
    try expect("=")
    if try accept("@") {
      guard let kind, let number = AttributeValue.kindNames.firstIndex(of: kind) else {
        throw lexer.error("a reference needs its type")
      }
      return Attribute(name, .reference(try self.name(), kind: number))
    }
    let value = try accept("[") ? try listValue(kind) : try value(kind)
    return Attribute(name, value)
  }

  private mutating func value(_ kind: String?) throws(TextError) -> AttributeValue {
    if kind == "graph" { return .graph(try graph()) }
    switch lexer.token {
    case .string(let text):
      try lexer.advance()
      return .string(Array(text.utf8))
    case .number(let text):
      let fault = lexer.error("expected a number, got '\(text)'")
      try lexer.advance()
      if kind != "float", let number = Int64(text) { return .int(number) }
      guard kind != "int", let number = Float(text) else { throw fault }
      return .float(number)
    case .word("inf"), .word("nan"):
      let text = try word()
      return .float(text == "inf" ? .infinity : .nan)
    case .word("sparse_tensor"):
      guard case .sparseTensor(let type) = try type() else {
        throw lexer.error("expected a sparse tensor")
      }
      return .sparseTensor(try sparseTensor(type))
    case .word(let word) where ElementType(name: String(word)) != nil:
      return .tensor(try storedTensor())
    case .word: return .graph(try graph())
    default: throw lexer.error("expected a value")
    }
  }

  private mutating func listValue(_ kind: String?) throws(TextError) -> AttributeValue {
    let element = kind.map { $0.hasSuffix("s") ? String($0.dropLast()) : $0 }
    var values: [AttributeValue] = []
    try list(until: "]") { parser throws(TextError) in values.append(try parser.value(element)) }
    switch kind.map({ AttributeValue.kindNames.firstIndex(of: $0) ?? 0 }) ?? values.first?.listKind
    {
    case 6: return .floats(try all(values) { $0.number })
    case 7: return .ints(try all(values) { if case .int(let value) = $0 { value } else { nil } })
    case 8:
      return .strings(try all(values) { if case .string(let value) = $0 { value } else { nil } })
    case 9:
      return .tensors(try all(values) { if case .tensor(let value) = $0 { value } else { nil } })
    case 10:
      return .graphs(try all(values) { if case .graph(let value) = $0 { value } else { nil } })
    case 12:
      return .sparseTensors(
        try all(values) { if case .sparseTensor(let value) = $0 { value } else { nil } })
    default: throw lexer.error("an empty list needs its type")
    }
  }

  private func all<Element>(
    _ values: [AttributeValue], _ element: (AttributeValue) -> Element?
  ) throws(TextError) -> [Element] {
    var result: [Element] = []
    for value in values {
      guard let element = element(value) else {
        throw lexer.error("expected elements of one type in a list")
      }
      result.append(element)
    }
    return result
  }
}

extension AttributeValue {
  /// The number of the kind that is a list of values like this one.
  fileprivate var listKind: Int? {
    switch self {
    case .float: 6
    case .int: 7
    case .string: 8
    case .tensor: 9
    case .graph: 10
    case .sparseTensor: 12
    default: nil
    }
  }

  fileprivate var number: Float? {
    switch self {
    case .float(let value): value
    case .int(let value): Float(value)
    default: nil
    }
  }
}

// MARK: Tensors

extension TextParser {
  private mutating func storedTensor() throws(TextError) -> StoredTensor {
    guard let type = try type().tensor else { throw lexer.error("expected a tensor type") }
    var name: String?
    switch lexer.token {
    case .word, .string: name = try self.name()
    default: break
    }
    _ = try accept("=")
    return StoredTensor(name: name, try contents(type))
  }

  /// The stored values of a sparse tensor, and behind `at` where they lie.
  mutating func sparseTensor(_ type: TensorType) throws(TextError) -> SparseTensor {
    let fault = lexer.error("expected values for \(type)")
    let values = try storedTensor()
    var indices: StoredTensor?
    if case .word("at") = lexer.token {
      try lexer.advance()
      indices = try storedTensor()
    }
    guard let shape = type.concreteShape, values.tensor.elementType == type.elementType else {
      throw fault
    }
    return SparseTensor(values: values, indices: indices, shape: shape)
  }

  /// The elements in braces.
  mutating func contents(_ type: TensorType) throws(TextError) -> Tensor {
    guard let shape = type.concreteShape else {
      throw lexer.error("expected every extent of a tensor with contents")
    }
    let fault = lexer.error("expected elements for \(type)")
    try expect("{")
    do {
      if type.elementType == .string {
        var strings: [[UInt8]] = []
        try list(until: "}") { parser throws(TextError) in
          strings.append(Array(try parser.string().utf8))
        }
        return try Tensor(strings: strings, shape: shape)
      }
      var literals: [Substring] = []
      try list(until: "}") { parser throws(TextError) in
        switch parser.lexer.token {
        case .number(let text), .word(let text): literals.append(text)
        default: throw parser.lexer.error("expected a number")
        }
        try parser.lexer.advance()
      }
      guard let bytes = type.elementType.packed(literals) else { throw fault }
      let perElement = [.complex64, .complex128].contains(type.elementType) ? 2 : 1
      guard literals.count == (try Tensor.elementCount(of: shape)) * perElement else {
        throw fault
      }
      return try Tensor(type.elementType, shape: shape, region: ByteRegion(copying: bytes))
    } catch let error as TextError { throw error } catch {
      throw lexer.error("\(error)")
    }
  }
}
