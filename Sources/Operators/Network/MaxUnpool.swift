package import GraphIR
import Tensors

/// Elements put back to where MaxPool found them, zero elsewhere.
///
/// Shapes: x and indices [N, C, spatial…]; output_shape [rank]; y [N, C, spatial…] with
/// stride · (in − 1) + kernel − pads elements per axis, into which the indices count; where output_shape
/// is given, y has that shape and zeros behind those elements.
/// Attributes: kernel_shape, pads, strides.
/// Types: all whose elements fill whole bytes.
/// Throws: `OperatorError.invalidValue` where an index is outside the result. Of several elements with
/// one index the last stays.
/// Source: ONNX MaxUnpool-9, 11, 22.
package struct MaxUnpool: Operator {
  package static let signature = OperatorSignature("MaxUnpool", since: 9, inputs: 2...3)

  private let attributes: SpatialAttributes

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, indices) = (inputs[0]!.type, inputs[1]!.type)
    try expectMovable("MaxUnpool", x)
    guard indices.elementType == .int64 else {
      throw OperatorError(.typeMismatch, "indices: expected int64, got \(indices.elementType)")
    }
    guard indices.shape == x.shape else {
      throw OperatorError(
        .shapeMismatch, "expected as many indices as elements, got \(x.shape) and \(indices.shape)")
    }
    let natural = try ArrayType(x.elementType, try naturalShape(x.shape)).checked()
    guard let operand = inputs.input(2) else { return .types([natural]) }
    guard let shape = try operand.integers("output_shape") else { return .dependsOnContents }
    guard shape.count == natural.shape.count, zip(shape, natural.shape).allSatisfy({ $0 >= $1 })
    else {
      throw OperatorError(
        .invalidShape, "output_shape: expected at least \(natural.shape), got \(shape)")
    }
    return .types([try ArrayType(x.elementType, shape).checked()])
  }

  /// The shape whose pooling gives `shape`.
  private func naturalShape(_ shape: [Int]) throws(OperatorError) -> [Int] {
    guard shape.count >= 3 else {
      throw OperatorError(.shapeMismatch, "expected at least three axes, got \(shape)")
    }
    guard let kernel = attributes.kernel else {
      throw OperatorError(.invalidAttribute, "attribute 'kernel_shape' is missing")
    }
    let spatial = Array(shape[2...])
    try attributes.checkExtents(spatial, kernel: kernel)
    let (strides, _, pads) = try attributes.lists(axes: spatial.count)
    return shape[..<2]
      + spatial.indices.map { axis in
        (spatial[axis] - 1) * strides[axis] + kernel[axis] - pads[axis]
          - pads[axis + spatial.count]
      }
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    let natural = try naturalShape(x.shape)
    let size = y.elementType.movableByteCount!
    let count = natural.reduce(1, *)
    let strides = Layout.packedStrides(of: y.shape)
    y.buffer.initializeMemory(as: UInt8.self, repeating: 0, count: y.count * size)
    for (element, index) in inputs[1]!.elements(of: Int64.self).enumerated() {
      guard index >= 0, index < count else {
        throw OperatorError(.invalidValue, "index \(index) is out of range for \(natural)")
      }
      var (rest, place) = (Int(index), 0)
      for axis in natural.indices.reversed() {
        place += rest % natural[axis] * strides[axis]
        rest /= natural[axis]
      }
      (y.buffer + place * size).copyMemory(from: x.bytePointer + element * size, byteCount: size)
    }
  }
}
