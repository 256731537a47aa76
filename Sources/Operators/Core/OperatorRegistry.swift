package import GraphIR

/// All operators there are, found by domain, name and version.
package struct OperatorRegistry: Sendable {
  private let types: [String: [any Operator.Type]]

  package init(_ types: [any Operator.Type]) {
    self.types = Dictionary(grouping: types) { Self.key($0.signature.domain, $0.signature.name) }
  }

  /// Every operator this program has.
  package static let standard = OperatorRegistry(
    [
      arithmeticOperators, attentionOperators, controlFlowOperators, loweredOperators,
      microsoftOperators, networkOperators, quantizationOperators, recurrentOperators,
      sequenceOperators, signalOperators, tensorOperators, visionOperators,
    ].flatMap(\.self))

  /// What every implementation is of, in no order.
  package var signatures: [OperatorSignature] { types.values.joined().map { $0.signature } }

  /// The implementation for an operator at a version of its domain's operator set.
  package func type(domain: String, name: String, opset: Int) -> (any Operator.Type)? {
    types[Self.key(domain, name)]?.first { $0.signature.versions.contains(opset) }
  }

  /// The operator that `node` applies.
  ///
  /// - Parameter opset: the imported version of the node's domain.
  /// - Throws: `OperatorError.unsupported` where there is none, `.arity` where the node has too few or
  ///   too many inputs or outputs, or what the operator's initialiser finds wrong.
  package func instantiate(_ node: Node, opset: Int) throws(OperatorError) -> any Operator {
    let domain = node.canonicalDomain
    guard let type = type(domain: domain, name: node.operatorType, opset: opset) else {
      throw OperatorError(
        .unsupported, "operator \(node.qualifiedOperator) (opset \(opset)) is not supported")
    }
    let signature = type.signature
    try Self.check(node.inputs.count, in: signature.inputs, "inputs")
    try Self.check(node.outputs.count, in: signature.outputs, "outputs")
    for index in 0..<signature.inputs.lowerBound
    where node.inputs[index] == nil && !signature.optional.contains(index) {
      throw OperatorError(.arity, "input \(index) is missing")
    }
    return try type.init(node, opset: opset)
  }

  private static func check(
    _ count: Int, in range: ClosedRange<Int>, _ noun: String
  ) throws(OperatorError) {
    guard !range.contains(count) else { return }
    let expected =
      range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    throw OperatorError(.arity, "expected \(expected) \(noun), got \(count)")
  }

  private static func key(_ domain: String, _ name: String) -> String { "\(domain)::\(name)" }
}
