import Tensors

extension Graph {
  /// The graph in ONNX's textual syntax.
  ///
  /// Tensors of more than a few elements are given as `...` unless `full`; only then can the text
  /// be parsed again.
  package func text(full: Bool = false) -> String {
    var printer = TextPrinter(full: full)
    printer.print(self)
    return printer.text
  }
}

extension Model {
  /// The model in ONNX's textual syntax; large tensors as `...` unless `full`.
  package func text(full: Bool = false) -> String {
    var printer = TextPrinter(full: full)
    printer.print(self)
    return printer.text
  }
}

extension ValueType: CustomStringConvertible {
  /// The type in ONNX's textual syntax, such as `float[N, 3]`, `float[]` for an unknown rank.
  package var description: String {
    switch self {
    case .tensor(let type): type.description
    case .sparseTensor(let type): "sparse_tensor(\(type))"
    case .sequence(let element): "seq(\(element))"
    case .optional(let element): "optional(\(element))"
    case .map(let key, let value): "map(\(key), \(value))"
    case .opaque(let domain, let name): "opaque(\(quoted(domain)), \(quoted(name)))"
    }
  }
}

extension TensorType: CustomStringConvertible {
  package var description: String {
    guard let shape else { return "\(elementType)[]" }
    if shape.isEmpty { return "\(elementType)" }
    let dimensions = shape.map { dimension in
      switch dimension {
      case .size(let size): "\(size)"
      case .parameter(let name): identifier(name)
      case .unknown: "?"
      }
    }
    return "\(elementType)[\(dimensions.joined(separator: ", "))]"
  }
}

/// A name as it is where it needs no quotation marks.
func identifier(_ name: String) -> String { name.isIdentifier ? name : quoted(name) }

func quoted(_ text: String) -> String { "\"\(text.escaped)\"" }

extension String {
  /// Whether a type begins with this word.
  var isTypeName: Bool {
    ElementType(name: self) != nil
      || ["seq", "optional", "sparse_tensor", "map", "opaque"].contains(self)
  }

  fileprivate var isIdentifier: Bool {
    guard let first = utf8.first, !(0x30...0x39).contains(first) else { return false }
    return utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
      default: false
      }
    }
  }
}

// MARK: Printing

/// Writes models in ONNX's textual syntax.
private struct TextPrinter {
  let full: Bool
  private(set) var text = ""
  private var indentation = ""

  /// The number of elements up to which a tensor is shown whole.
  private static let shownElements = 16

  init(full: Bool) { self.full = full }

  mutating func print(_ model: Model) {
    var header: [String] = []
    if let version = model.irVersion { header.append("ir_version: \(version)") }
    header.append("opset_import: \(imports(model.opsetImports))")
    if let name = model.producerName { header.append("producer_name: \(quoted(name))") }
    if let version = model.producerVersion { header.append("producer_version: \(quoted(version))") }
    if let domain = model.domain { header.append("domain: \(quoted(domain))") }
    if let version = model.modelVersion { header.append("model_version: \(version)") }
    if let doc = model.docString { header.append("doc_string: \(quoted(doc))") }
    if !model.metadata.isEmpty {
      header.append("metadata_props: [\(entriesText(model.metadata))]")
    }
    print(header: header)
    print(model.graph)
    for function in model.functions { print(function) }
    for info in model.trainingInfo { print(comment: info) }
  }

  /// Training graphs as comments: the syntax has no words for them.
  private mutating func print(comment info: TrainingInfo) {
    for (name, graph) in [
      ("initialization", info.initialization), ("algorithm", info.algorithm),
    ] {
      guard let graph else { continue }
      text += "# training: \(name)\n"
      for line in nested(graph).split(separator: "\n") { text += "# \(line)\n" }
    }
    for (name, entries) in [
      ("initialization_binding", info.initializationBindings),
      ("update_binding", info.updateBindings),
    ] where !entries.isEmpty {
      text += "# \(name): [\(entriesText(entries))]\n"
    }
  }

