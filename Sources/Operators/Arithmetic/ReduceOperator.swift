import Glibc
package import GraphIR
import Kernels
import Tensors

/// What a `ReduceOperator` makes of the elements it takes together.
package protocol ReduceDefinition: Sendable {
  static var name: String { get }
  static var reduction: ElementReduction { get }
}

/// The reductions of the specification.
package enum ElementReduction: Sendable {
  case sum, mean, sumOfSquares, l1, l2, product, maximum, minimum, logSum, logSumExp

  /// The kernel for `float`, where there is one.
  var kernel: Reduction? {
    switch self {
    case .sum: .sum
    case .mean: .mean
    case .sumOfSquares: .sumOfSquares
    case .l1: .l1
    case .l2: .l2
    case .product: .product
    case .maximum: .maximum
    case .minimum: .minimum
    case .logSum: .logSum
    case .logSumExp: nil
    }
  }

  /// The reduction of `count` elements, `stride` apart.
  func apply<Element: NumericElement>(
    _ x: UnsafePointer<Element>, count: Int, stride: Int
  ) -> Element {
    func fold(_ start: Element, _ step: (Element, Element) -> Element) -> Element {
      var result = start
      for index in 0..<count { result = step(result, x[index * stride]) }
      return result
    }
    func total(_ term: (Double) -> Double) -> Double {
      var result = 0.0
      for index in 0..<count { result += term(x[index * stride].double) }
      return result
    }
    switch self {
    case .sum: return fold(Element.zero, Element.sum)
    case .mean:
      return Element.quotient(
        fold(Element.zero, Element.sum), Element(wrapping: Int128(count)))
    case .sumOfSquares:
      return fold(Element.zero) { Element.sum($0, Element.product($1, $1)) }
    case .l1: return fold(Element.zero) { Element.sum($0, Element.magnitude($1)) }
    case .l2: return Element(nearest: total { $0 * $0 }.squareRoot())
    case .product: return fold(Element.one, Element.product)
    case .maximum: return fold(Element.lowest, Element.maximum)
    case .minimum: return fold(Element.highest, Element.minimum)
    case .logSum: return Element(nearest: log(total { $0 }))
    case .logSumExp:
      let largest = fold(Element.lowest, Element.maximum).double
      guard largest.isFinite else { return Element(nearest: largest) }
      return Element(nearest: largest + log(total { exp($0 - largest) }))
    }
  }
}

