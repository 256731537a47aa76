import COnnx
import GraphIR
import Tensors

/// Reads graphs, with the tensors in them.
struct GraphReader {
  let tensors: TensorReader
  /// Whether the file is of a version of the format that is not known here.
  let isNewer: Bool

  /// The graph of a message.
  ///
  /// - Throws: `FormatError` naming the part at fault.
  func graph(_ proto: Onnx__GraphProto) throws(FormatError) -> Graph {
    var graph = Graph(name: text(proto.name))
    graph.docString = text(proto.doc_string)
    graph.metadata = entries(proto.metadata_props, proto.n_metadata_props)
    graph.quantizationAnnotations = annotations(proto)
    graph.preserved = preserved(proto.base)
    for (index, info) in list(proto.input, proto.n_input).enumerated() {
      let info = info!.pointee
      try build("input[\(index)]") { () throws(GraphError) in
        try graph.addInput(graph.intern(text(info.name) ?? ""), declaration(info))
      }
    }
    for (index, initializer) in list(proto.initializer, proto.n_initializer).enumerated() {
      let stored = try at("initializer[\(index)]") { () throws(FormatError) in
        try tensors.tensor(initializer!.pointee)
      }
      let value = try named(stored.name, "initializer[\(index)]", in: &graph)
      try build("initializer[\(index)]") { () throws(GraphError) in
        try graph.addInitializer(value, stored)
      }
    }
    for (index, sparse) in list(proto.sparse_initializer, proto.n_sparse_initializer).enumerated() {
      let tensor = try at("sparse_initializer[\(index)]") { () throws(FormatError) in
        try tensors.sparseTensor(sparse!.pointee)
      }
      let value = try named(tensor.values.name, "sparse_initializer[\(index)]", in: &graph)
      try build("sparse_initializer[\(index)]") { () throws(GraphError) in
        try graph.addSparseInitializer(value, tensor)
      }
    }
    try addNodes(proto.node, proto.n_node, to: &graph)
    for info in list(proto.output, proto.n_output) {
      let info = info!.pointee
      graph.addOutput(graph.intern(text(info.name) ?? ""), declaration(info))
    }
    addDeclarations(proto.value_info, proto.n_value_info, to: &graph)
    return graph
  }

  private func named(
    _ name: String?, _ place: String, in graph: inout Graph
  ) throws(FormatError) -> ValueID {
    guard let name, !name.isEmpty else {
      throw FormatError(.missingPart, place: place, "an initializer without a name")
    }
    return graph.intern(name)
  }

  private func annotations(_ proto: Onnx__GraphProto) -> [QuantizationAnnotation] {
    list(proto.quantization_annotation, proto.n_quantization_annotation).map { annotation in
      let annotation = annotation!.pointee
      var result = QuantizationAnnotation(
        tensorName: text(annotation.tensor_name),
        parameters: entries(
          annotation.quant_parameter_tensor_names, annotation.n_quant_parameter_tensor_names))
      result.preserved = preserved(annotation.base)
      return result
    }
  }

  /// Declares the types of values.
  func addDeclarations(
    _ infos: UnsafeMutablePointer<UnsafeMutablePointer<Onnx__ValueInfoProto>?>?, _ count: Int,
    to graph: inout Graph
  ) {
    for info in list(infos, count) {
      graph.declare(graph.intern(text(info!.pointee.name) ?? ""), declaration(info!.pointee))
    }
  }

  /// Appends nodes to a graph.
  func addNodes(
    _ nodes: UnsafeMutablePointer<UnsafeMutablePointer<Onnx__NodeProto>?>?, _ count: Int,
    to graph: inout Graph
  ) throws(FormatError) {
    for (index, proto) in list(nodes, count).enumerated() {
      let node = try at("node[\(index)]") { () throws(FormatError) in
        try self.node(proto!.pointee, in: &graph)
      }
      try build("node[\(index)]") { () throws(GraphError) in _ = try graph.append(node) }
    }
  }

  private func node(
    _ proto: Onnx__NodeProto, in graph: inout Graph
  ) throws(FormatError) -> Node {
    guard let operatorType = text(proto.op_type) else {
      throw FormatError(.missingPart, "a node without an operator type")
    }
    var attributes: [Attribute] = []
    var names = Set<ExactText>()
    for (index, part) in list(proto.attribute, proto.n_attribute).enumerated() {
      try at("attribute[\(index)]") { () throws(FormatError) in
        let attribute = try self.attribute(part!.pointee)
        guard names.insert(ExactText(attribute.name)).inserted else {
          throw FormatError(
            .duplicateAttribute, "attribute '\(attribute.name.shown)' stands twice at its node")
        }
        attributes.append(attribute)
      }
    }
    var node = Node(
      operatorType, domain: text(proto.domain), name: text(proto.name),
      inputs: list(proto.input, proto.n_input).map { present($0, in: &graph) },
      outputs: list(proto.output, proto.n_output).map { present($0, in: &graph) },
      attributes: attributes)
    node.overload = text(proto.overload)
    node.docString = text(proto.doc_string)
    node.metadata = entries(proto.metadata_props, proto.n_metadata_props)
    node.preserved =
      preserved(10, proto.device_configurations, proto.n_device_configurations)
      + preserved(proto.base)
    return node
  }

