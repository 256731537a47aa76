import Tensors

extension Graph {
  /// The graph that `text` describes in ONNX's textual syntax.
  ///
  /// - Throws: `TextError` with the line and column of the first fault.
  package init(text: String) throws(TextError) {
    var parser = try TextParser(text)
    self = try parser.graph()
    try parser.expectEnd()
  }
}

extension Model {
  /// The model that `text` describes in ONNX's textual syntax.
  ///
  /// - Throws: `TextError` with the line and column of the first fault.
  package init(text: String) throws(TextError) {
    var parser = try TextParser(text)
    self = try parser.model()
    try parser.expectEnd()
  }
}

/// Reads models in ONNX's textual syntax.
struct TextParser {
  var lexer: TextLexer
  /// Graphs inside graphs that are open.
  var depth = 0
  static let maximumDepth = 32

  init(_ text: String) throws(TextError) { lexer = try TextLexer(text) }

  // MARK: Tokens

  func expectEnd() throws(TextError) {
    guard lexer.token == .end else { throw lexer.error("expected the end of the text") }
  }

  /// Whether the next token is `mark`, which it then passes.
  mutating func accept(_ mark: String) throws(TextError) -> Bool {
    guard lexer.token == .mark(mark) else { return false }
    try lexer.advance()
    return true
  }

  mutating func expect(_ mark: String) throws(TextError) {
    guard try accept(mark) else { throw lexer.error("expected '\(mark)'") }
  }

  mutating func word() throws(TextError) -> String {
    guard case .word(let word) = lexer.token else { throw lexer.error("expected a word") }
    try lexer.advance()
    return String(word)
  }

  mutating func string() throws(TextError) -> String {
    guard case .string(let string) = lexer.token else { throw lexer.error("expected a string") }
    try lexer.advance()
    return string
  }

  mutating func integer() throws(TextError) -> Int64 {
    guard case .number(let digits) = lexer.token, let number = Int64(digits) else {
      throw lexer.error("expected an integer")
    }
    try lexer.advance()
    return number
  }

  /// A word, or any text in quotation marks.
  mutating func name() throws(TextError) -> String {
    if case .string = lexer.token { try string() } else { try word() }
  }

  /// Items between commas up to `close`, which is passed.
  mutating func list(
    until close: String, _ item: (inout TextParser) throws(TextError) -> Void
  ) throws(TextError) {
    if try accept(close) { return }
    repeat { try item(&self) } while try accept(",")
    try expect(close)
  }

  /// A step of building a graph, whose faults lie at the present token.
  func build(_ step: () throws(GraphError) -> Void) throws(TextError) {
    do { try step() } catch { throw lexer.error(error.message) }
  }

  // MARK: Models

  mutating func model() throws(TextError) -> Model {
    var model = Model(graph: Graph(), irVersion: nil)
    try header { parser, key throws(TextError) in
      switch key {
      case "ir_version": model.irVersion = try parser.integer()
      case "opset_import": model.opsetImports = try parser.imports()
      case "producer_name": model.producerName = try parser.string()
      case "producer_version": model.producerVersion = try parser.string()
      case "domain": model.domain = try parser.string()
      case "model_version": model.modelVersion = try parser.integer()
      case "doc_string": model.docString = try parser.string()
      case "metadata_props": model.metadata = try parser.entries()
      default: throw parser.lexer.error("a model has no '\(key.escaped)'")
      }
    }
    model.graph = try graph()
    while lexer.token == .mark("<") { model.functions.append(try function()) }
    return model
  }

  private mutating func header(
    _ value: (inout TextParser, String) throws(TextError) -> Void
  ) throws(TextError) {
    try expect("<")
    try list(until: ">") { parser throws(TextError) in
      let key = try parser.word()
      try parser.expect(":")
      try value(&parser, key)
    }
  }

  private mutating func imports() throws(TextError) -> [OpsetImport] {
    var result: [OpsetImport] = []
    try expect("[")
    try list(until: "]") { parser throws(TextError) in
      let domain = try parser.string()
      try parser.expect(":")
      result.append(OpsetImport(domain: domain, version: try parser.integer()))
    }
    return result
  }

  private mutating func entries() throws(TextError) -> [MetadataEntry] {
    var result: [MetadataEntry] = []
    try expect("[")
    try list(until: "]") { parser throws(TextError) in
      let key = try parser.string()
      try parser.expect(":")
      result.append(MetadataEntry(key: key, value: try parser.string()))
    }
    return result
  }

