package import GraphIR
import Tensors

/// Y = the elements of X in order, under another shape.
///
/// Attributes: `allowzero` (0) from 14 on: whether an extent 0 in the shape means none, not that of X.
/// Shapes: X [any]; shape [rank of Y], where one -1 stands for what the others leave.
package struct Reshape: ViewOperator {
  let allowsZero: Bool

  package static let signature = OperatorSignature("Reshape", since: 5, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    allowsZero = try node.flag("allowzero", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable(type)
    guard let target = try inputs[1]!.integers("shape") else { return .dependsOnContents }
    return .types([ArrayType(type.elementType, try resolve(target, type.shape))])
  }

  private func resolve(_ target: [Int], _ shape: [Int]) throws(OperatorError) -> [Int] {
    var result = target
    if !allowsZero {
      for axis in target.indices where target[axis] == 0 {
        guard axis < shape.count else {
          throw OperatorError(.invalidShape, "shape \(target) copies an axis that \(shape) has not")
        }
        result[axis] = shape[axis]
      }
    }
    let count = shape.reduce(1, *)
    let unknown = result.indices.filter { result[$0] == -1 }
    guard unknown.count <= 1 else {
      throw OperatorError(.invalidShape, "shape \(target) has more than one -1")
    }
    if let axis = unknown.first {
      result[axis] = 1
      let rest = try ArrayType(.uint8, result).checked().count
      guard rest > 0, count % rest == 0 else { throw mismatch(shape, target) }
      result[axis] = count / rest
    }
    guard try ArrayType(.uint8, result).checked().count == count else {
      throw mismatch(shape, target)
    }
    return result
  }

  private func mismatch(_ shape: [Int], _ target: [Int]) -> OperatorError {
    OperatorError(.shapeMismatch, "cannot reshape \(shape) to \(target)")
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    guard let target = operands[1]?.value?.integers, let shape = try? resolve(target, input.shape)
    else { return nil }
    return input.reshaped(shape).map { [$0] }
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let input = inputs[0]!
    input.copy(into: MutableTensorView(input.elementType, input.shape, in: outputs[0].buffer))
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }
  package var overwritableInputs: [Int] { [0] }
}

/// Y = X as a matrix: the axes before `axis` become rows, the others columns.
///
/// Attributes: `axis` (1), from 11 on possibly negative; the rank itself is allowed.
/// Shapes: X [any]; Y [product before axis, product from axis].
package struct Flatten: ViewOperator {
  let axis: Int

  package static let signature = OperatorSignature("Flatten", inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: 1)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable(type)
    let rank = type.shape.count
    guard axis >= -rank, axis <= rank else {
      throw OperatorError(.invalidAttribute, "axis \(axis) is out of range for rank \(rank)")
    }
    return .types([try ArrayType(type.elementType, flattened(type.shape)).checked()])
  }

  private func flattened(_ shape: [Int]) -> [Int] {
    let split = axis < 0 ? axis + shape.count : axis
    return [shape[..<split].reduce(1, &*), shape[split...].reduce(1, &*)]
  }

  package func views(of input: Layout, _ operands: [Operand?]) -> [Layout]? {
    input.reshaped(flattened(input.shape)).map { [$0] }
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let input = inputs[0]!
    input.copy(into: MutableTensorView(input.elementType, input.shape, in: outputs[0].buffer))
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { true }
  package var overwritableInputs: [Int] { [0] }
}
