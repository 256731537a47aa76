package import GraphIR
import Kernels
import Tensors

/// C = the remainder of A / B, with multidirectional broadcasting.
///
/// Attributes: `fmod` (0): whether the remainder has the sign of A, as C's `fmod`, or that of B. Floats
/// need `fmod` 1 before version 28; here either is taken.
/// Shapes: A, B any two that broadcast; C their common shape.
/// Throws: `OperatorError.invalidValue` where an integer is divided by zero.
package struct Mod: Operator {
  let takesSignOfDividend: Bool

  package static let signature = OperatorSignature("Mod", since: 10, inputs: 2...2)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    takesSignOfDividend = try node.flag("fmod", default: false)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (a, b) = (inputs[0]!.type, inputs[1]!.type)
    try expectSameType(a, b)
    try expect("Mod", supports: a.elementType, a.elementType.isNumeric)
    return .types([try ArrayType(a.elementType, broadcastShape(a.shape, b.shape)).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      try evaluate(inputs[0]!.elementType.numeric, inputs[0]!, inputs[1]!, outputs[0])
    }
  }

  private func evaluate<Element: NumericElement>(
    _ type: Element.Type, _ a: TensorView, _ b: TensorView, _ c: MutableTensorView
  ) throws(OperatorError) {
    if Element.isInteger { try expectNoZeros(type, b) }
    let f = takesSignOfDividend ? Element.remainder : Element.modulo
    Broadcast.map(
      a.start(as: Element.self), strides: a.strides(broadcastTo: c.shape),
      b.start(as: Element.self), strides: b.strides(broadcastTo: c.shape),
      into: c.start(as: Element.self), shape: c.shape, f)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0, 1] }
}
