package import GraphIR
import Tensors

/// Where affine maps take the positions of a regular grid.
///
/// Shapes: theta [N, r, r + 1], r 2 or 3; size [r + 2]: N, C and the extents; grid [N, extents…, r].
/// A position counts from −1 to 1 along each axis and names the last axis first.
/// Attributes: align_corners (0): whether −1 and 1 are the centres of the outermost elements or, as by
/// default, their outer edges. An axis of one element lies at −1 where they are centres.
/// Types: float, double, float16, bfloat16; size must be known before evaluation.
/// Precision: computed in double, rounded once; halves by way of float.
/// Source: ONNX AffineGrid-20.
package struct AffineGrid: Operator {
  package static let signature = OperatorSignature("AffineGrid", since: 20, inputs: 2...2)

  private let alignsCorners: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    alignsCorners = try node.flag("align_corners", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let theta = inputs[0]!.type
    try expect("AffineGrid", supports: theta.elementType, theta.elementType.isFloatingPoint)
    guard theta.shape.count == 3, [2, 3].contains(theta.shape[1]),
      theta.shape[2] == theta.shape[1] + 1
    else {
      throw OperatorError(
        .shapeMismatch, "expected matrices of shape [2, 3] or [3, 4], got \(theta.shape)")
    }
    guard let size = try inputs[1]!.integers("size") else { return .dependsOnContents }
    guard size.count == theta.shape[1] + 2, size[0] == theta.shape[0] else {
      throw OperatorError(.shapeMismatch, "size \(size) does not fit \(theta.shape)")
    }
    return .types([
      try ArrayType(theta.elementType, [size[0]] + size[2...] + [theta.shape[1]]).checked()
    ])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    try computingInFloat([inputs[0]], outputs) { (inputs, outputs) in
      if outputs[0].elementType == .double {
        fill(Double.self, inputs[0]!, outputs[0])
      } else {
        fill(Float.self, inputs[0]!, outputs[0])
      }
    }
  }

  @inline(__always)
  private func fill<Element: NumericElement & BinaryFloatingPoint>(
    _ type: Element.Type, _ theta: TensorView, _ grid: MutableTensorView
  ) {
    let (matrices, target) = (theta.pointer(of: type), grid.start(as: type))
    let rank = theta.shape[1]
    let extents = Array(grid.shape[1...rank])
    let positions = extents.reduce(1, *)
    for n in 0..<grid.shape[0] {
      let matrix = matrices + n * rank * (rank + 1)
      var place = [Int](repeating: 0, count: rank)
      for position in 0..<positions {
        for row in 0..<rank {
          var sum = Double(matrix[row * (rank + 1) + rank])
          for column in 0..<rank {
            let axis = rank - 1 - column
            sum +=
              Double(matrix[row * (rank + 1) + column]) * coordinate(place[axis], of: extents[axis])
          }
          target[(n * positions + position) * rank + row] = Element(sum)
        }
        advance(&place, in: extents)
      }
    }
  }

  private func coordinate(_ index: Int, of extent: Int) -> Double {
    alignsCorners
      ? -1 + 2 * Double(index) / Double(max(extent - 1, 1))
      : (2 * Double(index) + 1) / Double(extent) - 1
  }
}
