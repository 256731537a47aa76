package import GraphIR
package import Kernels
import Tensors

/// A function of one number: what a `UnaryOperator` applies.
package protocol UnaryDefinition: Sendable {
  static var name: String { get }
  static var since: Int { get }
  static var integers: IntegerSupport { get }
  init(_ node: Node, opset: Int) throws(OperatorError)
  /// The kernel for `float`; `apply` in double precision where there is none.
  var kernel: UnaryFunction? { get }
  func apply(_ x: Double) -> Double
  /// For integers, where `integers` says that there are any.
  func apply<Integer: FixedWidthInteger>(integer x: Integer) -> Integer
}

/// Which integers a function is defined for.
package enum IntegerSupport: Sendable { case none, signed, all }

extension UnaryDefinition {
  package static var since: Int { 6 }
  package static var integers: IntegerSupport { .none }
  package var kernel: UnaryFunction? { nil }
  package func apply<Integer: FixedWidthInteger>(integer x: Integer) -> Integer { x }
}

/// A function without attributes.
package protocol PlainUnaryDefinition: UnaryDefinition { init() }

extension PlainUnaryDefinition {
  package init(_ node: Node, opset: Int) throws(OperatorError) { self.init() }
}

/// Y = f(X), element by element.
///
/// Shapes: X, Y [any].
/// Precision: `float` as the kernel states, else the double-precision function rounded once.
package struct UnaryOperator<Definition: UnaryDefinition>: Operator {
  let definition: Definition

  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, since: Definition.since, inputs: 1...1)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    definition = try Definition(node, opset: opset)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    let isSupported =
      switch (type.elementType, Definition.integers) {
      case (let type, _) where type.isFloatingPoint: true
      case (let type, .all): type.isInteger
      case (.int8, .signed), (.int16, .signed), (.int32, .signed), (.int64, .signed): true
      default: false
      }
    try expect(Definition.name, supports: type.elementType, isSupported)
    return .types([type])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let (x, y) = (inputs[0]!, outputs[0])
      switch x.elementType {
      case .float: evaluateFloat(x, y)
      case .double: map(x, y) { (x: Double) in definition.apply(x) }
      case .int8: map(x, y) { (x: Int8) in definition.apply(integer: x) }
      case .int16: map(x, y) { (x: Int16) in definition.apply(integer: x) }
      case .int32: map(x, y) { (x: Int32) in definition.apply(integer: x) }
      case .int64: map(x, y) { (x: Int64) in definition.apply(integer: x) }
      case .uint8: map(x, y) { (x: UInt8) in definition.apply(integer: x) }
      case .uint16: map(x, y) { (x: UInt16) in definition.apply(integer: x) }
      case .uint32: map(x, y) { (x: UInt32) in definition.apply(integer: x) }
      default: map(x, y) { (x: UInt64) in definition.apply(integer: x) }
      }
    }
  }

  private func evaluateFloat(_ x: TensorView, _ y: MutableTensorView) {
    guard let kernel = definition.kernel else {
      return map(x, y) { (x: Float) in Float(definition.apply(Double(x))) }
    }
    let target = y.start(as: Float.self)
    StridedLoop(shape: x.shape, strides: [x.strides]).forEachRun { places, output, count in
      let source = x.start(as: Float.self) + places[0].start
      if places[0].step == 1 || count == 1 {
        kernel.apply(source, into: target + output, count: count)
      } else {
        for i in 0..<count { target[output + i] = source[i * places[0].step] }
        kernel.apply(target + output, into: target + output, count: count)
      }
    }
  }

  @inline(__always)
  private func map<Element>(
    _ x: TensorView, _ y: MutableTensorView, _ f: (Element) -> Element
  ) {
    Broadcast.map(x.start(), strides: x.strides, into: y.start(), shape: y.shape, f)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { hasUnitRuns(layout) }
  package var overwritableInputs: [Int] { [0] }
}
