package import GraphIR
import Kernels
import Tensors

/// Convolution whose kernel positions are moved by offsets, and weighed by a mask, each on its own.
///
/// y[n, o, p] = Σ w[o, i, k] mask[n, g, k, p] x[n, i, p · stride + k · dilation − pad + offset[n, g, k, ·,
/// p]] + b[o], x being interpolated linearly between its elements and zero outside.
/// Shapes: x [N, C, spatial…] of r spatial axes, 6 at most; w [M, C / group, kernel…]; offset [N,
/// offset_group · kernel elements · r, output…]; b [M]; mask [N, offset_group · kernel elements,
/// output…]; y [N, M, output…].
/// Attributes: dilations, group (1), kernel_shape, offset_group (1), pads, strides.
/// Types: float, double; float16 and bfloat16, computed in float.
/// Source: ONNX DeformConv-19, 22.
package struct DeformConv: Operator {
  package static let signature = OperatorSignature("DeformConv", since: 19, inputs: 3...5)

  private let attributes: SpatialAttributes
  private let group: Int
  private let offsetGroup: Int

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    attributes = try SpatialAttributes(node)
    group = try node.integer("group", default: 1)
    offsetGroup = try node.integer("offset_group", default: 1)
    for (name, value) in [("group", group), ("offset_group", offsetGroup)] {
      guard (1...Int(Int32.max)).contains(value) else {
        throw OperatorError(.invalidAttribute, "attribute '\(name)' must be positive, got \(value)")
      }
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, w) = (inputs[0]!.type, inputs[1]!.type)
    try expect("DeformConv", supports: x.elementType, x.elementType.isFloatingPoint)
    for operand in inputs { try expectSameType(x, operand?.type ?? x) }
    let window = try window(x, w)
    let rank = window.input.count
    let points = saturatingProduct([offsetGroup, window.kernelCount])
    try expectShape(
      inputs[2]!.type, [x.shape[0], saturatingProduct([points, rank])] + window.output, "offsets")
    if let bias = inputs.input(3) { try expectShape(bias.type, [w.shape[0]], "a bias") }
    if let mask = inputs.input(4) {
      try expectShape(mask.type, [x.shape[0], points] + window.output, "a mask")
    }
    return .types([
      try ArrayType(x.elementType, [x.shape[0], w.shape[0]] + window.output).checked()
    ])
  }

  private func expectShape(
    _ type: ArrayType, _ shape: [Int], _ noun: String
  ) throws(OperatorError) {
    guard type.shape == shape else {
      throw OperatorError(
        .shapeMismatch, "expected \(noun) of shape \(shape), got \(type.shape)")
    }
  }

  private func window(_ x: ArrayType, _ w: ArrayType) throws(OperatorError) -> Window {
    guard x.shape.count >= 3, x.shape.count == w.shape.count else {
      throw OperatorError(
        .shapeMismatch, "expected as many axes in both inputs, got \(x.shape) and \(w.shape)")
    }
    guard x.shape.count <= SampledPlace.mostAxes + 2 else {
      throw OperatorError(.unsupported, "\(x.shape.count - 2) spatial axes are not supported")
    }
    guard x.shape[1] % group == 0, x.shape[1] / group == w.shape[1], w.shape[0] % group == 0,
      x.shape[1] % offsetGroup == 0
    else {
      throw OperatorError(
        .shapeMismatch,
        "channels do not fit \(group) groups and \(offsetGroup) of offsets, got \(x.shape) and "
          + "\(w.shape)")
    }
    guard saturatingProduct(w.shape[1...]) <= Int(Int32.max), w.shape[0] <= Int(Int32.max) else {
      throw OperatorError(.invalidShape, "weights of \(w.shape) are too large")
    }
    return try attributes.window(input: Array(x.shape[2...]), kernel: Array(w.shape[2...])).window
  }

  /// The sampled columns of one image.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    let (x, w) = (inputs[0]!, inputs[1]!)
    let size = x.elementType == .double ? MemoryLayout<Double>.stride : MemoryLayout<Float>.stride
    return saturatingProduct([x.shape[1]] + w.shape[2...] + outputs[0].shape[2...] + [size])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([outputs[0].count] + inputs[1]!.shape[1...])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let window = try window(inputs[0]!.type, inputs[1]!.type)
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      if outputs[0].elementType == .double {
        convolve(Double.self, inputs, outputs[0], window, scratch)
      } else {
        convolve(Float.self, inputs, outputs[0], window, scratch)
      }
    }
  }

  @inline(__always)
  private func convolve<Element: ContractedElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ inputs: [TensorView?], _ y: MutableTensorView, _ window: Window,
    _ scratch: UnsafeMutableRawBufferPointer
  ) {
    let (x, w) = (inputs[0]!, inputs[1]!)
    let columns =
      scratch.baseAddress?.assumingMemoryBound(to: type) ?? UnsafeMutablePointer(bitPattern: 64)!
    let (outputs, depth) = (window.outputCount, w.shape[1] * window.kernelCount)
    let rows = y.shape[1] / group
    let bias = inputs.input(3)?.pointer(of: type)
    for image in 0..<x.shape[0] {
      sample(
        x.pointer(of: type) + image * x.shape[1] * window.inputCount, x.shape[1],
        inputs[2]!.pointer(of: type)
          + image * offsetGroup * window.kernelCount * window.input.count * outputs,
        inputs.count > 4
          ? inputs[4].map {
            $0.pointer(of: type) + image * offsetGroup * window.kernelCount * outputs
          } : nil, window, into: columns)
      for part in 0..<group {
        let target = y.start(as: type) + (image * group + part) * rows * outputs
        Element.multiply(
          m: rows, n: outputs, k: depth,
          a: MatrixView(w.pointer(of: type) + part * rows * depth, leadingDimension: depth),
          b: MatrixView(
            UnsafePointer(columns + part * depth * outputs), leadingDimension: outputs),
          into: target)
        guard let bias else { continue }
        for row in 0..<rows {
          for i in 0..<outputs { target[row * outputs + i] += bias[part * rows + row] }
        }
      }
    }
  }

  /// columns[c, k, p] = mask x[c, the place k has at p], of one image.
  @inline(__always)
  private func sample<Element: NumericElement & BinaryFloatingPoint>(
    _ x: UnsafePointer<Element>, _ channels: Int, _ offsets: UnsafePointer<Element>,
    _ mask: UnsafePointer<Element>?, _ window: Window, into columns: UnsafeMutablePointer<Element>
  ) {
    let (rank, outputs) = (window.input.count, window.outputCount)
    let strides = Layout.packedStrides(of: window.input)
    let channelsPerGroup = channels / offsetGroup
    var sampled = SampledPlace()
    for part in 0..<offsetGroup {
      var kernel = [Int](repeating: 0, count: rank)
      for k in 0..<window.kernelCount {
        let point = part * window.kernelCount + k
        var output = [Int](repeating: 0, count: rank)
        for p in 0..<outputs {
          sampled.reset()
          for axis in 0..<rank {
            let place =
              output[axis] * window.strides[axis] + kernel[axis] * window.dilations[axis]
              - window.padsBegin[axis]
            weigh(
              Double(place) + Double(offsets[(point * rank + axis) * outputs + p]),
              window.input[axis], strides[axis], into: &sampled)
            sampled.moveAlongAxis()
          }
          let factor = mask.map { Double($0[point * outputs + p]) } ?? 1
          for c in part * channelsPerGroup..<(part + 1) * channelsPerGroup {
            columns[(c * window.kernelCount + k) * outputs + p] = Element(
              factor * sampled.sum(x + c * window.inputCount))
          }
          advance(&output, in: window.output)
        }
        advance(&kernel, in: window.kernel)
      }
    }
  }

  private func weigh(
    _ place: Double, _ extent: Int, _ stride: Int, into sampled: inout SampledPlace
  ) {
    guard place > -1, place < Double(extent) else { return }
    let first = Int(place.rounded(.down))
    let t = place - place.rounded(.down)
    if first >= 0 { sampled.weigh(first * stride, by: 1 - t) }
    if first + 1 < extent { sampled.weigh((first + 1) * stride, by: t) }
  }
}
