package import GraphIR
import Tensors

/// Y = X with blocks of its channels laid out in the plane.
///
/// Attributes: `blocksize`, b; `mode` ("DCR") from 11 on: channels are counted [b, b, C] or, with
/// "CRD", [C, b, b].
/// Shapes: X [N, C b b, H, W]; Y [N, C, H b, W b].
package struct DepthToSpace: Operator {
  let block: Int
  let countsColumnsFirst: Bool

  package static let signature = OperatorSignature("DepthToSpace", inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    block = try blockSize(node)
    let mode = try node.text("mode", default: "DCR")
    guard mode == "DCR" || mode == "CRD" else {
      throw OperatorError(.invalidAttribute, "mode: expected 'DCR' or 'CRD', got '\(mode)'")
    }
    countsColumnsFirst = mode == "CRD"
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable("DepthToSpace", type)
    let shape = try expectPicture(type.shape)
    guard shape[1] % (block * block) == 0 else {
      throw OperatorError(
        .shapeMismatch, "\(shape[1]) channels are no multiple of the block size \(block) squared")
    }
    let (height, tall) = shape[2].multipliedReportingOverflow(by: block)
    let (width, wide) = shape[3].multipliedReportingOverflow(by: block)
    guard !tall, !wide else {
      throw OperatorError(.invalidShape, "the size of the result overflows")
    }
    return .types([
      try ArrayType(type.elementType, [shape[0], shape[1] / (block * block), height, width])
        .checked()
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let x = inputs[0]!
    let (n, c, h, w) = (x.shape[0], outputs[0].shape[1], x.shape[2], x.shape[3])
    let counted = countsColumnsFirst ? [n, c, block, block, h, w] : [n, block, block, c, h, w]
    let order = countsColumnsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]
    x.copy(reshaped: counted, transposed: order, into: outputs[0])
  }
}

/// Y = X with blocks of its plane laid out as channels.
///
/// Attributes: `blocksize`, b; `mode` ("DCR") from 28 on: channels are counted [b, b, C] or, with
/// "CRD", [C, b, b].
/// Shapes: X [N, C, H b, W b]; Y [N, C b b, H, W].
package struct SpaceToDepth: Operator {
  let block: Int
  let countsColumnsFirst: Bool

  package static let signature = OperatorSignature("SpaceToDepth", inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    block = try blockSize(node)
    let mode = try node.text("mode", default: "DCR")
    guard mode == "DCR" || mode == "CRD" else {
      throw OperatorError(.invalidAttribute, "mode: expected 'DCR' or 'CRD', got '\(mode)'")
    }
    countsColumnsFirst = mode == "CRD"
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable("SpaceToDepth", type)
    let shape = try expectPicture(type.shape)
    guard shape[2] % block == 0, shape[3] % block == 0 else {
      throw OperatorError(
        .shapeMismatch, "[\(shape[2]), \(shape[3])] is no multiple of the block size \(block)")
    }
    let (channels, overflow) = shape[1].multipliedReportingOverflow(by: block * block)
    guard !overflow else { throw OperatorError(.invalidShape, "the size of the result overflows") }
    return .types([
      try ArrayType(type.elementType, [shape[0], channels, shape[2] / block, shape[3] / block])
        .checked()
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    x.copy(
      reshaped: [x.shape[0], x.shape[1], y.shape[2], block, y.shape[3], block],
      transposed: countsColumnsFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4], into: y)
  }
}

extension TensorView {
  /// Copies a packed view, seen under another shape with its axes reordered.
  fileprivate func copy(
    reshaped shape: [Int], transposed order: [Int], into output: MutableTensorView
  ) {
    let layout = Layout(
      shape: shape, strides: Layout.packedStrides(of: shape), offset: layout.offset
    ).transposed(order)
    TensorView(elementType, layout, in: buffer).copy(
      into: MutableTensorView(elementType, layout.shape, in: output.buffer))
  }
}

private func blockSize(_ node: Node) throws(OperatorError) -> Int {
  let block = try node.integer("blocksize")
  guard block > 0, block < 1 << 20 else {
    throw OperatorError(.invalidAttribute, "blocksize: expected a positive number, got \(block)")
  }
  return block
}

private func expectPicture(_ shape: [Int]) throws(OperatorError) -> [Int] {
  guard shape.count == 4 else {
    throw OperatorError(.shapeMismatch, "expected four axes, got \(shape)")
  }
  return shape
}
