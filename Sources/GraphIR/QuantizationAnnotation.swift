/// Names of the tensors that quantise another: `TensorAnnotation`.
package struct QuantizationAnnotation: Sendable, Hashable {
  /// The tensor that is quantised.
  package var tensorName: String?
  /// What each tensor is for, such as `SCALE_TENSOR`, and its name.
  package var parameters: [MetadataEntry] = []
  package var preserved: [PreservedField] = []

  package init(tensorName: String?, parameters: [MetadataEntry]) {
    self.tensorName = tensorName
    self.parameters = parameters
  }
}
