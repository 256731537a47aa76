import COnnx
import GraphIR
import Tensors

extension GraphReader {
  /// The model of a message, its graphs checked.
  ///
  /// - Throws: `FormatError` naming the part at fault.
  func model(_ proto: Onnx__ModelProto) throws(FormatError) -> Model {
    guard let graph = proto.graph else {
      throw FormatError(.missingPart, "a model without a graph")
    }
    var model = Model(
      graph: try at("graph") { () throws(FormatError) in try self.graph(graph.pointee) },
      irVersion: proto.has_ir_version != 0 ? proto.ir_version : nil)
    model.opsetImports = imports(proto.opset_import, proto.n_opset_import)
    model.producerName = text(proto.producer_name)
    model.producerVersion = text(proto.producer_version)
    model.domain = text(proto.domain)
    model.modelVersion = proto.has_model_version != 0 ? proto.model_version : nil
    model.docString = text(proto.doc_string)
    model.metadata = entries(proto.metadata_props, proto.n_metadata_props)
    model.functions = try parts("functions", proto.functions, proto.n_functions, function)
    model.trainingInfo = try parts(
      "training_info", proto.training_info, proto.n_training_info, trainingInfo)
    model.preserved =
      preserved(26, proto.configuration, proto.n_configuration) + preserved(proto.base)
    try model.checkGraphs()
    try model.checkFunctionCalls()
    return model
  }

  private func imports(
    _ start: UnsafeMutablePointer<UnsafeMutablePointer<Onnx__OperatorSetIdProto>?>?, _ count: Int
  ) -> [OpsetImport] {
    list(start, count).map { entry in
      let entry = entry!.pointee
      return OpsetImport(
        domain: text(entry.domain), version: entry.has_version != 0 ? entry.version : nil,
        preserved: preserved(entry.base))
    }
  }

  private func function(_ proto: Onnx__FunctionProto) throws(FormatError) -> Function {
    var body = Graph()
    for (index, name) in list(proto.input, proto.n_input).enumerated() {
      try build("input[\(index)]") { () throws(GraphError) in
        try body.addInput(body.intern(text(name) ?? ""), nil)
      }
    }
    try addNodes(proto.node, proto.n_node, to: &body)
    for name in list(proto.output, proto.n_output) {
      body.addOutput(body.intern(text(name) ?? ""), nil)
    }
    addDeclarations(proto.value_info, proto.n_value_info, to: &body)
    var function = Function(body: body)
    function.name = text(proto.name)
    function.domain = text(proto.domain)
    function.overload = text(proto.overload)
    function.docString = text(proto.doc_string)
    function.attributeNames = list(proto.attribute, proto.n_attribute).map { text($0) ?? "" }
    function.attributeDefaults = try parts(
      "attribute_proto", proto.attribute_proto, proto.n_attribute_proto, attribute)
    function.opsetImports = imports(proto.opset_import, proto.n_opset_import)
    function.metadata = entries(proto.metadata_props, proto.n_metadata_props)
    function.preserved = preserved(proto.base)
    return function
  }
}

// MARK: Checks

extension Model {
  /// Verifies every graph by itself, and what training graphs read of the model's.
  fileprivate func checkGraphs() throws(FormatError) {
    try check(graph, "graph")
    for (index, function) in functions.enumerated() {
      try check(function.body, "functions[\(index)]")
    }
    guard !trainingInfo.isEmpty else { return }
    let names = Set(graph.values.lazy.filter { $0.producer != nil }.map { ExactText($0.name) })
    for (index, info) in trainingInfo.enumerated() {
      let place = "training_info[\(index)]"
      if let graph = info.initialization {
        try check(graph, "\(place).initialization", captured: names)
      }
      if let graph = info.algorithm { try check(graph, "\(place).algorithm", captured: names) }
    }
  }

  private func check(
    _ graph: Graph, _ place: String, captured: Set<ExactText> = []
  ) throws(FormatError) {
    try build(place) { () throws(GraphError) in
      try graph.checkInvariants(captured: captured)
      try graph.checkShadowing()
    }
  }
}

// MARK: Functions

/// What tells functions apart.
private struct FunctionKey: Hashable {
  let domain: ExactText
  let name: ExactText
  let overload: ExactText

  init(domain: String?, name: String?, overload: String?) {
    self.domain = ExactText(domain ?? "")
    self.name = ExactText(name ?? "")
    self.overload = ExactText(overload ?? "")
  }
}

