package import GraphIR
import Tensors

/// y = exp(x) / Σ exp(x), its logarithm, or its limit that only the maximum has, along an axis.
///
/// Attributes: axis. Before version 13 (default 1) all axes from it on are taken together; since then
/// (default −1) it alone.
/// Types: float16, bfloat16, float, double.
/// Precision: computed in float, of double in double.
/// Source: ONNX Softmax-1, 11, 13, LogSoftmax-1, 11, 13 and Hardmax-1, 11, 13.
package struct SoftmaxOperator<Function: SoftmaxFunction>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(Function.name, inputs: 1...1)
  }

  private let axis: Int
  private let takesTrailingAxes: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    takesTrailingAxes = opset < 13
    axis = try node.integer("axis", default: opset < 13 ? 1 : -1)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(Function.name, supports: type.elementType, type.elementType.isFloatingPoint)
    _ = try extents(type.shape)
    return .types([type])
  }

  package var overwritableInputs: [Int] { [0] }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? extents(outputs[0].shape), extents.inner > 1 else { return 0 }
    return extents.count * extents.inner * outputs[0].elementType.rowByteCount
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let extents = try extents(outputs[0].shape)
    guard outputs[0].count > 0 else { return }
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      apply(extents, inputs[0]!, outputs[0], scratch, outputs[0].elementType.row)
    }
  }

  private func apply<Element: RowElement>(
    _ extents: (outer: Int, count: Int, inner: Int), _ input: TensorView,
    _ output: MutableTensorView, _ scratch: UnsafeMutableRawBufferPointer, _ type: Element.Type
  ) {
    let (outer, count, inner) = extents
    let x: UnsafePointer<Element> = input.pointer()
    let y: UnsafeMutablePointer<Element> = output.start()
    guard inner > 1 else { return Function.apply(x, into: y, rows: outer, count: count) }
    let rows = scratch.baseAddress!.assumingMemoryBound(to: Element.self)
    for block in 0..<outer {
      let offset = block * count * inner
      for k in 0..<count {
        for i in 0..<inner { rows[i * count + k] = x[offset + k * inner + i] }
      }
      Function.apply(rows, into: rows, rows: inner, count: count)
      for k in 0..<count {
        for i in 0..<inner { y[offset + k * inner + i] = rows[i * count + k] }
      }
    }
  }

  private func extents(
    _ shape: [Int]
  ) throws(OperatorError) -> (outer: Int, count: Int, inner: Int) {
    guard !shape.isEmpty else { return (1, 1, 1) }
    // Version 1 lets the axis lie behind the last one.
    let axis =
      takesTrailingAxes && axis == shape.count
      ? axis : try normalizedAxis(axis, rank: shape.count)
    let outer = shape[..<axis].reduce(1, *)
    if takesTrailingAxes { return (outer, shape[axis...].reduce(1, *), 1) }
    return (outer, shape[axis], shape[(axis + 1)...].reduce(1, *))
  }
}

/// What tells the operators of the family apart.
package protocol SoftmaxFunction: Sendable {
  static var name: String { get }
  /// Rows of `count` elements, contiguous; x and y may be the same.
  static func apply<Element: RowElement>(
    _ x: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>, rows: Int, count: Int)
}

/// exp(x) / Σ exp(x).
package enum SoftmaxKind: SoftmaxFunction {
  package static let name = "Softmax"
  package static func apply<Element: RowElement>(
    _ x: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>, rows: Int, count: Int
  ) { Element.softmax(x, into: y, rows: rows, count: count, scale: 1) }
}

/// x − log Σ exp(x).
package enum LogSoftmaxKind: SoftmaxFunction {
  package static let name = "LogSoftmax"
  package static func apply<Element: RowElement>(
    _ x: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>, rows: Int, count: Int
  ) { Element.logSoftmax(x, into: y, rows: rows, count: count) }
}

/// One at the first maximum, which a NaN is, and zero elsewhere.
package enum HardmaxKind: SoftmaxFunction {
  package static let name = "Hardmax"
  package static func apply<Element: RowElement>(
    _ x: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>, rows: Int, count: Int
  ) {
    for row in 0..<rows {
      let start = row * count
      var best = start
      for index in start..<start + count {
        if x[best].isNaN { break }
        if x[index].isNaN || x[index] > x[best] { best = index }
      }
      (y + start).update(repeating: 0, count: count)
      y[best] = 1
    }
  }
}
