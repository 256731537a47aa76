package import GraphIR
import Kernels
import Tensors

/// x cut, or surrounded by zeros, so that it has given extents about its centre.
///
/// Shapes: x [any]; shape [axes], the extents, which must be known before evaluation; y [as given].
/// Attributes: axes (all), which `shape` speaks of.
/// An odd element is cut from the end, and added there.
/// Types: all whose elements fill whole bytes.
/// Source: ONNX CenterCropPad-18.
package struct CenterCropPad: Operator {
  package static let signature = OperatorSignature("CenterCropPad", since: 18, inputs: 2...2)

  private let axes: [Int]?

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axes = try node.integers("axes")
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    var type = inputs[0]!.type
    try expectMovable("CenterCropPad", type)
    let axes = try normalizedAxes(axes ?? Array(type.shape.indices), rank: type.shape.count)
    guard let extents = try inputs[1]!.integers("shape") else { return .dependsOnContents }
    guard extents.count == axes.count else {
      throw OperatorError(
        .shapeMismatch, "expected \(axes.count) extents, got \(extents.count)")
    }
    for (axis, extent) in zip(axes, extents) { type.shape[axis] = extent }
    return .types([try type.checked()])
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { input == 0 }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    let size = y.elementType.movableByteCount!
    y.buffer.initializeMemory(as: UInt8.self, repeating: 0, count: y.count * size)
    let common = zip(x.shape, y.shape).map { min($0, $1) }
    guard !common.contains(0) else { return }
    let targetStrides = Layout.packedStrides(of: y.shape)
    var (source, target) = (x.bytePointer, y.buffer)
    for axis in common.indices {
      source += (x.shape[axis] - common[axis]) / 2 * x.strides[axis] * size
      target += (y.shape[axis] - common[axis]) / 2 * targetStrides[axis] * size
    }
    StridedLoop(shape: common, strides: [x.strides, targetStrides]).forEachRun { places, _, count in
      for i in 0..<count {
        (target + (places[1].start + i * places[1].step) * size).copyMemory(
          from: source + (places[0].start + i * places[0].step) * size, byteCount: size)
      }
    }
  }
}
