import Glibc
package import GraphIR
import Tensors

/// One number per channel, over all spatial axes.
///
/// Shapes: x [N, C, spatial…], y [N, C, 1…].
/// Attributes: p (2), of GlobalLpPool alone.
/// Types: float, double; float16 and bfloat16, computed in float.
/// Precision: sums in double.
/// Source: ONNX GlobalAveragePool-1, 22, GlobalMaxPool-1, 22 and GlobalLpPool-2, 22.
package struct GlobalPool<Function: GlobalPoolFunction>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(Function.name, inputs: 1...1)
  }

  private let function: Function

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    function = try Function(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(Function.name, supports: type.elementType, type.elementType.isFloatingPoint)
    guard type.shape.count >= 2, !type.shape[2...].contains(0) else {
      throw OperatorError(
        .shapeMismatch, "expected spatial axes that are not empty, got \(type.shape)")
    }
    return .types([
      ArrayType(type.elementType, type.shape[..<2] + type.shape[2...].map { _ in 1 })
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      if inputs[0]!.elementType == .double {
        pool(Double.self, inputs[0]!, outputs[0])
      } else {
        pool(Float.self, inputs[0]!, outputs[0])
      }
    }
  }

  @inline(__always)
  private func pool<Element: NumericElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView
  ) {
    let (source, target) = (x.elements(of: type), y.elements(of: type))
    let count = target.isEmpty ? 0 : source.count / target.count
    for plane in target.indices {
      target[plane] = function.apply(
        UnsafeBufferPointer(rebasing: source[plane * count..<(plane + 1) * count]))
    }
  }
}

/// What tells the operators of the family apart.
package protocol GlobalPoolFunction: Sendable {
  static var name: String { get }
  init(_ node: Node) throws(OperatorError)
  func apply<Element: BinaryFloatingPoint>(_ plane: UnsafeBufferPointer<Element>) -> Element
}

/// The mean.
package struct GlobalAverage: GlobalPoolFunction {
  package static let name = "GlobalAveragePool"
  package init(_ node: Node) throws(OperatorError) {}
  package func apply<Element: BinaryFloatingPoint>(
    _ plane: UnsafeBufferPointer<Element>
  ) -> Element {
    Element(plane.reduce(0.0) { $0 + Double($1) } / Double(plane.count))
  }
}

/// The largest element.
package struct GlobalMaximum: GlobalPoolFunction {
  package static let name = "GlobalMaxPool"
  package init(_ node: Node) throws(OperatorError) {}
  package func apply<Element: BinaryFloatingPoint>(
    _ plane: UnsafeBufferPointer<Element>
  ) -> Element {
    plane.reduce(-.infinity) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
  }
}

/// The p-norm.
package struct GlobalNorm: GlobalPoolFunction {
  package static let name = "GlobalLpPool"
  private let p: Int
  package init(_ node: Node) throws(OperatorError) { p = try positiveOrder(node) }
  package func apply<Element: BinaryFloatingPoint>(
    _ plane: UnsafeBufferPointer<Element>
  ) -> Element {
    switch p {
    case 1: return Element(plane.reduce(0.0) { $0 + abs(Double($1)) })
    case 2: return Element(plane.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
    default:
      let sum = plane.reduce(0.0) { $0 + pow(abs(Double($1)), Double(p)) }
      return Element(pow(sum, 1 / Double(p)))
    }
  }
}
