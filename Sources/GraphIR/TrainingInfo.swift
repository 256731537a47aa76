package import Tensors

/// How a model's initializers are initialised and updated in training: `TrainingInfoProto`.
package struct TrainingInfo: Sendable {
  /// Computes first values of initializers.
  package var initialization: Graph?
  /// One step of training. Reads values of the model's graph by their names.
  package var algorithm: Graph?
  /// The initializers that outputs of `initialization` go to.
  package var initializationBindings: [MetadataEntry] = []
  /// The initializers that outputs of `algorithm` go to.
  package var updateBindings: [MetadataEntry] = []
  package var preserved: [PreservedField] = []

  package init() {}

  /// The graphs there are.
  package var graphs: [Graph] { [initialization, algorithm].compactMap(\.self) }

  /// Names of the model's graph that the training graphs read or update.
  package var outerNames: Set<ExactText> {
    let own = Set(graphs.flatMap { graph in graph.initializers.map { ExactText(graph[$0].name) } })
    let updated = (initializationBindings + updateBindings).compactMap(\.key).map(ExactText.init)
    return Set(graphs.flatMap(\.freeNames).map(ExactText.init)).union(updated).subtracting(own)
  }
}

extension Model {
  /// Removes training graphs that speak of values the model's graph does not have.
  ///
  /// - Returns: how many went.
  package mutating func removeStaleTrainingInfo() -> Int {
    let names = Set(graph.values.lazy.filter { $0.producer != nil }.map { ExactText($0.name) })
    let count = trainingInfo.count
    trainingInfo.removeAll { !$0.outerNames.isSubset(of: names) }
    return count - trainingInfo.count
  }
}
