package import Tensors

extension Graph {
  /// Exchanges the stored contents of a value, an initializer or the result of a `Constant` node, for
  /// others of the same type and shape. What the file says around them stays; elements that lay in
  /// another file lie in the model then.
  ///
  /// `constant(value)` must have contents.
  package mutating func setConstant(_ value: ValueID, to tensor: Tensor) {
    precondition(
      constant(value).map { $0.elementType == tensor.elementType && $0.shape == tensor.shape }
        ?? false, "expected contents of the same type and shape")
    if storedTensors[value] != nil {
      storedTensors[value]!.exchange(tensor)
    } else if let id = producer(of: value),
      let index = nodeTable[id.index]!.attributes.firstIndex(where: { $0.name == "value" }),
      case .tensor(var stored) = nodeTable[id.index]!.attributes[index].value
    {
      stored.exchange(tensor)
      nodeTable[id.index]!.attributes[index].value = .tensor(stored)
    }
  }
}

extension StoredTensor {
  fileprivate mutating func exchange(_ tensor: Tensor) {
    self.tensor = tensor
    if case .external = encoding { encoding = .raw }
  }
}
