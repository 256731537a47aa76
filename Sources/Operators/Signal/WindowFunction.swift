import Glibc
package import GraphIR
import Tensors

/// Y = a window that falls from its middle to both ends.
///
/// Attributes: `output_datatype` (float); `periodic` (1): the first numbers of a window that is longer
/// by one.
/// Shapes: size []; Y [size].
/// Types: size int32 or int64; Y any number.
/// Precision: in double, rounded once; integers take the whole part.
/// Source: ONNX HannWindow-17, HammingWindow-17, BlackmanWindow-17.
package struct WindowFunction<Definition: WindowDefinition>: Operator {
  let elementType: ElementType
  let isPeriodic: Bool

  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, since: 17, inputs: 1...1)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    elementType = try node.elementType("output_datatype") ?? .float
    isPeriodic = try node.flag("periodic", default: true)
    try expect(Definition.name, supports: elementType, elementType.isNumeric)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    guard let size = try scalar(inputs[0]!, "size") else { return .dependsOnContents }
    return .types([try ArrayType(elementType, [size]).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat([], outputs) { (_, outputs) throws(OperatorError) in
      fill(outputs[0].elementType.numeric, outputs[0])
    }
  }

  private func fill<Element: NumericElement>(_ type: Element.Type, _ y: MutableTensorView) {
    let elements = y.start(as: Element.self)
    let period = isPeriodic ? y.count : y.count - 1
    for n in 0..<y.count {
      // A symmetric window of one number is its middle.
      let turn = period == 0 ? 0.5 : Double(n) / Double(period)
      elements[n] = Element(nearest: Definition.value(2 * Double.pi * turn))
    }
  }
}

/// The shape of a window, as a function of the angle that runs from 0 to 2π.
package protocol WindowDefinition: Sendable {
  static var name: String { get }
  static func value(_ angle: Double) -> Double
}

/// sin²(angle / 2).
package enum HannWindow: WindowDefinition {
  package static let name = "HannWindow"
  package static func value(_ angle: Double) -> Double { sin(angle / 2) * sin(angle / 2) }
}

/// 25/46 - 21/46 cos(angle).
package enum HammingWindow: WindowDefinition {
  package static let name = "HammingWindow"
  package static func value(_ angle: Double) -> Double { (25 - 21 * cos(angle)) / 46 }
}

/// 0.42 - 0.5 cos(angle) + 0.08 cos(2 angle).
package enum BlackmanWindow: WindowDefinition {
  package static let name = "BlackmanWindow"
  package static func value(_ angle: Double) -> Double {
    0.42 - 0.5 * cos(angle) + 0.08 * cos(2 * angle)
  }
}
