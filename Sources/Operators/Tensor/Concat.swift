package import GraphIR
import Kernels
import Tensors

/// Y = the inputs one behind the other along an axis.
///
/// Attributes: `axis`.
/// Shapes: X0 … Xn equal but for `axis`, along which Y is as long as all of them.
package struct Concat: MovementOperator {
  package let axis: Int

  package static let signature = OperatorSignature("Concat", since: 4, inputs: 1...Int.max)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis")
    for (index, input) in node.inputs.enumerated() where input == nil {
      throw OperatorError(.arity, "input \(index) is missing")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    var type = inputs[0]!.type
    try expectMovable(type)
    let axis = try normalizedAxis(axis, rank: type.shape.count)
    for input in inputs.dropFirst() {
      try expectSameType(type, input!.type)
      var shape = input!.type.shape
      guard shape.count == type.shape.count else { throw mismatch(inputs) }
      let (extent, overflow) = type.shape[axis].addingReportingOverflow(shape[axis])
      type.shape[axis] = extent
      shape[axis] = extent
      guard !overflow, shape == type.shape else { throw mismatch(inputs) }
    }
    return .types([try type.checked()])
  }

  private func mismatch(_ inputs: [Operand?]) -> OperatorError {
    OperatorError(
      .shapeMismatch,
      "shapes differ beside axis \(axis), got "
        + inputs.map { "\($0!.type.shape)" }.joined(separator: " and "))
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let output = outputs[0]
    let axis = try normalizedAxis(axis, rank: output.shape.count)
    let size = output.elementType.movableByteCount!
    let inner = output.shape[(axis + 1)...].reduce(1, *)
    let outer = output.shape[..<axis].reduce(1, *)
    let row = output.shape[axis] * inner
    var place = 0
    for case let input? in inputs where input.count > 0 {
      let length = input.shape[axis] * inner
      for index in 0..<outer {
        (output.buffer + (index * row + place) * size).copyMemory(
          from: input.bytePointer + index * length * size, byteCount: length * size)
      }
      place += length
    }
  }
}
