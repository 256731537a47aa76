package import GraphIR
import Tensors

/// Y = alpha op(A) op(B) for matrices along the last two axes; all others broadcast.
///
/// Shapes: op(A) [..., m, k], op(B) [..., k, n], Y [..., m, n], vectors as in MatMul.
/// Attributes: alpha (1); transA and transB (0) exchange the last two axes; transBatchA and transBatchB
/// (0) move the first axis behind all others but the last, before that.
/// Types: float16, bfloat16, float, double.
/// Precision: as Gemm states; of 16 bits in float and rounded once.
/// Source: onnxruntime's FusedMatMul-1.
package struct FusedMatMul: Operator {
  package static let signature = OperatorSignature(
    "FusedMatMul", domain: MicrosoftDomain.name, inputs: 2...2)

  private let alpha: Float
  private let transposes: [Bool]
  private let transposesBatch: [Bool]

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alpha = try node.number("alpha", default: 1)
    transposes = [
      try node.flag("transA", default: false), try node.flag("transB", default: false),
    ]
    transposesBatch = [
      try node.flag("transBatchA", default: false), try node.flag("transBatchB", default: false),
    ]
  }

  private func operand(_ shape: [Int], _ index: Int) -> Layout {
    var order = Array(shape.indices)
    guard order.count > 1 else { return Layout(contiguous: shape) }
    if transposesBatch[index] {
      order.removeFirst()
      order.insert(0, at: order.count - 1)
    }
    if transposes[index] { order.swapAt(order.count - 2, order.count - 1) }
    return Layout(contiguous: shape).transposed(order)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (a, b) = (inputs[0]!.type, inputs[1]!.type)
    try expectSameType(a, b)
    try expect("FusedMatMul", supports: a.elementType, a.elementType.isFloatingPoint)
    let product = try MatrixProduct(operand(a.shape, 0).shape, operand(b.shape, 1).shape)
    return .types([try ArrayType(a.elementType, product.resultShape).checked()])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, operand(inputs[0]!.shape, 0).shape.last ?? 1])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let views = [0, 1].map { index in
        let view = inputs[index]!
        var layout = operand(view.shape, index)
        layout.offset = view.layout.offset
        return TensorView(view.elementType, layout, in: view.buffer)
      }
      let product = try MatrixProduct(views[0].shape, views[1].shape)
      if outputs[0].elementType == .double {
        product.multiply(
          views[0], views[1], alpha: Double(alpha), into: outputs[0].elements(of: Double.self))
      } else {
        product.multiply(
          views[0], views[1], alpha: alpha, into: outputs[0].elements(of: Float.self))
      }
    }
  }
}