/// Y = the sum, mean, norm, … of the elements of X along axes.
///
/// Attributes: `keepdims` (1): whether reduced axes stay, with extent 1. `axes`: an attribute before
/// version 18 (13 for `ReduceSum`), an input since; all axes where absent or empty, unless
/// `noop_with_empty_axes` (0) says none: then Y is X with only the function of one element applied.
/// Shapes: X [any]; axes [n], negative ones counting from the end.
/// Precision: `float` as the kernel states; logarithms, norms and `double` in double precision; sums,
/// products and magnitudes of integers wrap around, their means and logarithms truncate. An empty sum
/// is 0, an empty product 1, an empty maximum the least number of the type.
package struct ReduceOperator<Definition: ReduceDefinition>: Operator {
  let axes: AxesArgument
  let keepsAxes: Bool
  let keepsAllWithoutAxes: Bool

  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, inputs: 1...2)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axes = try AxesArgument(node, isInput: opset >= (Definition.name == "ReduceSum" ? 13 : 18))
    keepsAxes = try node.flag("keepdims", default: true)
    keepsAllWithoutAxes = try node.flag("noop_with_empty_axes", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    let ordered = Definition.reduction == .maximum || Definition.reduction == .minimum
    try expect(
      Definition.name, supports: type.elementType,
      type.elementType.isNumeric || (ordered && type.elementType == .bool))
    guard let reduced = try reducedAxes(type.shape.count, inputs) else {
      return .dependsOnContents
    }
    return .types([
      try ArrayType(
        type.elementType,
        type.shape.indices.compactMap { axis in
          reduced.contains(axis) ? (keepsAxes ? 1 : nil) : type.shape[axis]
        }
      ).checked()
    ])
  }

  private func reducedAxes(
    _ rank: Int, _ inputs: [Operand?]
  ) throws(OperatorError) -> Set<Int>? {
    let all = keepsAllWithoutAxes ? [] : Set(0..<rank)
    switch try axes.resolve(inputs) {
    case .unknown: return nil
    case .absent: return all
    case .axes(let axes):
      return axes.isEmpty ? all : Set(try normalizedAxes(axes, rank: rank))
    }
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let operands = inputs.map { $0.map { Operand($0.type, value: $0.smallContents) } }
    let reduced = try reducedAxes(inputs[0]!.shape.count, operands) ?? []
    try computingInFloat([inputs[0]], outputs) { (inputs, outputs) throws(OperatorError) in
      let x = inputs[0]!
      // Reduced axes side by side are one axis; others are moved behind the kept ones first.
      let places = x.shape.indices.filter { reduced.contains($0) && x.shape[$0] != 1 }
      let last = places.last ?? -1
      let first = places.first ?? 0
      let isRun = (first..<max(first, last)).allSatisfy {
        reduced.contains($0) || x.shape[$0] == 1
      }
      if isRun {
        reduce(
          x, outer: x.shape[..<first].reduce(1, *), inner: x.shape[(last + 1)...].reduce(1, *),
          into: outputs[0])
      } else {
        let order = x.shape.indices.filter { !reduced.contains($0) } + places
        let moved = UnsafeMutableRawPointer.allocate(
          byteCount: max(x.type.byteCount, 1), alignment: 64)
        defer { moved.deallocate() }
        let view = TensorView(x.elementType, x.layout.transposed(order), in: x.buffer)
        let packed = MutableTensorView(x.elementType, view.shape, in: moved)
        view.copy(into: packed)
        reduce(packed.view, outer: outputs[0].count, inner: 1, into: outputs[0])
      }
    }
  }

  /// Reduces the middle of the three axes that a packed `x` has.
  private func reduce(
    _ x: TensorView, outer: Int, inner: Int, into y: MutableTensorView
  ) {
    guard y.count > 0 else { return }
    let axis = x.count / (outer * inner)
    if x.elementType == .float, let kernel = Definition.reduction.kernel {
      kernel.apply(x.start(), into: y.start(), outer: outer, axis: axis, inner: inner)
    } else {
      reduce(x.elementType.numeric, x, outer, axis, inner, y)
    }
  }

  private func reduce<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, _ outer: Int, _ axis: Int, _ inner: Int,
    _ y: MutableTensorView
  ) {
    let (source, target) = (x.start(as: Element.self), y.start(as: Element.self))
    // The greatest truth value is 1, not the byte's 255.
    defer {
      if y.elementType == .bool {
        for i in 0..<y.count { target[i] = Element.minimum(target[i], Element.one) }
      }
    }
    for o in 0..<outer {
      for i in 0..<inner {
        target[o * inner + i] = Definition.reduction.apply(
          source + o * axis * inner + i, count: axis, stride: inner)
      }
    }
  }
}

/// The arithmetic mean.
package enum ReduceMean: ReduceDefinition {
  package static let name = "ReduceMean"
  package static let reduction = ElementReduction.mean
}

/// The sum.
package enum ReduceSum: ReduceDefinition {
  package static let name = "ReduceSum"
  package static let reduction = ElementReduction.sum
}

/// The greatest element; NaN where any is.
package enum ReduceMax: ReduceDefinition {
  package static let name = "ReduceMax"
  package static let reduction = ElementReduction.maximum
}

/// The least element; NaN where any is.
package enum ReduceMin: ReduceDefinition {
  package static let name = "ReduceMin"
  package static let reduction = ElementReduction.minimum
}

/// The product.
package enum ReduceProd: ReduceDefinition {
  package static let name = "ReduceProd"
  package static let reduction = ElementReduction.product
}

/// The sum of magnitudes.
package enum ReduceL1: ReduceDefinition {
  package static let name = "ReduceL1"
  package static let reduction = ElementReduction.l1
}

/// The square root of the sum of squares.
package enum ReduceL2: ReduceDefinition {
  package static let name = "ReduceL2"
  package static let reduction = ElementReduction.l2
}

/// The logarithm of the sum.
package enum ReduceLogSum: ReduceDefinition {
  package static let name = "ReduceLogSum"
  package static let reduction = ElementReduction.logSum
}

/// The logarithm of the sum of exponentials.
package enum ReduceLogSumExp: ReduceDefinition {
  package static let name = "ReduceLogSumExp"
  package static let reduction = ElementReduction.logSumExp
}

/// The sum of squares.
package enum ReduceSumSquare: ReduceDefinition {
  package static let name = "ReduceSumSquare"
  package static let reduction = ElementReduction.sumOfSquares
}
