package import GraphIR
import Kernels
import Tensors

/// Y = transpose(softmax(scale Q K + mask) V): attention whose scores never leave the cache.
///
/// Shapes: Q [..., T, d], K [..., d, S], V [..., S, e], the mask broadcasts to [..., T, S], scale of one
/// element; Y [..., T, e] with its axes permuted. All leading axes broadcast.
/// Attributes: perm, as Transpose has it, which must leave the last axis last (the axes' own order);
/// divides (0): whether the scores are divided by scale; guards (0): whether rows of NaN, which softmax
/// gives where the mask is -inf throughout, become zeros.
/// Types: float. Mask and scale may be absent.
package struct FusedAttention: Operator {
  package static let signature = OperatorSignature(
    "FusedAttention", domain: loweredDomain, inputs: 3...5)

  private let permutation: [Int]?
  private let divides: Bool
  private let guardsRows: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    permutation = try node.integers("perm")
    divides = try node.flag("divides", default: false)
    guardsRows = try node.flag("guards", default: false)
    guard let permutation else { return }
    guard permutation.sorted() == Array(permutation.indices),
      permutation.last == permutation.count - 1
    else {
      throw OperatorError(
        .invalidAttribute, "perm \(permutation) does not leave the last axis last")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    for input in inputs.compactMap(\.self) {
      let type = input.type.elementType
      try expect("FusedAttention", supports: type, type == .float)
    }
    let extents = try Extents(inputs.map { $0?.type })
    let shape = extents.batch + [extents.t, extents.e]
    guard let permutation else { return .types([ArrayType(.float, shape)]) }
    guard permutation.count == shape.count else {
      throw OperatorError(
        .invalidAttribute, "perm \(permutation) does not fit rank \(shape.count)")
    }
    return .types([ArrayType(.float, permutation.map { shape[$0] })])
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool {
    switch input {
    case 0, 1, 2: layout.matrix != nil
    default: input == 3
    }
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? Extents(inputs) else { return 0 }
    return saturatingProduct([
      AttentionBlock.scoreCount(extents.t, extents.s), MemoryLayout<Float>.stride,
    ])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let extents = try? Extents(inputs) else { return 0 }
    return saturatingProduct(extents.batch + [extents.t, extents.s, extents.d + extents.e])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let extents = try Extents(inputs.map { $0?.type })
    let (t, s, d, e) = (extents.t, extents.s, extents.d, extents.e)
    let y = outputs[0].elements(of: Float.self)
    guard let base = y.baseAddress, !y.isEmpty else { return }
    let q = Matrices(inputs[0]!, extents.batch), k = Matrices(inputs[1]!, extents.batch)
    let v = Matrices(inputs[2]!, extents.batch)
    let mask = inputs.input(3)
    let maskLayout = mask?.layout.broadcast(to: extents.batch + [t, s])
    let maskOffsets = maskLayout?.matrixOffsets
    let target = outputLayout(extents)
    var scale = inputs.input(4)?.pointer(of: Float.self).pointee ?? 1
    if divides { scale = 1 / scale }
    let scores = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
    for (index, offset) in target.matrixOffsets.enumerated() {
      AttentionBlock.evaluate(
        t: t, s: s, d: d, e: e, alpha: 1, q: q.matrix(index), k: k.matrix(index),
        v: v.matrix(index), into: base + offset, ldy: target.strides[target.strides.count - 2],
        scores: scores
      ) { scores, rows in
        if let mask, let layout = maskLayout, let offsets = maskOffsets {
          let strides = Array(layout.strides.suffix(2))
          let start =
            mask.buffer.assumingMemoryBound(to: Float.self) + layout.offset + offsets[index]
            + rows.lowerBound * strides[0]
          softmax(scores, rows.count, s, scale, start, strides)
        } else {
          Softmax.softmax(scores, into: scores, rows: rows.count, count: s, scale: scale)
        }
        if guardsRows { eraseUndefinedRows(scores, rows.count, s) }
      }
    }
  }

  private func softmax(
    _ scores: UnsafeMutablePointer<Float>, _ rows: Int, _ count: Int, _ scale: Float,
    _ mask: UnsafePointer<Float>, _ strides: [Int]
  ) {
    if strides[1] == 1 || count == 1 {
      return Softmax.softmax(
        scores, into: scores, rows: rows, count: count, scale: scale, mask: mask,
        maskStride: strides[0])
    }
    Broadcast.map(
      UnsafePointer(scores), strides: [count, 1], mask, strides: strides, into: scores,
      shape: [rows, count]
    ) { scale * $0 + $1 }
    Softmax.softmax(scores, into: scores, rows: rows, count: count)
  }

  /// Writes zeros over rows of NaN. Softmax makes a row NaN as a whole.
  private func eraseUndefinedRows(
    _ weights: UnsafeMutablePointer<Float>, _ rows: Int, _ count: Int
  ) {
    guard count > 0 else { return }
    for row in 0..<rows where weights[row * count].isNaN {
      (weights + row * count).update(repeating: 0, count: count)
    }
  }

  /// Where the axes before the permutation lie in Y.
  private func outputLayout(_ extents: Extents) -> Layout {
    let shape = extents.batch + [extents.t, extents.e]
    guard let permutation else { return Layout(contiguous: shape) }
    let packed = Layout.packedStrides(of: permutation.map { shape[$0] })
    var strides = packed
    for (position, axis) in permutation.enumerated() { strides[axis] = packed[position] }
    return Layout(shape: shape, strides: strides)
  }
}

extension FusedAttention {
  /// How the inputs fit together.
  private struct Extents {
    let batch: [Int]
    let t, d, s, e: Int

    init(_ inputs: [ArrayType?]) throws(OperatorError) {
      let shapes = inputs[..<3].map { $0!.shape }
      guard shapes.allSatisfy({ $0.count >= 2 }) else {
        throw OperatorError(.shapeMismatch, "expected at least two axes in Q, K and V")
      }
      let matrices = shapes.map { Array($0.suffix(2)) }
      guard matrices[0][1] == matrices[1][0], matrices[1][1] == matrices[2][0] else {
        throw OperatorError(
          .shapeMismatch, "inner dimensions differ, got \(shapes[0]), \(shapes[1]), \(shapes[2])")
      }
      (t, d, s, e) = (matrices[0][0], matrices[0][1], matrices[1][1], matrices[2][1])
      var batch: [Int] = []
      let mask = inputs.input(3)?.shape
      for shape in shapes + [mask ?? []] {
        batch = try broadcastShape(batch, shape.dropLast(2))
      }
      if let mask, Layout(contiguous: mask).broadcast(to: batch + [t, s]) == nil {
        throw OperatorError(
          .shapeMismatch, "expected a mask that broadcasts to \(batch + [t, s]), got \(mask)")
      }
      if let scale = inputs.input(4), scale.count != 1 {
        throw OperatorError(.shapeMismatch, "expected a scale of one element, got \(scale.shape)")
      }
      self.batch = batch
    }
  }

  /// An operand's matrices along the leading axes, broadcast.
  private struct Matrices {
    private let view: MatrixView<Float>
    private let offsets: [Int]

    init(_ view: TensorView, _ batch: [Int]) {
      guard let matrix = view.layout.matrix,
        let layout = view.layout.broadcast(to: batch + view.shape.suffix(2))
      else { preconditionFailure("operands are not matrices BLAS can read") }
      self.view = MatrixView(
        view.pointer(of: Float.self), leadingDimension: matrix.leadingDimension,
        isTransposed: matrix.isTransposed)
      offsets = layout.matrixOffsets
    }

    func matrix(_ index: Int) -> MatrixView<Float> { view.advanced(by: offsets[index]) }
  }
}
