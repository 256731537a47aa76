package import GraphIR
package import Tensors

/// Y = the places of elements other than zero, one column each, in row-major order.
///
/// Shapes: X [rank r]; Y [r, number of them], as `int64`.
package struct NonZero: DataDependentOperator {
  package static let signature = OperatorSignature("NonZero", since: 9, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type.elementType
    try expect("NonZero", supports: type, type.isNumeric || type == .bool)
    return .dependsOnContents
  }

  package func evaluate(_ inputs: [Tensor?]) throws(OperatorError) -> [Tensor] {
    let tensor = inputs[0]!
    _ = try infer([Operand(tensor)])
    let rank = tensor.shape.count
    var columns: [[Int64]] = []
    try computingInFloat([TensorView(tensor)], []) { (inputs, _) throws(OperatorError) in
      columns = places(inputs[0]!.elementType.numeric, inputs[0]!)
    }
    withExtendedLifetime(tensor) {}
    let rows = (0..<rank).flatMap { axis in columns.map { $0[axis] } }
    return [Tensor(rows, shape: [rank, columns.count])]
  }

  private func places<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView
  ) -> [[Int64]] {
    var place = [Int](repeating: 0, count: x.shape.count)
    var result: [[Int64]] = []
    for index in 0..<x.count {
      if x.start(as: Element.self)[index] != Element.zero { result.append(place.map(Int64.init)) }
      advance(&place, in: x.shape)
    }
    return result
  }
}

/// Y = the slices of X along an axis where the condition holds.
///
/// Attributes: `axis`; X as a list of elements where absent.
/// Shapes: X [before, axis, behind]; condition [at most axis]; Y [before, number held, behind].
package struct Compress: DataDependentOperator {
  let axis: Int?

  package static let signature = OperatorSignature("Compress", since: 9, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = node[attribute: "axis"] == nil ? nil : try node.integer("axis")
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (type, condition) = (inputs[0]!.type, inputs[1]!.type)
    try expectMovable("Compress", type)
    let extent =
      try axis.map { axis throws(OperatorError) in
        type.shape[try normalizedAxis(axis, rank: type.shape.count)]
      } ?? type.count
    guard condition.elementType == .bool, condition.shape.count == 1,
      condition.shape[0] <= extent
    else {
      throw OperatorError(
        .shapeMismatch, "condition: expected at most bool[\(extent)], got \(condition)")
    }
    return .dependsOnContents
  }

  package func evaluate(_ inputs: [Tensor?]) throws(OperatorError) -> [Tensor] {
    let (tensor, condition) = (inputs[0]!, inputs[1]!)
    _ = try infer([Operand(tensor), Operand(condition)])
    let held = condition.region.bytes.indices.filter { condition.region.bytes[$0] != 0 }
    var shape = axis == nil ? [tensor.count] : tensor.shape
    let axis = try normalizedAxis(self.axis ?? 0, rank: shape.count)
    let extent = shape[axis]
    shape[axis] = held.count
    let row =
      shape[(axis + 1)...].reduce(1, *) * tensor.elementType.movableByteCount!
    let source = tensor.region.bytes
    var bytes: [UInt8] = []
    for outer in 0..<shape[..<axis].reduce(1, *) {
      for place in held {
        let start = (outer * extent + place) * row
        bytes += source[start..<(start + row)]
      }
    }
    do throws(TensorError) {
      return [
        try Tensor(tensor.elementType, shape: shape, region: ByteRegion(copying: bytes))
      ]
    } catch { throw OperatorError(.invalidShape, error.message) }
  }
}