  private func entriesText(_ entries: [MetadataEntry]) -> String {
    list(entries.map { "\(quoted($0.key ?? "")): \(quoted($0.value ?? ""))" })
  }

  mutating func print(_ graph: Graph) {
    text += identifier(graph.name ?? "") + " "
    text += "(\(list(graph.inputs.map { declaration($0, in: graph) }))) => "
    text += "(\(list(graph.outputs.map { declaration($0, in: graph) })))\n"
    var inner = graph.initializers.map { value in
      let tensor = graph.initializer(value)!.tensor
      let type = TensorType(tensor.elementType, tensor.shape.map { .size($0) })
      return "\(type) \(identifier(graph[value].name)) = \(contents(tensor))"
    }
    inner += graph.sparseInitializers.map { value in
      var sparse = graph.sparseInitializer(value)!
      sparse.values.name = nil
      let name = identifier(graph[value].name)
      return "\(ValueType.sparseTensor(sparse.type)) \(name) = \(parts(sparse))"
    }
    inner += graph.declaredValues.map { declaration($0.value, in: graph) }
    printBody(of: graph, declaring: inner)
  }

  private mutating func print(_ function: Function) {
    var header = ["opset_import: \(imports(function.opsetImports))"]
    header.insert("domain: \(quoted(function.domain ?? ""))", at: 0)
    if let overload = function.overload { header.append("overload: \(quoted(overload))") }
    print(header: header)
    let body = function.body
    text += identifier(function.name ?? "")
    let attributes =
      function.attributeNames.map(identifier) + function.attributeDefaults.map { attribute($0) }
    if !attributes.isEmpty { text += " <\(list(attributes))>" }
    text += " (\(list(body.inputs.map { identifier(body[$0].name) }))) => "
    text += "(\(list(body.outputs.map { identifier(body[$0].name) })))\n"
    printBody(of: body, declaring: body.declaredValues.map { declaration($0.value, in: body) })
  }

  private mutating func print(header: [String]) {
    text += "<\n" + header.map { "  \($0)" }.joined(separator: ",\n") + "\n>\n"
  }

  private mutating func printBody(of graph: Graph, declaring declarations: [String]) {
    if !declarations.isEmpty {
      let separator = ",\n\(indentation)  "
      text += "\(indentation)<\n\(indentation)  \(declarations.joined(separator: separator))\n"
      text += "\(indentation)>\n"
    }
    text += "\(indentation){\n"
    for annotation in graph.quantizationAnnotations {
      text += "\(indentation)  # \(quoted(annotation.tensorName ?? "")) is quantised by "
      text += "[\(entriesText(annotation.parameters))]\n"
    }
    for (_, node) in graph.nodes { print(node, in: graph) }
    text += "\(indentation)}"
    if indentation.isEmpty { text += "\n" }
  }

  private mutating func print(_ node: Node, in graph: Graph) {
    let outer = indentation
    indentation += "  "
    defer { indentation = outer }
    func names(_ values: [ValueID?]) -> String {
      list(values.map { $0.map { identifier(graph[$0].name) } ?? "\"\"" })
    }
    text += indentation
    if let name = node.name, !name.isEmpty { text += "[\(identifier(name))] " }
    text += "\(names(node.outputs)) = \(operation(node))"
    if !node.attributes.isEmpty {
      text += " <\(list(node.attributes.map { attribute($0) }))>"
    }
    text += " (\(names(node.inputs)))\n"
  }

  private func operation(_ node: Node) -> String {
    var parts = (node.domain ?? "").split(separator: ".", omittingEmptySubsequences: false)
    if node.domain == nil || node.domain == "" { parts = [] }
    parts.append(node.operatorType[...])
    let name = parts.joined(separator: ".")
    let isPlain = parts.allSatisfy { String($0).isIdentifier }
    let overload = node.overload ?? ""
    return (isPlain ? name : quoted(name)) + (overload.isEmpty ? "" : ":\(identifier(overload))")
  }

