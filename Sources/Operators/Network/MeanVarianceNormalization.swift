package import GraphIR
import Kernels
import Tensors

/// y = (x − mean) / (√variance + 1e-9), mean and variance being those over the given axes.
///
/// Shapes: x and y [any].
/// Attributes: axes ([0, 2, 3]).
/// Types: float, double; float16 and bfloat16, computed in float.
/// Precision: mean and variance in double, the variance about the mean.
/// Source: ONNX MeanVarianceNormalization-9, 13.
package struct MeanVarianceNormalization: Operator {
  package static let signature = OperatorSignature(
    "MeanVarianceNormalization", since: 9, inputs: 1...1)

  private let axes: [Int]

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axes = try node.integers("axes") ?? [0, 2, 3]
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect(
      "MeanVarianceNormalization", supports: type.elementType, type.elementType.isFloatingPoint)
    _ = try normalizedAxes(axes, rank: type.shape.count)
    return .types([type])
  }

  package var overwritableInputs: [Int] { [0] }

  /// A mean and a variance for each index of the other axes.
  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let kept = try? keptShape(outputs[0].shape) else { return 0 }
    return saturatingProduct(kept + [2 * MemoryLayout<Double>.stride])
  }

  /// The shape with the normalised axes 1.
  private func keptShape(_ shape: [Int]) throws(OperatorError) -> [Int] {
    let axes = try normalizedAxes(axes, rank: shape.count)
    return shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let kept = try keptShape(outputs[0].shape)
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      let memory = scratch.baseAddress!.assumingMemoryBound(to: Double.self)
      if outputs[0].elementType == .double {
        normalize(Double.self, inputs[0]!, outputs[0], kept, memory)
      } else {
        normalize(Float.self, inputs[0]!, outputs[0], kept, memory)
      }
    }
  }

  @inline(__always)
  private func normalize<Element: NumericElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView, _ kept: [Int],
    _ memory: UnsafeMutablePointer<Double>
  ) {
    let (source, target) = (x.pointer(of: type), y.start(as: type))
    let groups = kept.reduce(1, *)
    let (means, variances) = (memory, memory + groups)
    let count = Double(y.count / groups)
    memory.update(repeating: 0, count: 2 * groups)
    let loop = StridedLoop(
      shape: y.shape, strides: [Layout(contiguous: kept).broadcast(to: y.shape)!.strides])
    loop.forEachRun { places, start, count in
      let (group, step) = (places[0].start, places[0].step)
      for i in 0..<count { means[group + i * step] += Double(source[start + i]) }
    }
    for group in 0..<groups { means[group] /= count }
    loop.forEachRun { places, start, count in
      let (group, step) = (places[0].start, places[0].step)
      for i in 0..<count {
        let distance = Double(source[start + i]) - means[group + i * step]
        variances[group + i * step] += distance * distance
      }
    }
    for group in 0..<groups { variances[group] = (variances[group] / count).squareRoot() + 1e-9 }
    loop.forEachRun { places, start, count in
      let (group, step) = (places[0].start, places[0].step)
      for i in 0..<count {
        let distance = Double(source[start + i]) - means[group + i * step]
        target[start + i] = Element(distance / variances[group + i * step])
      }
    }
  }
}
