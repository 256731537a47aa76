package import GraphIR
import Kernels
import Tensors

/// Blocks added up where they lie in an image.
///
/// Shapes: x [N, C · block elements, blocks]; image_shape and block_shape [spatial axes], which must be
/// known before evaluation; y [N, C, image_shape…]. Blocks and their elements come in row-major order.
/// Attributes: dilations, pads, strides.
/// Types: float, double, integers, whose sums wrap around; float16 and bfloat16, computed in float.
/// Source: ONNX Col2Im-18.
package struct Col2Im: Operator {
  package static let signature = OperatorSignature("Col2Im", since: 18, inputs: 3...3)

  private let attributes: SpatialAttributes

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let x = inputs[0]!.type
    try expect("Col2Im", supports: x.elementType, x.elementType.isNumeric)
    guard x.shape.count == 3 else {
      throw OperatorError(.shapeMismatch, "expected three axes, got \(x.shape)")
    }
    guard let window = try window(inputs) else { return .dependsOnContents }
    guard x.shape[1] % window.kernelCount == 0, x.shape[2] == window.outputCount else {
      throw OperatorError(
        .shapeMismatch,
        "expected \(window.outputCount) blocks of \(window.kernelCount) elements per channel, got "
          + "\(x.shape)")
    }
    let channels = x.shape[1] / window.kernelCount
    return .types([try ArrayType(x.elementType, [x.shape[0], channels] + window.input).checked()])
  }

  /// The window whose positions the blocks are, or `nil` where its shapes are not known.
  private func window(_ inputs: [Operand?]) throws(OperatorError) -> Window? {
    guard let image = try inputs[1]!.integers("image_shape"),
      let block = try inputs[2]!.integers("block_shape")
    else { return nil }
    guard !image.isEmpty, image.allSatisfy({ $0 > 0 }) else {
      throw OperatorError(.invalidShape, "expected an image with elements, got \(image)")
    }
    return try attributes.window(input: image, kernel: block).window
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0,
      let window = try window(inputs.map { $0.map { Operand($0.type, value: $0.smallContents) } })
    else { return }
    try computingInFloat([inputs[0]], outputs) { (inputs, outputs) in
      let (x, y) = (inputs[0]!, outputs[0])
      switch x.elementType {
      case .float: add(Float.self, x, into: y, window)
      case .double: add(Double.self, x, into: y, window)
      default: add(x.elementType.numeric, x, into: y, window)
      }
    }
  }

  private func add<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, into y: MutableTensorView, _ window: Window
  ) {
    let (source, target) = (x.start(as: type), y.start(as: type))
    let (image, blocks) = (window.inputCount, window.outputCount)
    target.update(repeating: .zero, count: y.count)
    window.forEachRun { element, block, place, count in
      for plane in 0..<y.shape[0] * y.shape[1] {
        let sums = target + plane * image + place.start
        let terms = source + (plane * window.kernelCount + element) * blocks + block.start
        for i in 0..<count {
          sums[i * place.step] = Element.sum(sums[i * place.step], terms[i * block.step])
        }
      }
    }
  }
}
