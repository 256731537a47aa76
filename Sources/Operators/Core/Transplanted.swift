package import GraphIR
import Tensors

/// A domain that has operators of the default one under the same names.
package protocol OperatorDomain: Sendable { static var name: String { get } }

/// An operator of the default domain under another, where no operator set's version bars it.
package struct Transplanted<Domain: OperatorDomain, Base: Operator>: Operator {
  private let base: Base

  package static var signature: OperatorSignature {
    let signature = Base.signature
    return OperatorSignature(
      signature.name, domain: Domain.name, inputs: signature.inputs, outputs: signature.outputs)
  }

  /// The base takes the attributes as the last version it holds for does.
  package init(_ node: Node, opset: Int) throws(OperatorError) {
    base = try Base(node, opset: Base.signature.versions.upperBound)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    try base.infer(inputs)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) { try base.evaluate(inputs, outputs, scratch: scratch) }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    base.scratchByteCount(inputs, outputs)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool {
    base.acceptsStrides(layout, at: input)
  }

  package var overwritableInputs: [Int] { base.overwritableInputs }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    base.multiplyAdds(inputs, outputs)
  }

  package var isDeterministic: Bool { base.isDeterministic }
}
