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
    var first: Dimension?
    for type in types {
      guard let shape = type?.shape else {
        if first == nil { first = .unknown }
        continue
      }
      guard let dimension = shape.first else {
        self = .whole
        return
      }
      switch (first, dimension) {
      case (nil, _), (.unknown, .parameter): first = dimension
      case (.parameter(let a)?, .parameter(let b)) where a != b:
        self = .whole
        return
      case (.size(let a)?, let b) where b != .size(a):
        self = .whole
        return
      case (_?, .size(let size)) where first != .size(size):
        self = .whole
        return
      default: break
      }
    }
    switch first {
    case nil: self = .whole
    // Groups are filled up with copies; beyond what a batch can be, the inputs must fit as they are.
    case .size(let size)?: self = (1...1 << 20).contains(size) ? .fixed(size) : .whole
    default: self = .perSample
    }
  }
}

extension Tensor {
  /// Whether elements agree to a relative 1e-4 of the largest; exactly, for other types than `float`.
  func agrees(with other: Tensor) -> Bool {
    guard elementType == other.elementType, shape == other.shape else { return false }
    guard elementType == .float else {
      return elementType.isFloatingPoint || isIdentical(to: other)
    }
    let (a, b) = (elements(as: Float.self), other.elements(as: Float.self))
    let scale = b.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    return zip(a, b).allSatisfy { x, y in
      x == y || (x.isNaN && y.isNaN) || abs(x - y) <= 1e-4 * scale
    }
  }
}