  /// The value a node names; an empty name stands for none.
  private func present(
    _ name: UnsafeMutablePointer<CChar>?, in graph: inout Graph
  ) -> ValueID? {
    guard let name = text(name), !name.isEmpty else { return nil }
    return graph.intern(name)
  }
}

/// Runs a step of building a graph, whose faults are those of the file.
func build<Result>(
  _ part: @autoclosure () -> String, _ body: () throws(GraphError) -> Result
) throws(FormatError) -> Result {
  do { return try body() } catch {
    let code: FormatError.Code =
      switch error.code {
      case .danglingValue: .danglingValue
      case .cycle: .cycle
      case .shadowedValue: .shadowedValue
      case .duplicateProducer: .duplicateProducer
      case .stalePatch, .removedProducer, .interfaceChanged:
        preconditionFailure("reading applies no patch: \(error)")
      }
    throw FormatError(code, place: error.place, error.message).within(part())
  }
}

// MARK: Writing

extension MessageArena {
  /// The message of a graph.
  func graph(
    _ graph: Graph, _ placement: any TensorPlacement
  ) -> UnsafeMutablePointer<Onnx__GraphProto> {
    message(onnx__graph_proto__init) { (result: inout Onnx__GraphProto) in
      result.name = text(graph.name)
      result.doc_string = text(graph.docString)
      result.n_metadata_props = graph.metadata.count
      result.metadata_props = entries(graph.metadata)
      result.n_input = graph.inputs.count
      result.input = array(
        graph.inputs.map { info(graph[$0].name, graph[$0].declaration) })
      result.n_output = graph.outputs.count
      result.output = array(
        graph.outputs.enumerated().map { index, value in
          info(graph[value].name, graph.outputRedeclarations[index] ?? graph[value].declaration)
        })
      result.n_value_info = graph.declaredValues.count
      result.value_info = infos(graph.declaredValues, in: graph)
      result.n_quantization_annotation = graph.quantizationAnnotations.count
      result.quantization_annotation = array(graph.quantizationAnnotations.map(annotation))
      result.n_initializer = graph.initializers.count
      result.initializer = array(
        graph.initializers.map { value in
          tensor(graph.initializer(value)!, name: graph[value].name, placement)
        })
      result.n_sparse_initializer = graph.sparseInitializers.count
      result.sparse_initializer = array(
        graph.sparseInitializers.map { value in
          sparseTensor(
            graph.sparseInitializer(value)!, name: graph[value].name, placement)
        })
      result.n_node = graph.order.count
      result.node = nodes(of: graph, placement)
      restore(graph.preserved, in: &result.base)
    }
  }

  func infos(
    _ values: [DeclaredValue], in graph: Graph
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<Onnx__ValueInfoProto>?>? {
    array(
      values.map { declared in
        let value = graph[declared.value]
        return info(value.name, declared.redeclaration ?? value.declaration)
      })
  }

  private func annotation(
    _ annotation: QuantizationAnnotation
  ) -> UnsafeMutablePointer<Onnx__TensorAnnotation>? {
    message(onnx__tensor_annotation__init) { (result: inout Onnx__TensorAnnotation) in
      result.tensor_name = text(annotation.tensorName)
      result.n_quant_parameter_tensor_names = annotation.parameters.count
      result.quant_parameter_tensor_names = entries(annotation.parameters)
      restore(annotation.preserved, in: &result.base)
    }
  }

  func nodes(
    of graph: Graph, _ placement: any TensorPlacement
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<Onnx__NodeProto>?>? {
    array(graph.order.map { node(graph[$0], in: graph, placement) })
  }

  func node(
    _ node: Node, in graph: Graph, _ placement: any TensorPlacement
  ) -> UnsafeMutablePointer<Onnx__NodeProto>? {
    message(onnx__node_proto__init) { (result: inout Onnx__NodeProto) in
      result.op_type = text(node.operatorType)
      result.domain = text(node.domain)
      result.name = text(node.name)
      result.overload = text(node.overload)
      result.doc_string = text(node.docString)
      result.n_input = node.inputs.count
      result.input = array(node.inputs.map { text($0.map { graph[$0].name } ?? "") })
      result.n_output = node.outputs.count
      result.output = array(node.outputs.map { text($0.map { graph[$0].name } ?? "") })
      result.n_attribute = node.attributes.count
      result.attribute = array(node.attributes.map { attribute($0, placement) })
      result.n_metadata_props = node.metadata.count
      result.metadata_props = entries(node.metadata)
      restore(node.preserved, in: &result.base)
    }
  }
}