extension Model {
  /// Verifies that no function is defined twice and none reaches itself through calls.
  fileprivate func checkFunctionCalls() throws(FormatError) {
    var indices: [FunctionKey: Int] = [:]
    for (index, function) in functions.enumerated() {
      let key = FunctionKey(
        domain: function.domain, name: function.name, overload: function.overload)
      guard indices.updateValue(index, forKey: key) == nil else {
        throw FormatError(
          .duplicateFunction, place: "functions[\(index)]",
          "function '\(key.name.text.shown)' is defined twice")
      }
    }
    var remaining = functions.map { Set($0.body.calls(among: indices)) }
    var isSettled = [Bool](repeating: false, count: functions.count)
    var callers = [[Int]](repeating: [], count: functions.count)
    for (caller, callees) in remaining.enumerated() {
      for callee in callees { callers[callee].append(caller) }
    }
    var ready = remaining.indices.filter { remaining[$0].isEmpty }
    while let index = ready.popLast() {
      isSettled[index] = true
      for caller in callers[index] {
        remaining[caller].remove(index)
        if remaining[caller].isEmpty { ready.append(caller) }
      }
    }
    if let index = isSettled.firstIndex(of: false) {
      throw FormatError(
        .recursion, place: "functions[\(index)]",
        "function '\((functions[index].name ?? "").shown)' cannot be expanded, "
          + "its calls lead in a circle")
    }
  }
}

extension Graph {
  fileprivate func calls(among functions: [FunctionKey: Int]) -> [Int] {
    var result: [Int] = []
    for (_, node) in nodes {
      let key = FunctionKey(
        domain: node.domain, name: node.operatorType, overload: node.overload)
      if let index = functions[key] { result.append(index) }
      for attribute in node.attributes {
        for graph in attribute.graphs { result += graph.calls(among: functions) }
      }
    }
    return result
  }
}

// MARK: Writing

extension MessageArena {
  /// The message of a model.
  func model(
    _ model: Model, _ placement: any TensorPlacement
  ) -> UnsafeMutablePointer<Onnx__ModelProto> {
    message(onnx__model_proto__init) { (result: inout Onnx__ModelProto) in
      result.has_ir_version = model.irVersion == nil ? 0 : 1
      result.ir_version = model.irVersion ?? 0
      result.n_opset_import = model.opsetImports.count
      result.opset_import = imports(model.opsetImports)
      result.producer_name = text(model.producerName)
      result.producer_version = text(model.producerVersion)
      result.domain = text(model.domain)
      result.has_model_version = model.modelVersion == nil ? 0 : 1
      result.model_version = model.modelVersion ?? 0
      result.doc_string = text(model.docString)
      result.graph = graph(model.graph, placement)
      result.n_metadata_props = model.metadata.count
      result.metadata_props = entries(model.metadata)
      result.n_training_info = model.trainingInfo.count
      result.training_info = array(model.trainingInfo.map { trainingInfo($0, placement) })
      result.n_functions = model.functions.count
      result.functions = array(model.functions.map { function($0, placement) })
      restore(model.preserved, in: &result.base)
    }
  }

  private func imports(
    _ imports: [OpsetImport]
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<Onnx__OperatorSetIdProto>?>? {
    array(
      imports.map { entry in
        message(onnx__operator_set_id_proto__init) { (result: inout Onnx__OperatorSetIdProto) in
          result.domain = text(entry.domain)
          result.has_version = entry.version == nil ? 0 : 1
          result.version = entry.version ?? 0
          restore(entry.preserved, in: &result.base)
        }
      })
  }

  private func function(
    _ function: Function, _ placement: any TensorPlacement
  ) -> UnsafeMutablePointer<Onnx__FunctionProto>? {
    message(onnx__function_proto__init) { (result: inout Onnx__FunctionProto) in
      let body = function.body
      result.name = text(function.name)
      result.domain = text(function.domain)
      result.overload = text(function.overload)
      result.doc_string = text(function.docString)
      result.n_input = body.inputs.count
      result.input = array(body.inputs.map { text(body[$0].name) })
      result.n_output = body.outputs.count
      result.output = array(body.outputs.map { text(body[$0].name) })
      result.n_attribute = function.attributeNames.count
      result.attribute = array(function.attributeNames.map(text))
      result.n_attribute_proto = function.attributeDefaults.count
      result.attribute_proto = array(
        function.attributeDefaults.map { attribute($0, placement) })
      result.n_node = body.order.count
      result.node = nodes(of: body, placement)
      result.n_value_info = body.declaredValues.count
      result.value_info = infos(body.declaredValues, in: body)
      result.n_opset_import = function.opsetImports.count
      result.opset_import = imports(function.opsetImports)
      result.n_metadata_props = function.metadata.count
      result.metadata_props = entries(function.metadata)
      restore(body.preserved + function.preserved, in: &result.base)
    }
  }
}
