package import Tensors

/// A domain and the version of its operator set that a model uses.
package struct OpsetImport: Sendable, Hashable {
  package var domain: String?
  package var version: Int64?
  package var preserved: [PreservedField] = []

  package init(domain: String?, version: Int64?, preserved: [PreservedField] = []) {
    self.domain = domain
    self.version = version
    self.preserved = preserved
  }
}

/// A function that nodes of the model may call: `FunctionProto`.
package struct Function: Sendable {
  package var name: String?
  package var domain: String?
  package var overload: String?
  package var docString: String?
  /// Names of attributes a call may give, without default.
  package var attributeNames: [String] = []
  /// Attributes with defaults.
  package var attributeDefaults: [Attribute] = []
  package var opsetImports: [OpsetImport] = []
  /// Inputs, nodes and outputs; has no initializers.
  package var body: Graph
  package var metadata: [MetadataEntry] = []
  package var preserved: [PreservedField] = []

  package init(body: Graph) { self.body = body }
}

/// A trained model: `ModelProto`.
package struct Model: Sendable {
  package var irVersion: Int64?
  package var opsetImports: [OpsetImport] = []
  package var producerName: String?
  package var producerVersion: String?
  package var domain: String?
  package var modelVersion: Int64?
  package var docString: String?
  package var graph: Graph
  package var metadata: [MetadataEntry] = []
  package var functions: [Function] = []
  package var trainingInfo: [TrainingInfo] = []
  package var preserved: [PreservedField] = []
  /// The files beside the model's own that its tensors were read from, by the locations that lead
  /// to them. Their paths are canonical.
  package var externalFiles: [ExactText: MappedFile] = [:]

  package init(graph: Graph, irVersion: Int64? = 10, opset: Int64? = nil) {
    self.graph = graph
    self.irVersion = irVersion
    if let opset { opsetImports = [OpsetImport(domain: "", version: opset)] }
  }

  /// The imported version of a domain's operator set; the default domain is `""`.
  package func opset(of domain: String) -> Int? {
    opsetImports.first { ($0.domain == "ai.onnx" ? "" : $0.domain ?? "") == domain }
      .map { Int($0.version ?? 1) }
  }

  /// The tensors stored anywhere in the model.
  package var allStoredTensors: [StoredTensor] {
    graph.allStoredTensors
      + functions.flatMap { function in
        function.body.allStoredTensors + function.attributeDefaults.flatMap(\.storedTensors)
      } + trainingInfo.flatMap { $0.graphs.flatMap(\.allStoredTensors) }
  }
}
