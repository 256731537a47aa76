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
    var result: Tensor?
    try computingInFloat([TensorView(tensor)], []) { (inputs, _) throws(OperatorError) in
      result = places(inputs[0]!.elementType.numeric, inputs[0]!)
    }
    withExtendedLifetime(tensor) {}
    return [result!]
  }

  package func largestByteCount(_ inputs: [ArrayType?]) -> Int {
    saturatingProduct(inputs[0]!.shape + [inputs[0]!.shape.count, MemoryLayout<Int64>.stride])
  }

  private func places<Element: NumericElement>(_ type: Element.Type, _ x: TensorView) -> Tensor {
    let (elements, rank) = (x.start(as: Element.self), x.shape.count)
    let count = (0..<x.count).count { elements[$0] != Element.zero }
    let rows = [Int64](unsafeUninitializedCapacity: rank * count) { rows, initialized in
      var place = [Int](repeating: 0, count: rank)
      var column = 0
      for index in 0..<x.count {
        if elements[index] != Element.zero {
          for axis in 0..<rank {
            rows.initializeElement(at: axis * count + column, to: Int64(place[axis]))
          }
          column += 1
        }
        advance(&place, in: x.shape)
      }
      initialized = rank * count
    }
    return Tensor(rows, shape: [rank, count])
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
    let outers = row > 0 && !held.isEmpty ? shape[..<axis].reduce(1, *) : 0
    for outer in 0..<outers {
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
