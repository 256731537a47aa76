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
}
