package import GraphIR
import Tensors

/// The determinant of each matrix.
///
/// Shapes: x [any, M, M], y [any]. That of a matrix without elements is 1.
/// Types: float, double; float16 and bfloat16, computed by way of float.
/// Precision: elimination in double, with the largest element of each column as its pivot.
/// Source: ONNX Det-11, 22.
package struct Det: Operator {
  package static let signature = OperatorSignature("Det", since: 11, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("Det", supports: type.elementType, type.elementType.isFloatingPoint)
    let rank = type.shape.count
    guard rank >= 2, type.shape[rank - 1] == type.shape[rank - 2] else {
      throw OperatorError(.shapeMismatch, "expected square matrices, got \(type.shape)")
    }
    return .types([try ArrayType(type.elementType, type.shape.dropLast(2)).checked()])
  }

  /// One matrix in double.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let extent = inputs[0]!.shape.last ?? 0
    return saturatingProduct([extent, extent, MemoryLayout<Double>.stride])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([inputs[0]!.count, (inputs[0]!.shape.last ?? 0) / 3])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let extent = inputs[0]!.shape.last ?? 0
    let matrix =
      scratch.baseAddress?.assumingMemoryBound(to: Double.self)
      ?? UnsafeMutablePointer(bitPattern: 64)!
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      let (x, y) = (inputs[0]!, outputs[0])
      for index in 0..<y.count {
        for i in 0..<extent * extent {
          let place = index * extent * extent + i
          matrix[i] =
            x.elementType == .double
            ? x.start(as: Double.self)[place] : Double(x.start(as: Float.self)[place])
        }
        let result = determinant(matrix, extent)
        if y.elementType == .double {
          y.start(as: Double.self)[index] = result
        } else {
          y.start(as: Float.self)[index] = Float(result)
        }
      }
    }
  }

  /// The product of the pivots; the matrix is lost.
  private func determinant(_ a: UnsafeMutablePointer<Double>, _ n: Int) -> Double {
    var result = 1.0
    for column in 0..<n {
      var pivot = column
      for row in column..<n where abs(a[row * n + column]) > abs(a[pivot * n + column]) {
        pivot = row
      }
      if pivot != column {
        for i in column..<n {
          (a[pivot * n + i], a[column * n + i]) = (a[column * n + i], a[pivot * n + i])
        }
        result = -result
      }
      let value = a[column * n + column]
      result *= value
      if value == 0 { return 0 }
      for row in column + 1..<max(n, column + 1) {
        let factor = a[row * n + column] / value
        for i in column..<n { a[row * n + i] -= factor * a[column * n + i] }
      }
    }
    return result
  }
}
