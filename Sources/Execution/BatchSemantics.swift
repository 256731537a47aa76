import GraphIR
import Operators
import Tensors

/// What the first axis of a graph's inputs means for running it in pieces.
package enum BatchSemantics: Sendable, Hashable {
  /// Samples that do not look at one another: any number may run together.
  case perSample
  /// Samples that the graph takes in groups of one size.
  case fixed(Int)
  /// The graph runs on all of its inputs at once.
  case whole

  /// What the declarations of the inputs allow, at best.
  init(declared types: [TensorType?]) {
    var size: Int?
    var parameter: String?
    for type in types {
      // What is not known may be what the others are.
      guard let shape = type?.shape else { continue }
      switch shape.first {
      case nil:
        self = .whole
        return
      case .size(let other)?:
        guard size == nil || size == other else {
          self = .whole
          return
        }
        size = other
      case .parameter(let other)?:
        guard parameter == nil || parameter == other else {
          self = .whole
          return
        }
        parameter = other
      case .unknown?: break
      }
    }
    // Groups are filled up with copies; beyond what a batch can be, the inputs must fit as they are.
    self =
      if types.isEmpty {
        .whole
      } else if let size {
        (1...1 << 20).contains(size) ? .fixed(size) : .whole
      } else {
        .perSample
      }
  }
}

extension Tensor {
  /// Whether elements agree to within what sums of another order may change, relative to the largest;
  /// exactly, for types that are not real.
  func agrees(with other: Tensor) -> Bool {
    guard elementType == other.elementType, shape == other.shape else { return false }
    guard let a = numbers, let b = other.numbers else { return isIdentical(to: other) }
    let scale = b.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    let tolerance = elementType.orderTolerance * scale
    return zip(a, b).allSatisfy { x, y in
      x == y || (x.isNaN && y.isNaN) || abs(x - y) <= tolerance
    }
  }
}

extension ElementType {
  /// Some roundings of the type, one after another.
  fileprivate var orderTolerance: Double {
    switch self {
    case .bfloat16: 0x1p-4
    case .float16: 0x1p-7
    default: 1e-4
    }
  }
}
