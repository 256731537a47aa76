package import GraphIR
import Kernels
import Tensors

/// The maximum of each window.
///
/// Shapes: x [N, C, spatial…], y [N, C, spatial…]. The optional output Indices is not supported.
/// Attributes: auto_pad, ceil_mode, dilations, kernel_shape, pads, strides, storage_order (indices only).
/// Types: float.
/// Source: ONNX MaxPool-1, 8, 10, 11, 12.
package struct MaxPool: Operator {
  package static let signature = OperatorSignature("MaxPool", inputs: 1...1, outputs: 1...2)

  private let attributes: SpatialAttributes

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
    guard node.outputs.count < 2 || node.outputs[1] == nil else {
      throw OperatorError(.unsupported, "MaxPool with indices is not supported")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let window = try poolWindow("MaxPool", attributes, inputs[0]!.type).window
    return .types([ArrayType(.float, inputs[0]!.type.shape[..<2] + window.output)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let x = inputs[0]!
    Pooling.maximum(
      x.pointer(of: Float.self), into: outputs[0].elements(of: Float.self).baseAddress!,
      planes: x.shape[0] * x.shape[1],
      window: try poolWindow("MaxPool", attributes, x.type).window)
  }
}

/// The mean of each window.
///
/// Shapes: x [N, C, spatial…], y [N, C, spatial…].
/// Attributes: auto_pad, ceil_mode, count_include_pad (0), dilations, kernel_shape, pads, strides.
/// Types: float.
/// Source: ONNX AveragePool-1, 7, 10, 11, 19, 22.
package struct AveragePool: Operator {
  package static let signature = OperatorSignature("AveragePool", inputs: 1...1)

  private let attributes: SpatialAttributes
  private let countsPadding: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
    countsPadding = try node.flag("count_include_pad", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let window = try poolWindow("AveragePool", attributes, inputs[0]!.type).window
    return .types([ArrayType(.float, inputs[0]!.type.shape[..<2] + window.output)])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let x = inputs[0]!
    let (window, padsEnd) = try poolWindow("AveragePool", attributes, x.type)
    Pooling.average(
      x.pointer(of: Float.self), into: outputs[0].elements(of: Float.self).baseAddress!,
      planes: x.shape[0] * x.shape[1], window: window, countsPadding: countsPadding,
      padsEnd: padsEnd)
  }
}

private func poolWindow(
  _ name: String, _ attributes: SpatialAttributes, _ x: ArrayType
) throws(OperatorError) -> (window: Window, padsEnd: [Int]) {
  try expect(name, supports: x.elementType, x.elementType == .float)
  guard x.shape.count >= 3 else {
    throw OperatorError(.shapeMismatch, "expected at least three axes, got \(x.shape)")
  }
  guard let kernel = attributes.kernel else {
    throw OperatorError(.invalidAttribute, "attribute 'kernel_shape' is missing")
  }
  return try attributes.window(input: Array(x.shape[2...]), kernel: kernel)
}

/// One number per channel, over all spatial axes.
///
/// Shapes: x [N, C, spatial…], y [N, C, 1…].
/// Types: float.
/// Source: ONNX GlobalAveragePool-1, 22 and GlobalMaxPool-1, 22.
package struct GlobalPool<Function: GlobalPoolFunction>: Operator {
  package static var signature: OperatorSignature {
    OperatorSignature(Function.name, inputs: 1...1)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(Function.name, supports: type.elementType, type.elementType == .float)
    guard type.shape.count >= 3, !type.shape[2...].contains(0) else {
      throw OperatorError(
        .shapeMismatch, "expected spatial axes that are not empty, got \(type.shape)")
    }
    return .types([ArrayType(.float, type.shape[..<2] + type.shape[2...].map { _ in 1 })])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let x = inputs[0]!.elements(of: Float.self)
    let y = outputs[0].elements(of: Float.self)
    let count = y.isEmpty ? 0 : x.count / y.count
    for plane in y.indices {
      y[plane] = Function.apply(
        UnsafeBufferPointer(rebasing: x[plane * count..<(plane + 1) * count]))
    }
  }
}

/// What tells the operators of the family apart.
package protocol GlobalPoolFunction: Sendable {
  static var name: String { get }
  static func apply(_ plane: UnsafeBufferPointer<Float>) -> Float
}

/// The mean, summed in double.
package enum GlobalAverage: GlobalPoolFunction {
  package static let name = "GlobalAveragePool"
  package static func apply(_ plane: UnsafeBufferPointer<Float>) -> Float {
    Float(plane.reduce(0.0) { $0 + Double($1) } / Double(plane.count))
  }
}

/// The largest element.
package enum GlobalMaximum: GlobalPoolFunction {
  package static let name = "GlobalMaxPool"
  package static func apply(_ plane: UnsafeBufferPointer<Float>) -> Float {
    plane.reduce(-.infinity) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
  }
}
