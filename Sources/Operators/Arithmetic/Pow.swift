import Glibc
package import GraphIR
import Kernels
import Tensors

/// Z = X to the power Y, in the type of X, with multidirectional broadcasting.
///
/// Shapes: X, Y any two that broadcast; Z their common shape.
/// Precision: integers to integer powers wrap around; every other integer result is the whole part of
/// the double-precision power.
/// Versions: from 12 on the exponent may be of another type than the base; here always.
package struct Pow: Operator {
  package static let signature = OperatorSignature("Pow", since: 7, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, y) = (inputs[0]!.type, inputs[1]!.type)
    for type in [x, y] { try expect("Pow", supports: type.elementType, type.elementType.isNumeric) }
    return .types([try ArrayType(x.elementType, broadcastShape(x.shape, y.shape)).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let (x, y, z) = (inputs[0]!, inputs[1]!, outputs[0])
      if x.elementType == .float, y.elementType == .float {
        BinaryFunction.power.apply(
          x.start(), strides: x.strides(broadcastTo: z.shape), y.start(),
          strides: y.strides(broadcastTo: z.shape), into: z.start(), shape: z.shape)
      } else {
        evaluate(x.elementType.numeric, y.elementType.numeric, x, y, z)
      }
    }
  }

  private func evaluate<Base: NumericElement, Exponent: NumericElement>(
    _ base: Base.Type, _ exponent: Exponent.Type, _ x: TensorView, _ y: TensorView,
    _ z: MutableTensorView
  ) {
    Broadcast.map(
      x.start(as: Base.self), strides: x.strides(broadcastTo: z.shape),
      y.start(as: Exponent.self), strides: y.strides(broadcastTo: z.shape),
      into: z.start(as: Base.self), shape: z.shape
    ) { x, y in
      Base.isInteger && Exponent.isInteger && y >= Exponent.zero
        ? power(x, UInt64(y.wide)) : Base(nearest: pow(x.double, y.double))
    }
  }

  /// `base` multiplied `exponent` times, wrapping around.
  private func power<Base: NumericElement>(_ base: Base, _ exponent: UInt64) -> Base {
    var (result, square, rest) = (Base.one, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result = Base.product(result, square) }
      square = Base.product(square, square)
      rest >>= 1
    }
    return result
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0] }
}
