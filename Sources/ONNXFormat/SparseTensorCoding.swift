import COnnx
import GraphIR
import Tensors

extension TensorReader {
  /// The sparse tensor of a message.
  ///
  /// - Throws: `FormatError`, with `.sparseTensor` if values, indices and dimensions do not agree,
  ///   or the indices do not ascend.
  func sparseTensor(_ proto: Onnx__SparseTensorProto) throws(FormatError) -> SparseTensor {
    guard let values = proto.values else {
      throw FormatError(.missingPart, "a sparse tensor without values")
    }
    var indices: StoredTensor?
    let stored = try at("values") { () throws(FormatError) in try tensor(values.pointee) }
    if let part = proto.indices {
      indices = try at("indices") { () throws(FormatError) in try tensor(part.pointee) }
    }
    let shape = try dimensions(proto.dims, proto.n_dims)
    var result = SparseTensor(values: stored, indices: indices, shape: shape)
    result.preserved = preserved(proto.base)
    try result.check()
    return result
  }
}

extension SparseTensor {
  /// Verifies what the specification asks of values, indices and dimensions.
  fileprivate func check() throws(FormatError) {
    let count: Int
    do { count = try Tensor.elementCount(of: shape) } catch { throw FormatError(error) }
    let stored = values.tensor.shape
    guard stored.count == 1 else {
      throw FormatError(.sparseTensor, "expected values of shape [n], got \(stored)")
    }
    guard let indices = indices?.tensor else {
      if stored == [0] { return }
      throw FormatError(.missingPart, "a sparse tensor without indices")
    }
    guard indices.elementType == .int64 else {
      throw FormatError(.sparseTensor, "expected indices of type int64, got \(indices.elementType)")
    }
    switch indices.shape {
    case stored: try check(indices.region, [count])
    case [stored[0], shape.count]: try check(indices.region, shape)
    default:
      throw FormatError(
        .sparseTensor,
        "expected indices of shape \(stored) or \([stored[0], shape.count]), got \(indices.shape)")
    }
  }

  /// Verifies that indices, one for each of `extents` in turn, lie within them and ascend.
  private func check(_ indices: ByteRegion, _ extents: [Int]) throws(FormatError) {
    let bytes = indices.bytes
    var previous = -1
    for entry in 0..<values.tensor.count {
      // Below the product of the extents, which does not overflow.
      var position = 0
      for (axis, extent) in extents.enumerated() {
        let offset = (entry * extents.count + axis) * 8
        let index = bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self)
        guard index >= 0, index < extent else {
          throw FormatError(
            .sparseTensor, "expected index \(entry) to lie within \(shape), got \(index)")
        }
        position = position * extent + Int(index)
      }
      guard position > previous else {
        throw FormatError(.sparseTensor, "expected ascending indices, got others at \(entry)")
      }
      previous = position
    }
  }
}

// MARK: Writing

extension MessageArena {
  /// The message of a sparse tensor whose values are called `name`.
  func sparseTensor(
    _ sparse: SparseTensor, name: String?, _ placement: any TensorPlacement
  ) -> UnsafeMutablePointer<Onnx__SparseTensorProto>? {
    message(onnx__sparse_tensor_proto__init) { (result: inout Onnx__SparseTensorProto) in
      result.values = tensor(sparse.values, name: name, placement)
      result.indices = sparse.indices.map { tensor($0, name: $0.name, placement) }
      result.n_dims = sparse.shape.count
      result.dims = array(sparse.shape.map(Int64.init))
      restore(sparse.preserved, in: &result.base)
    }
  }
}
