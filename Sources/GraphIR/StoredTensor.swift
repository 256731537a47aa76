package import Tensors

/// Where and how a file keeps a tensor's elements, so that an untouched one returns to its place.
package enum TensorEncoding: Sendable, Hashable {
  /// In `raw_data`.
  case raw
  /// In the typed field of its element type (`float_data`, `int32_data`, …).
  case typed
  /// In another file beside the model. Entries are as the model lists them.
  case external([MetadataEntry])
}

/// A tensor with what the file says around it: `TensorProto`.
package struct StoredTensor: Sendable {
  package var name: String?
  package var tensor: Tensor
  package var encoding: TensorEncoding
  package var docString: String?
  package var metadata: [MetadataEntry] = []
  package var preserved: [PreservedField] = []
  /// Whether the file spells out that the elements lie inside it, which is what silence means too.
  package var declaresDefaultLocation = false

  package init(name: String? = nil, _ tensor: Tensor, encoding: TensorEncoding = .raw) {
    self.name = name
    self.tensor = tensor
    self.encoding = tensor.strings == nil ? encoding : .typed
  }
}