  private func declaration(_ value: ValueID, in graph: Graph) -> String {
    let name = identifier(graph[value].name)
    return graph[value].declaration?.type.map { "\($0) \(name)" } ?? name
  }

  private func imports(_ imports: [OpsetImport]) -> String {
    "[\(list(imports.map { "\(quoted($0.domain ?? "")) : \($0.version ?? 1)" }))]"
  }

  private func list(_ parts: [String]) -> String { parts.joined(separator: ", ") }
}

// MARK: Attributes and tensors

extension TextPrinter {
  private func attribute(_ attribute: Attribute) -> String {
    let name = identifier(attribute.name)
    func typed(_ type: String, _ value: String) -> String { "\(name): \(type) = \(value)" }
    func listed<Element>(
      _ type: String, _ values: [Element], _ text: (Element) -> String
    ) -> String {
      let value = "[\(list(values.map(text)))]"
      return values.isEmpty ? typed(type, value) : "\(name) = \(value)"
    }
    func string(_ bytes: [UInt8]) -> String { quoted(String(decoding: bytes, as: UTF8.self)) }
    switch attribute.value {
    case .float(let value): return "\(name) = \(value)"
    case .int(let value): return "\(name) = \(value)"
    case .string(let value): return "\(name) = \(string(value))"
    case .tensor(let value): return "\(name) = \(tensor(value))"
    case .graph(let value):
      // Anything but a plain word would be taken for a value of another kind.
      let graphName = value.name ?? ""
      let isPlain = graphName.isIdentifier && !graphName.isTypeName
      return isPlain ? "\(name) = \(nested(value))" : typed("graph", nested(value))
    case .sparseTensor(let value): return "\(name) = \(sparseTensor(value))"
    case .sparseTensors(let values):
      return typed("sparse_tensors", "[\(list(values.map(sparseTensor)))]")
    case .floats(let values): return listed("floats", values) { "\($0)" }
    case .ints(let values): return listed("ints", values) { "\($0)" }
    case .strings(let values): return listed("strings", values, string)
    case .tensors(let values): return typed("tensors", "[\(list(values.map(tensor)))]")
    case .graphs(let values): return typed("graphs", "[\(list(values.map(nested)))]")
    case .reference(let outer, let kind):
      return typed(AttributeValue.kindName(kind), "@\(identifier(outer))")
    case .opaque(let kind, _): return typed(AttributeValue.kindName(kind), "...")
    }
  }

  private func nested(_ graph: Graph) -> String {
    var printer = TextPrinter(full: full)
    printer.indentation = indentation + "  "
    printer.print(graph)
    return printer.text
  }

  private func tensor(_ stored: StoredTensor) -> String {
    let tensor = stored.tensor
    let type = TensorType(tensor.elementType, tensor.shape.map { .size($0) })
    let name = stored.name.flatMap { $0.isEmpty ? nil : " \(identifier($0))" } ?? ""
    return "\(type)\(name) \(contents(tensor))"
  }

  private func sparseTensor(_ sparse: SparseTensor) -> String {
    "\(ValueType.sparseTensor(sparse.type)) \(parts(sparse))"
  }

  private func parts(_ sparse: SparseTensor) -> String {
    tensor(sparse.values) + (sparse.indices.map { " at \(tensor($0))" } ?? "")
  }

  private func contents(_ tensor: Tensor) -> String {
    guard full || tensor.count <= Self.shownElements else { return "..." }
    if let strings = tensor.strings {
      return "{\(list(strings.map { quoted(String(decoding: $0, as: UTF8.self)) }))}"
    }
    return "{\(list(tensor.literals))}"
  }
}

extension AttributeValue {
  /// The words of the textual syntax for the kinds of attribute, by number.
  static let kindNames = [
    "undefined", "float", "int", "string", "tensor", "graph", "floats", "ints", "strings",
    "tensors", "graphs", "sparse_tensor", "sparse_tensors", "type_proto", "type_protos",
  ]

  static func kindName(_ kind: Int) -> String {
    kindNames.indices.contains(kind) ? kindNames[kind] : "undefined"
  }
}
