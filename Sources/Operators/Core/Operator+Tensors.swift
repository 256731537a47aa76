package import Tensors

extension Operator {
  /// Evaluates on whole tensors, allocating the results: for constant folding, and for nodes whose
  /// shapes only running tells.
  ///
  /// - Parameter maximumBytes: what results and scratch may take; nothing is allocated where they would
  ///   take more.
  package func evaluate(
    tensors inputs: [Tensor?], maximumBytes: Int = .max
  ) throws(OperatorError) -> [Tensor] {
    if let operation = self as? any DataDependentOperator {
      let bytes = operation.largestByteCount(inputs.map { $0.map { ArrayType($0) } })
      guard bytes <= maximumBytes else {
        throw .tooLarge("the result", bytes: bytes, allowed: maximumBytes)
      }
      return try operation.evaluate(inputs)
    }
    guard case .types(let types) = try infer(inputs.map { $0.map { Operand($0) } }) else {
      throw OperatorError(.unsupported, "\(Self.signature.name) has no shape before evaluation")
    }
    let scratchCount = scratchByteCount(inputs.map { $0.map { ArrayType($0) } }, types)
    let moved =
      self is any MovementOperator ? types + inputs.compactMap { $0.map { ArrayType($0) } } : []
    var rest = maximumBytes
    for (type, count) in try types.map({ (type) throws(OperatorError) in
      (type.description, try type.checked().byteCount)
    }) + [("scratch", saturatingSum(scratchCount, unpackedByteCount(moved)))] {
      guard count <= rest else { throw .tooLarge(type, bytes: count, allowed: rest) }
      rest -= count
    }
    var storages: [ByteStorage] = []
    var views: [MutableTensorView] = []
    for type in types {
      let storage = ByteStorage.allocate(byteCount: type.byteCount) { _ in }
      storages.append(storage)
      views.append(
        MutableTensorView(
          type.elementType, type.shape,
          in: UnsafeMutableRawPointer(mutating: storage.bytes.baseAddress!)))
    }
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: scratchCount, alignment: 64)
    defer { scratch.deallocate() }
    let operands = inputs.map { $0.map { TensorView($0) } }
    if self is any MovementOperator {
      try unpackingElements(operands, views) { (operands, views) throws(OperatorError) in
        try evaluate(operands, views, scratch: scratch)
      }
    } else {
      try evaluate(operands, views, scratch: scratch)
    }
    var results: [Tensor] = []
    for (type, storage) in zip(types, storages) {
      do throws(TensorError) {
        results.append(
          try Tensor(type.elementType, shape: type.shape, region: ByteRegion(storage)))
      } catch { throw OperatorError(.unsupported, error.message) }
    }
    withExtendedLifetime(inputs) {}
    return results
  }
}
