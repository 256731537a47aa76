import Tensors

/// A tensor of which only the values that are not zero are stored: `SparseTensorProto`.
package struct SparseTensor: Sendable {
  /// The stored values, [n]; their name is that of the whole.
  package var values: StoredTensor
  /// Where they lie, ascending: [n] positions in row-major order, or [n, rank] indices per axis.
  /// A file may leave them out where there are no values.
  package var indices: StoredTensor?
  /// The shape of the whole.
  package var shape: [Int]
  package var preserved: [PreservedField] = []

  package init(values: StoredTensor, indices: StoredTensor?, shape: [Int]) {
    self.values = values
    self.indices = indices
    self.shape = shape
  }

  /// The dense tensor's type.
  package var type: TensorType {
    TensorType(values.tensor.elementType, shape.map { .size($0) })
  }

  /// The tensors it is stored as.
  package var parts: [StoredTensor] { [values] + (indices.map { [$0] } ?? []) }
}
