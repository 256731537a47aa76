package import GraphIR
import Kernels
import Tensors

/// Y = activation(X W + bias + residual).
///
/// Shapes: X [..., K], W [K, N] or, with transB, [N, K], bias [N]; the residual broadcasts with [..., N]
/// as in Add, which gives Y's shape.
/// Attributes: transB (0), activation ("none"; "relu", "gelu", "gelu-tanh", "silu").
/// Types: float. Bias and residual may be absent.
package struct FusedGemm: Operator {
  package static let signature = OperatorSignature(
    "FusedGemm", domain: loweredDomain, inputs: 2...4)

  /// Rows that are multiplied before the epilogue runs over them: fewer make BLAS pack W too often.
  private static let largestBlock = 512

  private let transposesW: Bool
  private let activation: FusedActivation

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    transposesW = try node.flag("transB", default: false)
    activation = try FusedActivation(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, w) = (inputs[0]!.type, inputs[1]!.type)
    for input in inputs.compactMap(\.self) {
      try expect("FusedGemm", supports: input.type.elementType, input.type.elementType == .float)
    }
    guard w.shape.count == 2, let k = x.shape.last, k == w.shape[transposesW ? 1 : 0] else {
      throw OperatorError(
        .shapeMismatch, "inner dimensions differ, got \(x.shape) and \(w.shape)")
    }
    let n = w.shape[transposesW ? 0 : 1]
    if let bias = inputs.input(2)?.type.shape, bias != [n] {
      throw OperatorError(.shapeMismatch, "expected a bias of shape [\(n)], got \(bias)")
    }
    let product = x.shape.dropLast() + [n]
    let residual = inputs.input(3)?.type.shape
    return .types([ArrayType(.float, try broadcastShape(Array(product), residual ?? []))])
  }

  /// Room for the product, where a residual repeats it.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let count = productShape(inputs[0]!, inputs[1]!).reduce(1, *)
    return count == outputs[0].count ? 0 : count * MemoryLayout<Float>.stride
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool {
    switch input {
    case 0: rows(of: layout)?.matrix != nil
    case 1: layout.matrix != nil
    default: false
    }
  }

  package var overwritableInputs: [Int] { [3] }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct(productShape(inputs[0]!, inputs[1]!) + [inputs[0]!.shape.last ?? 0])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, w, y) = (inputs[0]!, inputs[1]!, outputs[0])
    guard y.count > 0, let base = y.elements(of: Float.self).baseAddress else { return }
    let residual = inputs.input(3)
    let shape = productShape(x.type, w.type)
    let isRepeated = shape.reduce(1, *) != y.count
    var epilogue = Epilogue(columnBias: inputs.input(2)?.pointer(of: Float.self))
    if let residual, isRepeated || residual.count != y.count {
      let target =
        isRepeated ? scratch.baseAddress!.assumingMemoryBound(to: Float.self) : base
      multiply(x, w, into: target, epilogue, accumulates: false)
      addBroadcast(target, shape: shape, residual, into: y, activation: activation.function)
      return
    }
    epilogue.activation = activation.function
    // A residual that lies where Y does is there for the product to be added to.
    let accumulates = residual.map { $0.bytePointer == UnsafeRawPointer(y.buffer) } ?? false
    if let residual, !accumulates {
      epilogue.residual = residual.pointer(of: Float.self)
      epilogue.residualStride = shape[shape.count - 1]
    }
    multiply(x, w, into: base, epilogue, accumulates: accumulates)
  }

  private func multiply(
    _ x: TensorView, _ w: TensorView, into y: UnsafeMutablePointer<Float>, _ epilogue: Epilogue,
    accumulates: Bool
  ) {
    guard let layout = rows(of: x.layout), let a = layout.matrix, let b = w.layout.matrix else {
      preconditionFailure("operands are not matrices BLAS can read")
    }
    let (m, k, n) = (layout.shape[0], layout.shape[1], w.shape[transposesW ? 0 : 1])
    let left = MatrixView(
      x.buffer.assumingMemoryBound(to: Float.self) + layout.offset,
      leadingDimension: a.leadingDimension, isTransposed: a.isTransposed)
    let right = MatrixView(
      w.pointer(of: Float.self), leadingDimension: b.leadingDimension,
      isTransposed: b.isTransposed != transposesW)
    let blocks = (m + Self.largestBlock - 1) / Self.largestBlock
    for block in 0..<blocks {
      let (first, end) = (m * block / blocks, m * (block + 1) / blocks)
      Gemm.sgemm(
        m: end - first, n: n, k: k,
        a: left.advanced(by: first * (a.isTransposed ? 1 : a.leadingDimension)), b: right,
        beta: accumulates ? 1 : 0, c: y + first * n, ldc: n)
      epilogue.apply(to: y + first * n, stride: n, rows: end - first, columns: n, firstRow: first)
    }
  }

  private func productShape(_ x: ArrayType, _ w: ArrayType) -> [Int] {
    x.shape.dropLast() + [w.shape[transposesW ? 0 : 1]]
  }

  /// All leading axes taken together as rows, or `nil` where that needs a copy.
  private func rows(of layout: Layout) -> Layout? {
    guard let k = layout.shape.last else { return nil }
    return layout.reshaped([layout.shape.dropLast().reduce(1, *), k])
  }
}
