package import Tensors

/// What a value of a graph is while it runs: a tensor, or one of the kinds that `ValueType` has beside it.
package indirect enum RuntimeValue: Sendable {
  case tensor(Tensor)
  case sequence([RuntimeValue])
  /// An optional value; `nil` where it is empty.
  case optional(RuntimeValue?)

  /// How messages name what kind of value this is.
  package var kind: String {
    switch self {
    case .tensor(let tensor): "\(tensor.elementType)\(tensor.shape)"
    case .sequence(let elements): "a sequence of \(elements.count)"
    case .optional(nil): "an empty optional"
    case .optional: "an optional"
    }
  }

  /// Bytes of all tensors in it.
  package var byteCount: Int {
    switch self {
    case .tensor(let tensor): tensor.byteCount
    case .sequence(let elements): elements.reduce(0) { saturatingSum($0, $1.byteCount) }
    case .optional(let value): value?.byteCount ?? 0
    }
  }
}