  private mutating func function() throws(TextError) -> Function {
    var function = Function(body: Graph())
    try header { parser, key throws(TextError) in
      switch key {
      case "domain": function.domain = try parser.string()
      case "overload": function.overload = try parser.string()
      case "doc_string": function.docString = try parser.string()
      case "opset_import": function.opsetImports = try parser.imports()
      default: throw parser.lexer.error("a function has no '\(key.escaped)'")
      }
    }
    function.name = try name()
    if try accept("<") {
      try list(until: ">") { parser throws(TextError) in
        let name = try parser.name()
        if [.mark(":"), .mark("=")].contains(parser.lexer.token) {
          function.attributeDefaults.append(try parser.attribute(name))
        } else {
          function.attributeNames.append(name)
        }
      }
    }
    function.body = try body(named: nil)
    return function
  }

  // MARK: Graphs

  mutating func graph() throws(TextError) -> Graph {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw lexer.error("graphs are nested too deeply") }
    return try body(named: try name())
  }

  private mutating func body(named name: String?) throws(TextError) -> Graph {
    var graph = Graph(name: name)
    try expect("(")
    try list(until: ")") { parser throws(TextError) in
      let (type, name) = try parser.declaration()
      let value = graph.intern(name)
      try parser.build { () throws(GraphError) in
        try graph.addInput(value, ValueDeclaration(type: type))
      }
      if try parser.accept("=") { try parser.initializer(value, name, type, in: &graph) }
    }
    try expect("=>")
    try expect("(")
    var outputs: [(type: ValueType?, name: String)] = []
    try list(until: ")") { parser throws(TextError) in outputs.append(try parser.declaration()) }
    if try accept("<") {
      try list(until: ">") { parser throws(TextError) in
        let (type, name) = try parser.declaration()
        let value = graph.intern(name)
        if try parser.accept("=") {
          try parser.initializer(value, name, type, in: &graph)
        } else {
          graph.declare(value, ValueDeclaration(type: type))
        }
      }
    }
    try expect("{")
    while try !accept("}") {
      let node = try node(in: &graph)
      try build { () throws(GraphError) in _ = try graph.append(node) }
    }
    for (type, name) in outputs {
      graph.addOutput(graph.intern(name), type.map { ValueDeclaration(type: $0) })
    }
    return graph
  }

  private mutating func initializer(
    _ value: ValueID, _ name: String, _ type: ValueType?, in graph: inout Graph
  ) throws(TextError) {
    if case .sparseTensor(let type)? = type {
      var sparse = try sparseTensor(type)
      sparse.values.name = name
      return try build { () throws(GraphError) in try graph.addSparseInitializer(value, sparse) }
    }
    guard let type = type?.tensor else { throw lexer.error("expected a tensor type before '='") }
    let tensor = try contents(type)
    try build { () throws(GraphError) in
      try graph.addInitializer(value, StoredTensor(name: name, tensor))
    }
  }

  private mutating func node(in graph: inout Graph) throws(TextError) -> Node {
    var label: String?
    if try accept("[") {
      label = try name()
      try expect("]")
    }
    let outputs = try values(until: "=", in: &graph)
    var parts: [String] = []
    if case .string(let text) = lexer.token {
      try lexer.advance()
      parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    } else {
      repeat { parts.append(try word()) } while try accept(".")
    }
    let operatorType = parts.removeLast()
    let overload = try accept(":") ? try name() : nil
    var attributes: [Attribute] = []
    try attributeList(&attributes)
    try expect("(")
    let inputs = try values(until: ")", in: &graph)
    try attributeList(&attributes)
    var node = Node(
      operatorType, domain: parts.isEmpty ? nil : parts.joined(separator: "."), name: label,
      inputs: inputs, outputs: outputs, attributes: attributes)
    node.overload = overload
    return node
  }

  /// Names between commas up to `close`; an empty one, or none, stands for no value.
  private mutating func values(
    until close: String, in graph: inout Graph
  ) throws(TextError) -> [ValueID?] {
    var result: [ValueID?] = []
    try list(until: close) { parser throws(TextError) in
      if [.mark(","), .mark(close)].contains(parser.lexer.token) {
        result.append(nil)
      } else {
        let name = try parser.name()
        result.append(name.isEmpty ? nil : graph.intern(name))
      }
    }
    return result
  }
}
