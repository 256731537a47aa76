package import GraphIR
package import Tensors

/// Finds the bytes of tensors that lie outside a message.
package protocol ExternalTensorSource {
  /// The bytes that the `entries` of a tensor's `external_data` lead to, of which there must be
  /// `byteCount`.
  ///
  /// - Throws: `FormatError` if the entries are malformed, or lead where they may not.
  func region(_ entries: [MetadataEntry], byteCount: Int) throws(FormatError) -> ByteRegion

  /// Sees each tensor whose bytes it found, as the message has it; may change how the model keeps
  /// the tensor from then on.
  ///
  /// - Throws: `FormatError` if the tensor is not what the source holds.
  func settle(_ stored: inout StoredTensor) throws(FormatError)
}

extension ExternalTensorSource {
  package func settle(_ stored: inout StoredTensor) throws(FormatError) {}
}

/// Decides where a written message keeps the elements of each tensor.
package protocol TensorPlacement: AnyObject {
  /// Where the elements of `stored` go, which the message calls `name`.
  ///
  /// It is asked once for each tensor but those of strings, which lie in `string_data` always, in
  /// the order of the message. What was inside the message may go outside, and back.
  func encoding(of stored: StoredTensor, name: String?) -> TensorEncoding
}

/// Refuses all external data: for messages that come from no folder.
package struct NoExternalTensors: ExternalTensorSource {
  package init() {}

  package func region(
    _ entries: [MetadataEntry], byteCount: Int
  ) throws(FormatError) -> ByteRegion {
    throw FormatError(.externalLocation, "expected all data in the message, got external data")
  }
}
