package import GraphIR

extension Graph {
  /// Whether a value, if it is `[N, classes]`, has a score per class, by what computes it: a softmax, a
  /// logistic or a product with a matrix, behind nothing but views, casts and a bias. Embeddings end
  /// in a normalisation, a mean or a hyperbolic tangent.
  package func isClassScores(_ value: ValueID) -> Bool {
    var value = value
    while let id = producer(of: value) {
      let node = self[id]
      if node.isMatrixProduct || node.isConvolution || node.isProbability { return true }
      guard node.isTransparent || node.isView || node.operatorType == "Add" else { return false }
      // Of a sum, the part that is no constant.
      let inputs = node.inputs.compactMap(\.self).filter { constant($0) == nil }
      guard inputs.count == 1 || node.isView, let next = inputs.first else { return false }
      value = next
    }
    return false
  }
}

extension Node {
  fileprivate var isProbability: Bool {
    ["Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid"].contains(operatorType)
  }

  fileprivate var isView: Bool {
    ["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"].contains(operatorType)
  }
}
