import Planning
import Tensors

extension ResidualStream {
  /// A point's values as rows of `width` features, [rows, d].
  ///
  /// Values of shape [..., d] are rows as they lie; [N, d, H, W] is transposed to [N·H·W, d].
  func rowTensor(of tensor: Tensor) -> Tensor {
    let shape = [tensor.count / width, width]
    if layout == .lastAxis, tensor.elementType == .float { return tensor.reshaped(shape) }
    return Tensor(rows(of: tensor), shape: shape)
  }

  /// A point's values as rows of `width` features.
  func rows(of tensor: Tensor) -> [Float] {
    // Points are of floating point.
    let values = tensor.floats ?? []
    guard layout == .channels else { return values }
    let positions = tensor.shape[2...].reduce(1, *)
    return Self.swapAxes(values, outer: tensor.shape[0], width, positions)
  }

  /// The tensor of a point from its rows, the reverse of `rows(of:)`.
  func tensor(fromRows rows: [Float], like tensor: Tensor) -> Tensor {
    var values = rows
    if layout == .channels {
      let positions = tensor.shape[2...].reduce(1, *)
      values = Self.swapAxes(rows, outer: tensor.shape[0], positions, width)
    }
    return Tensor(rounding: values, to: tensor.elementType, shape: tensor.shape)
      ?? Tensor(values, shape: tensor.shape)
  }

  /// [outer, a, b] to [outer, b, a].
  private static func swapAxes(_ values: [Float], outer: Int, _ a: Int, _ b: Int) -> [Float] {
    var result = [Float](repeating: 0, count: values.count)
    for block in 0..<outer {
      let start = block * a * b
      for i in 0..<a {
        for j in 0..<b { result[start + j * a + i] = values[start + i * b + j] }
      }
    }
    return result
  }
}

extension Tensor {
  /// Calls `body` with the elements of a float tensor.
  func withFloats<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    try withElements(of: Float.self) { span in try span.withUnsafeBufferPointer(body) }
  }

  /// The elements of any real or integer type as floats, for comparing outputs.
  var floats: [Float]? {
    switch elementType {
    case .float: elements(as: Float.self)
    case .bool: elements(as: Bool.self).map { $0 ? 1 : 0 }
    case .double, .float16, .bfloat16: numbers?.map { Float($0) }
    default: integers?.map { Float($0) }
    }
  }
}

extension ElementType {
  /// Whether tensors of the type can be compared as numbers: `Tensor.floats` has them.
  var isComparable: Bool {
    switch self {
    case .float, .double, .float16, .bfloat16, .bool, .int8, .int16, .int32, .int64, .uint8,
      .uint16,
      .uint32:
      true
    default: false
    }
  }
}
