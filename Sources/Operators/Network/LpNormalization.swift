package import GraphIR
import Tensors

/// y = x / (Σ |x|^p)^(1/p), summed over one axis; zero where the sum is.
///
/// Shapes: x and y [any].
/// Attributes: axis (−1), p (2; 1).
/// Types: float, double; float16 and bfloat16, computed in float.
/// Precision: sums in double.
/// Source: ONNX LpNormalization-1, 22.
package struct LpNormalization: Operator {
  package static let signature = OperatorSignature("LpNormalization", inputs: 1...1)

  private let axis: Int
  private let p: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: -1)
    p = try node.integer("p", default: 2)
    guard p == 1 || p == 2 else {
      throw OperatorError(.invalidAttribute, "attribute 'p': expected 1 or 2, got \(p)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("LpNormalization", supports: type.elementType, type.elementType.isFloatingPoint)
    _ = try normalizedAxis(axis, rank: type.shape.count)
    return .types([type])
  }

  package var overwritableInputs: [Int] { [0] }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let axis = try normalizedAxis(axis, rank: outputs[0].shape.count)
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      if outputs[0].elementType == .double {
        normalize(Double.self, inputs[0]!, outputs[0], axis)
      } else {
        normalize(Float.self, inputs[0]!, outputs[0], axis)
      }
    }
  }

  @inline(__always)
  private func normalize<Element: NumericElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView, _ axis: Int
  ) {
    let (source, target) = (x.pointer(of: type), y.start(as: type))
    let (length, inner) = (y.shape[axis], y.shape[(axis + 1)...].reduce(1, *))
    for outer in 0..<y.count / (length * inner) {
      for i in 0..<inner {
        let first = outer * length * inner + i
        var sum = 0.0
        for j in 0..<length {
          let value = Double(source[first + j * inner])
          sum += p == 1 ? abs(value) : value * value
        }
        let norm = p == 1 ? sum : sum.squareRoot()
        for j in 0..<length {
          let index = first + j * inner
          target[index] = norm == 0 ? 0 : Element(Double(source[index]) / norm)
        }
      }
    }
  }
}
