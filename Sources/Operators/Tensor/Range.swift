package import GraphIR
import Tensors

/// Y = start, start + delta, … up to but without limit.
///
/// Shapes: start, limit, delta [] or [1]; Y [max(0, ceil((limit - start) / delta))].
/// Precision: element i is start + i delta, rounded as the element type does.
package struct RangeOperator: Operator {
  package static let signature = OperatorSignature("Range", since: 11, inputs: 3...3)

  package init(_ node: Node, opset: Int) throws(OperatorError) {}

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("Range", supports: type.elementType, type.elementType.isNumeric)
    for input in inputs {
      try expectSameType(type, input!.type)
      guard input!.type.shape == [] || input!.type.shape == [1] else {
        throw OperatorError(.shapeMismatch, "expected one element, got \(input!.type.shape)")
      }
    }
    var values: [TensorView] = []
    for input in inputs {
      guard let value = input!.value else { return .dependsOnContents }
      values.append(TensorView(value))
    }
    var count = 0
    try computingInFloat(values, []) { (values, _) throws(OperatorError) in
      count = try self.count(values[0]!.elementType.numeric, values)
    }
    withExtendedLifetime(inputs) {}
    return .types([try ArrayType(type.elementType, [count]).checked()])
  }

  private func count<Element: NumericElement>(
    _ type: Element.Type, _ values: [TensorView?]
  ) throws(OperatorError) -> Int {
    let numbers = values.map { $0!.start(as: Element.self)[0] }
    guard numbers[2] != Element.zero else { throw OperatorError(.invalidValue, "delta is 0") }
    if Element.isInteger {
      let (start, limit, delta) = (numbers[0].wide, numbers[1].wide, numbers[2].wide)
      let span = delta > 0 ? limit - start : start - limit
      return Int(clamping: span <= 0 ? 0 : (span - 1) / delta.magnitude128 + 1)
    }
    let steps = ((numbers[1].double - numbers[0].double) / numbers[2].double).rounded(.up)
    guard steps.isFinite else {
      throw OperatorError(.invalidValue, "start, limit or delta is not finite")
    }
    return Int(exactly: max(0, steps)) ?? .max
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      fill(outputs[0].elementType.numeric, inputs, outputs[0])
    }
  }

  private func fill<Element: NumericElement>(
    _ type: Element.Type, _ inputs: [TensorView?], _ y: MutableTensorView
  ) {
    let (start, delta) = (
      inputs[0]!.start(as: Element.self)[0], inputs[2]!.start(as: Element.self)[0]
    )
    let elements = y.start(as: Element.self)
    for index in 0..<y.count {
      elements[index] =
        Element.isInteger
        ? Element(wrapping: start.wide + Int128(index) * delta.wide)
        : Element(nearest: start.double + Double(index) * delta.double)
    }
  }
}

extension Int128 {
  /// The absolute value, which the differences of 64-bit integers have.
  fileprivate var magnitude128: Int128 { self < 0 ? 0 - self : self }
}
