package import GraphIR
import Kernels
import Tensors

/// Y = A Bᵀ + bias for B quantised in blocks of its rows: (code - zero point) · scale.
///
/// Shapes: A [..., K], Y [..., N]; B [N, blocks, block_size · bits / 8] with blocks = ⌈K / block_size⌉,
/// codes packed from the low bits on; scales [N · blocks] or [N, blocks]; zero_points packed like B in
/// rows of whole bytes, or shaped as scales; bias [N]. Inputs A, B, scales, zero_points, g_idx, bias.
/// Attributes: K, N, block_size, bits (4; 2 and 8 also), accuracy_level, which asks for no less than
/// float.
/// Types: A, scales, bias, Y float, float16 or bfloat16, one for all; B uint8; zero_points uint8 or as A
/// (2^(bits - 1)). g_idx is not supported.
/// Precision: weights and products in float.
/// Source: onnxruntime's MatMulNBits-1.
package struct MatMulNBits: Operator {
  package static let signature = OperatorSignature(
    "MatMulNBits", domain: MicrosoftDomain.name, inputs: 3...6)

  private let k: Int
  private let n: Int
  private let bits: Int
  private let blockSize: Int

  private var blocks: Int { k == 0 ? 0 : (k - 1) / blockSize + 1 }
  private var blockBytes: Int { blockSize * bits / 8 }
  /// Bytes of the zero points of one row, where they are packed.
  private var zeroBytes: Int { (blocks * bits + 7) / 8 }
  /// Rows of B that are widened at a time.
  private var rowBlock: Int { min(max(n, 1), 64) }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    k = try node.integer("K")
    n = try node.integer("N")
    bits = try node.integer("bits", default: 4)
    blockSize = try node.integer("block_size")
    guard (0...Int(Int32.max)).contains(k), (0...Int(Int32.max)).contains(n) else {
      throw OperatorError(.invalidAttribute, "K and N are out of range, got \(k) and \(n)")
    }
    guard (16...1 << 20).contains(blockSize), blockSize.nonzeroBitCount == 1 else {
      throw OperatorError(
        .invalidAttribute, "block_size: expected a power of two from 16 on, got \(blockSize)")
    }
    guard [2, 4, 8].contains(bits) else {
      throw OperatorError(.unsupported, "MatMulNBits of \(bits) bits is not supported")
    }
    guard node.inputs.input(4) == nil else {
      throw OperatorError(.unsupported, "MatMulNBits with g_idx is not supported")
    }
    guard try node.integer("weight_prepacked", default: 0) == 0 else {
      throw OperatorError(.unsupported, "MatMulNBits of prepacked weights is not supported")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0?.type }
    let (a, b, scales) = (types[0]!, types[1]!, types[2]!)
    try expect(
      "MatMulNBits", supports: a.elementType, a.elementType == .float || a.elementType.isHalf)
    guard a.shape.last == k else {
      throw OperatorError(.shapeMismatch, "expected rows of \(k), got \(a.shape)")
    }
    try expect("MatMulNBits", supports: b.elementType, b.elementType == .uint8)
    try expectCount(b, n * blocks * blockBytes, "B")
    try expectSameType(a, scales)
    try expectCount(scales, n * blocks, "scales")
    if let zeros = types.input(3) {
      if zeros.elementType == .uint8 {
        try expectCount(zeros, n * zeroBytes, "zero points")
      } else {
        try expectSameType(a, zeros)
        try expectCount(zeros, n * blocks, "zero points")
      }
    }
    if let bias = types.input(5) {
      try expectSameType(a, bias)
      try expectCount(bias, n, "bias")
    }
    try expectExtentsForBLAS([saturatingProduct(a.shape.dropLast()), n, k])
    return .types([try ArrayType(a.elementType, a.shape.dropLast() + [n]).checked()])
  }

  private func expectCount(
    _ type: ArrayType, _ count: Int, _ noun: String
  ) throws(OperatorError) {
    guard type.count == count else {
      throw OperatorError(
        .shapeMismatch, "\(noun): expected \(count) elements, got \(type.shape)")
    }
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    rowBlock * k * MemoryLayout<Float>.stride
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count, k])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0, let memory = scratch.baseAddress else { return }
    let scales = try inputs[2]!.floats()
    let zeros = try zeroPoints(inputs.input(3))
    let bias = try inputs.input(5)?.floats()
    let weights = memory.assumingMemoryBound(to: Float.self)
    let codes = inputs[1]!.start(as: UInt8.self)
    try computingInFloat([inputs[0]], outputs) { (inputs, outputs) throws(OperatorError) in
      let (a, y) = (inputs[0]!.start(as: Float.self), outputs[0].start(as: Float.self))
      let rows = outputs[0].count / n
      for first in stride(from: 0, to: n, by: rowBlock) {
        let last = min(first + rowBlock, n)
        for row in first..<last {
          widen(
            codes + row * blocks * blockBytes, scales, zeros, firstBlock: row * blocks,
            into: weights + (row - first) * k)
        }
        Gemm.sgemm(
          m: rows, n: last - first, k: k, a: MatrixView(a, leadingDimension: max(k, 1)),
          b: MatrixView(weights, leadingDimension: max(k, 1), isTransposed: true), c: y + first,
          ldc: n)
      }
      guard let bias else { return }
      for row in 0..<rows {
        for column in 0..<n { y[row * n + column] += bias[column] }
      }
    }
  }

  /// The zero point of each block.
  private func zeroPoints(_ packed: TensorView?) throws(OperatorError) -> [Float] {
    guard let packed else { return [Float](repeating: Float(1 << (bits - 1)), count: n * blocks) }
    guard packed.elementType == .uint8 else { return try packed.floats() }
    let bytes = packed.start(as: UInt8.self)
    var zeros: [Float] = []
    zeros.reserveCapacity(n * blocks)
    for row in 0..<n {
      for block in 0..<blocks {
        zeros.append(Float(code(bytes + row * zeroBytes, block)))
      }
    }
    return zeros
  }

  private func code(_ bytes: UnsafePointer<UInt8>, _ index: Int) -> UInt8 {
    let bit = index * bits
    return (bytes[bit >> 3] >> UInt8(bit & 7)) & UInt8(truncatingIfNeeded: 1 << bits - 1)
  }

  /// The numbers behind the codes of one row of B.
  private func widen(
    _ codes: UnsafePointer<UInt8>, _ scales: [Float], _ zeros: [Float], firstBlock: Int,
    into y: UnsafeMutablePointer<Float>
  ) {
    for block in 0..<blocks {
      let (scale, zero) = (scales[firstBlock + block], zeros[firstBlock + block])
      let (bytes, target) = (codes + block * blockBytes, y + block * blockSize)
      let count = min(blockSize, k - block * blockSize)
      if bits == 4 {
        for i in 0..<count / 2 {
          target[2 * i] = (Float(bytes[i] & 15) - zero) * scale
          target[2 * i + 1] = (Float(bytes[i] >> 4) - zero) * scale
        }
        if count % 2 != 0 { target[count - 1] = (Float(bytes[count / 2] & 15) - zero) * scale }
      } else {
        for i in 0..<count { target[i] = (Float(code(bytes, i)) - zero) * scale }
      }
    }
  }
}
