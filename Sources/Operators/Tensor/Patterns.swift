package import GraphIR
import Tensors

/// Y = the upper or lower triangle of matrices, zero elsewhere.
///
/// Attributes: `upper` (1).
/// Shapes: X, Y [any, rows, columns]; k [] (0): the diagonal that belongs to the triangle.
package struct Trilu: Operator {
  let keepsUpper: Bool

  package static let signature = OperatorSignature("Trilu", since: 14, inputs: 1...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    keepsUpper = try node.flag("upper", default: true)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expectMovable("Trilu", type)
    guard type.shape.count >= 2 else {
      throw OperatorError(.shapeMismatch, "expected at least two axes, got \(type.shape)")
    }
    if let k = inputs.input(1) {
      try expectIndices(k.type)
      guard k.type.count == 1 else {
        throw OperatorError(.shapeMismatch, "k: expected one element, got \(k.type.shape)")
      }
    }
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    let k = inputs.input(1)?.integers[0] ?? 0
    let size = y.elementType.movableByteCount!
    let columns = y.shape[y.shape.count - 1]
    let rows = y.shape[y.shape.count - 2]
    guard y.count > 0 else { return }
    x.copy(into: y)
    for row in 0..<(y.count / columns) {
      // Beyond the matrix, every diagonal is as good as the one just outside.
      let diagonal = min(max(row % rows + min(max(k, -rows), columns), 0), columns)
      let below = min(max(row % rows + min(max(k, -rows), columns) + 1, 0), columns)
      let cleared = keepsUpper ? 0..<diagonal : below..<columns
      let start = y.buffer + (row * columns + cleared.lowerBound) * size
      UnsafeMutableRawBufferPointer(start: start, count: cleared.count * size)
        .initializeMemory(as: UInt8.self, repeating: 0)
    }
  }

  package var overwritableInputs: [Int] { [0] }
}

/// Y = a matrix of the shape of X with ones on a diagonal, zero elsewhere.
///
/// Attributes: `dtype`, the element type, that of X where absent; `k` (0), the diagonal.
/// Shapes: X, Y [rows, columns].
package struct EyeLike: Operator {
  let elementType: ElementType?
  let k: Int

  package static let signature = OperatorSignature("EyeLike", since: 9, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    elementType = try node.elementType("dtype")
    k = try node.integer("k", default: 0)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = ArrayType(elementType ?? inputs[0]!.type.elementType, inputs[0]!.type.shape)
    try expect(
      "EyeLike", supports: type.elementType, type.elementType.isNumeric || type.elementType == .bool
    )
    guard type.shape.count == 2 else {
      throw OperatorError(.shapeMismatch, "expected two axes, got \(type.shape)")
    }
    return .types([try type.checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat([], outputs) { (_, outputs) throws(OperatorError) in
      fill(outputs[0].elementType.numeric, outputs[0])
    }
  }

  private func fill<Element: NumericElement>(_ type: Element.Type, _ y: MutableTensorView) {
    let (elements, columns) = (y.start(as: Element.self), y.shape[1])
    elements.update(repeating: Element.zero, count: y.count)
    guard y.count > 0, k > -y.shape[0], k < columns else { return }
    for row in 0..<y.shape[0] where row + k >= 0 && row + k < columns {
      elements[row * columns + row + k] = Element.one
    }
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { true }
}

/// Y = rows that are `off` but for one `on` at the place each index names.
///
/// Attributes: `axis` (-1): where the new axis stands in Y.
/// Shapes: indices [any]; depth [] or [1]; values [2], off and on; Y [indices with depth at axis].
/// An index outside the depth leaves its row `off`; negative ones count from the end.
package struct OneHot: Operator {
  let axis: Int

  package static let signature = OperatorSignature("OneHot", since: 9, inputs: 3...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: -1)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (indices, depth, values) = (inputs[0]!, inputs[1]!, inputs[2]!.type)
    for type in [indices.type.elementType, depth.type.elementType] {
      try expect("OneHot", supports: type, type.isNumeric)
    }
    try expectMovable("OneHot", values)
    guard depth.type.count == 1, values.shape == [2] else {
      throw OperatorError(
        .shapeMismatch,
        "expected one depth and two values, got \(depth.type.shape) and \(values.shape)")
    }
    var shape = indices.type.shape
    let axis = try normalizedAxis(axis, rank: shape.count + 1)
    guard let value = depth.value else { return .dependsOnContents }
    var extent = 0
    try computingInFloat([TensorView(value)], []) { (inputs, _) throws(OperatorError) in
      extent = numbers(inputs[0]!.elementType.numeric, inputs[0]!)[0]
    }
    withExtendedLifetime(value) {}
    shape.insert(extent, at: axis)
    return .types([try ArrayType(values.elementType, shape).checked()])
  }

  private func numbers<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView
  ) -> [Int] {
    (0..<x.count).map { Int(clamping: x.start(as: Element.self)[$0].wide) }
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let y = outputs[0]
    let axis = try normalizedAxis(axis, rank: y.shape.count)
    let size = y.elementType.movableByteCount!
    let values = inputs[2]!.bytePointer
    for index in 0..<y.count {
      (y.buffer + index * size).copyMemory(from: values, byteCount: size)
    }
    var places: [Int] = []
    try computingInFloat([inputs[0]], []) { (inputs, _) throws(OperatorError) in
      places = numbers(inputs[0]!.elementType.numeric, inputs[0]!)
    }
    let (depth, inner) = (y.shape[axis], y.shape[(axis + 1)...].reduce(1, *))
    for (index, place) in places.enumerated() where place >= -depth && place < depth {
      let column = place < 0 ? place + depth : place
      let element = (index / inner * depth + column) * inner + index % inner
      (y.buffer + element * size).copyMemory(from: values + size, byteCount: size)
    }
  }
}
