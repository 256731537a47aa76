import Execution
import GraphIR
import Operators
import Planning

/// The graph, its streams and blocks, and what each costs: the verb `inspect`.
public struct Inspection: Sendable {
  /// The model to read.
  public var model: String
  /// Extents of dimension parameters, as `name=number`.
  public var dimensions: [String]
  /// A folder to look for external data in, beside the model's own.
  public var externalDataDirectory: String?

  /// The work to do; nothing is read before `run`.
  public init(model: String, dimensions: [String], externalDataDirectory: String? = nil) {
    self.model = model
    self.dimensions = dimensions
    self.externalDataDirectory = externalDataDirectory
  }

  /// Reads the model and reports. Runs it on one synthetic sample where types cannot be inferred.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> InspectReport {
    let extents = try parseExtents(dimensions)
    let loaded = try load()
    try loaded.checkDimensions(extents)
    let structure = try ModelStructure(
      loaded, extents: extents, sample: loaded.oneSyntheticSample(extents: extents))
    if let note = structure.note { diagnostics.note(note) }
    let graph = loaded.model.graph
    let operators = graph.nodes.map { _, node in node.qualifiedOperator }
    let opsets = loaded.model.opsetImports.map { ($0.domain ?? "", Int($0.version ?? 1)) }
    let producer = [loaded.model.producerName, loaded.model.producerVersion].compactMap(\.self)
      .filter { !$0.isEmpty }
    return InspectReport(
      file: model, parameters: graph.parameterCount, bytes: loaded.byteCount,
      multiplyAdds: structure.multiplyAdds,
      opsets: Dictionary(opsets) { first, _ in first },
      producer: producer.isEmpty ? "unknown producer" : producer.joined(separator: " "),
      operators: Dictionary(operators.map { ($0, 1) }, uniquingKeysWith: +),
      inputs: loaded.ports(graph.inputs), outputs: loaded.ports(graph.outputs),
      streams: structure.streams.map { describe($0, structure) },
      rejected: structure.finding.rejected.map {
        InspectReport.Rejection(node: structure.graph[$0.node].label, reason: $0.reason)
      },
      unsupported: structure.unevaluated.counts,
      unsupportedAt: Dictionary(
        structure.unevaluated.operators.map { ($0.name, $0.place) }
      ) { first, _ in first })
  }

  /// The model in ONNX's textual syntax.
  public func text() throws(Failure) -> String { try load().model.text() }

  /// The graph for Graphviz: nodes and the values between them.
  public func dot() throws(Failure) -> String {
    let graph = try load().model.graph
    var lines = ["digraph {", "  node [shape=box]"]
    for (id, node) in graph.nodes {
      let label = "label=\(quoted(node.operatorType)), tooltip=\(quoted(node.name ?? ""))"
      lines.append("  n\(id.index) [\(label)]")
      for case let input? in node.inputs {
        if let producer = graph.producer(of: input) {
          lines.append("  n\(producer.index) -> n\(id.index) [label=\(quoted(graph[input].name))]")
        } else if graph.inputs.contains(input) {
          lines.append("  \(quoted(graph[input].name)) -> n\(id.index)")
        }
      }
    }
    for output in graph.outputs {
      guard let producer = graph.producer(of: output) else { continue }
      lines.append("  n\(producer.index) -> \(quoted(graph[output].name))")
    }
    return (lines + ["}"]).joined(separator: "\n")
  }

  private func load() throws(Failure) -> LoadedModel {
    try LoadedModel(path: model, externalDataDirectory: externalDataDirectory)
  }

  /// A string of Graphviz, in which a backslash begins an escape of its own.
  private func quoted(_ text: String) -> String {
    let escaped = text.printable.unicodeScalars.map { scalar in
      scalar == "\"" || scalar == "\\" ? "\\\(scalar)" : String(scalar)
    }
    return "\"\(escaped.joined())\""
  }

  private func describe(
    _ stream: ResidualStream, _ structure: ModelStructure
  ) -> InspectReport.Stream {
    let names = stream.points.map { structure.graph[$0].name }
    return InspectReport.Stream(
      shape: stream.type.shape, points: names,
      labels: stream.points.indices.map(stream.label(of:)),
      blocks: stream.steps.enumerated().map { index, step in
        InspectReport.Block(
          index: index, fromLabel: stream.label(of: index), toLabel: stream.label(of: index + 1),
          from: names[index], to: names[index + 1], nodes: step.removal.nodes.count,
          parameters: step.removal.parameters, multiplyAdds: step.removal.multiplyAdds,
          kind: step.kind.rawValue)
      })
  }
}
