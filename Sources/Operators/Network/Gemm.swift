package import GraphIR
import Kernels
import Tensors

/// Y = alpha op(A) op(B) + beta C.
///
/// Shapes: op(A) [m, k], op(B) [k, n], C unidirectionally broadcast to Y [m, n].
/// Attributes: alpha (1), beta (1), transA (0), transB (0).
/// Types: float16, bfloat16, float, double, int32, int64, uint32, uint64; of integers only with whole
/// alpha and beta. C may be absent since version 11.
/// Precision: as Gemm states; of 16 bits in float and rounded once; of integers modulo 2^bits.
/// Source: ONNX Gemm-7, 9, 11, 13.
package struct GeneralMatrixProduct: Operator {
  package static let signature = OperatorSignature("Gemm", since: 7, inputs: 2...3)

  private let alpha: Float
  private let beta: Float
  private let transposesA: Bool
  private let transposesB: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1)
    beta = try node.number("beta", default: 1)
    transposesA = try node.flag("transA", default: false)
    transposesB = try node.flag("transB", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (a, b) = (inputs[0]!.type, inputs[1]!.type)
    try expectSameType(a, b)
    try expect("Gemm", supports: a.elementType, a.elementType.matrix != nil)
    guard a.elementType.isFloatingPoint || (isWhole(alpha) && isWhole(beta)) else {
      throw OperatorError(
        .unsupported,
        "Gemm of \(a.elementType) by fractions of \(alpha) and \(beta) is not supported")
    }
    guard a.shape.count == 2, b.shape.count == 2 else {
      throw OperatorError(.shapeMismatch, "expected two axes, got \(a.shape) and \(b.shape)")
    }
    let (m, k) = transposesA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
    let (k2, n) = transposesB ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
    guard k == k2 else {
      throw OperatorError(.shapeMismatch, "inner dimensions differ, got \(a.shape) and \(b.shape)")
    }
    if let c = inputs.input(2)?.type {
      try expectSameType(a, c)
      guard Layout(contiguous: c.shape).broadcast(to: [m, n]) != nil else {
        throw OperatorError(.shapeMismatch, "expected C to broadcast to \([m, n]), got \(c.shape)")
      }
    }
    try expectExtentsForBLAS([m, n, k])
    return .types([try ArrayType(a.elementType, [m, n]).checked()])
  }

  private func isWhole(_ value: Float) -> Bool { value == value.rounded() && value.isFinite }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool {
    input < 2 && layout.matrix != nil
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, inputs[0]!.shape[transposesA ? 0 : 1]])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      guard let type = outputs[0].elementType.matrix else { return }
      multiply(
        inputs[0]!, inputs[1]!, inputs.input(2), outputs[0], type)
    }
  }

  private func multiply<Element: MatrixElement>(
    _ a: TensorView, _ b: TensorView, _ c: TensorView?, _ result: MutableTensorView,
    _ type: Element.Type
  ) {
    let y = result.elements(of: type)
    let (m, n) = (result.shape[0], result.shape[1])
    guard let base = y.baseAddress, m > 0, n > 0 else { return }
    let beta = Element(nearest: Double(beta))
    if let c {
      let layout = c.layout.broadcast(to: [m, n])!
      let source = c.pointer(of: type)
      for row in 0..<m {
        for column in 0..<n {
          base[row * n + column] = Element.product(
            source[row * layout.strides[0] + column * layout.strides[1]], beta)
        }
      }
    }
    Element.gemm(
      m: m, n: n, k: a.shape[transposesA ? 0 : 1], alpha: Element(nearest: Double(alpha)),
      a: operand(a, transposesA, type), b: operand(b, transposesB, type), beta: c == nil ? 0 : 1,
      c: base, ldc: n)
  }

  private func operand<Element: MatrixElement>(
    _ view: TensorView, _ transposes: Bool, _ type: Element.Type
  ) -> MatrixView<Element> {
    let matrix = view.layout.matrix!
    return MatrixView(
      view.pointer(of: type), leadingDimension: matrix.leadingDimension,
      isTransposed: matrix.isTransposed != transposes)
  }
}
