import Glibc
package import GraphIR
import Tensors

/// Y = random numbers of a distribution, in a shape that the node gives or that of X.
///
/// Attributes: `shape`, or none and X; `dtype`: `float`, or that of X where absent; `seed`: where absent
/// the node's name takes its place, so that the same node always draws the same numbers; `mean` (0) and
/// `scale` (1) of the normal distribution, `low` (0) and `high` (1) of the uniform one.
/// Shapes: X, Y [any].
/// Types: float, double, float16, bfloat16; X of any.
/// Precision: drawn in double, rounded once.
/// Source: ONNX RandomNormal-1, 22, RandomNormalLike-1, 22, RandomUniform-1, 22, RandomUniformLike-1, 22.
package struct RandomOperator<Definition: RandomDefinition>: Operator {
  private let numbers: RandomNumbers
  private let first, second: Float
  private let elementType: ElementType?
  private let shape: [Int]?

  package static var signature: OperatorSignature {
    OperatorSignature(Definition.name, inputs: Definition.takesShapeOfInput ? 1...1 : 0...0)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    numbers = try RandomNumbers(node)
    first = try node.number(Definition.isNormal ? "mean" : "low", default: 0)
    second = try node.number(Definition.isNormal ? "scale" : "high", default: 1)
    elementType = try node.elementType("dtype")
    shape = Definition.takesShapeOfInput ? nil : try node.integers("shape")
    guard Definition.takesShapeOfInput || shape != nil else {
      throw OperatorError(.invalidAttribute, "attribute 'shape' is missing")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs.first.flatMap { $0?.type }
    let element = elementType ?? type?.elementType ?? .float
    try expect(Definition.name, supports: element, element.isFloatingPoint)
    return .types([try ArrayType(element, shape ?? type?.shape ?? []).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat([], outputs) { (_, outputs) throws(OperatorError) in
      let y = outputs[0]
      if y.elementType == .double {
        let elements = y.start(as: Double.self)
        for index in 0..<y.count { elements[index] = draw(index) }
      } else {
        let elements = y.start(as: Float.self)
        for index in 0..<y.count { elements[index] = Float(draw(index)) }
      }
    }
  }

  private func draw(_ place: Int) -> Double {
    Definition.isNormal
      ? Double(first) + Double(second) * numbers.normal(place)
      : Double(first) + (Double(second) - Double(first)) * numbers.uniform(place)
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { true }
}

/// What tells the random operators apart.
package protocol RandomDefinition: Sendable {
  static var name: String { get }
  static var isNormal: Bool { get }
  static var takesShapeOfInput: Bool { get }
}

/// Normal, in a given shape.
package enum RandomNormal: RandomDefinition {
  package static let name = "RandomNormal"
  package static let isNormal = true
  package static let takesShapeOfInput = false
}

/// Normal, in the shape of the input.
package enum RandomNormalLike: RandomDefinition {
  package static let name = "RandomNormalLike"
  package static let isNormal = true
  package static let takesShapeOfInput = true
}

/// Uniform, in a given shape.
package enum RandomUniform: RandomDefinition {
  package static let name = "RandomUniform"
  package static let isNormal = false
  package static let takesShapeOfInput = false
}

/// Uniform, in the shape of the input.
package enum RandomUniformLike: RandomDefinition {
  package static let name = "RandomUniformLike"
  package static let isNormal = false
  package static let takesShapeOfInput = true
}

/// Y = 1 with the probability that X says, else 0.
///
/// Attributes: `dtype`, that of X where absent; `seed` as `RandomOperator`.
/// Shapes: X, Y [any].
/// Types: X float, double, float16, bfloat16; Y any number or truth value.
/// Source: ONNX Bernoulli-15, 22.
package struct Bernoulli: Operator {
  private let numbers: RandomNumbers
  private let elementType: ElementType?

  package static let signature = OperatorSignature("Bernoulli", since: 15, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    numbers = try RandomNumbers(node)
    elementType = try node.elementType("dtype")
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    let element = elementType ?? type.elementType
    try expect("Bernoulli", supports: type.elementType, type.elementType.isFloatingPoint)
    try expect("Bernoulli", supports: element, element.isNumeric || element == .bool)
    return .types([try ArrayType(element, type.shape).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      fill(outputs[0].elementType.numeric, inputs[0]!, outputs[0])
    }
  }

  private func fill<Element: NumericElement>(
    _ type: Element.Type, _ x: TensorView, _ y: MutableTensorView
  ) {
    let elements = y.start(as: Element.self)
    for index in 0..<y.count {
      let probability =
        x.elementType == .double
        ? x.start(as: Double.self)[index] : Double(x.start(as: Float.self)[index])
      elements[index] = numbers.uniform(index) < probability ? .one : .zero
    }
  }
}

/// Y = numbers of classes, drawn for each row from the softmax of its scores.
///
/// Attributes: `dtype` (int32); `sample_size` (1); `seed` as `RandomOperator`.
/// Shapes: X [batch, classes]; Y [batch, sample_size].
/// Types: X float, double, float16, bfloat16; Y int32 or int64.
/// Source: ONNX Multinomial-7, 22.
package struct Multinomial: Operator {
  private let numbers: RandomNumbers
  private let elementType: ElementType
  private let sampleCount: Int

  package static let signature = OperatorSignature("Multinomial", since: 7, inputs: 1...1)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    numbers = try RandomNumbers(node)
    elementType = try node.elementType("dtype") ?? .int32
    sampleCount = try node.integer("sample_size", default: 1)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let type = inputs[0]!.type
    try expect("Multinomial", supports: type.elementType, type.elementType.isFloatingPoint)
    try expect(
      "Multinomial", supports: elementType, elementType == .int32 || elementType == .int64)
    guard type.shape.count == 2, type.shape[1] > 0, type.shape[1] <= Int(Int32.max) else {
      throw OperatorError(.shapeMismatch, "expected rows of classes, got \(type.shape)")
    }
    return .types([try ArrayType(elementType, [type.shape[0], sampleCount]).checked()])
  }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    saturatingProduct([inputs[0]!.shape[1], MemoryLayout<Double>.stride])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let sums = scratch.bindMemory(to: Double.self)
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      let (x, y) = (inputs[0]!, outputs[0])
      let classes = x.shape[1]
      for row in 0..<(y.count > 0 ? x.shape[0] : 0) {
        func score(_ c: Int) -> Double {
          x.elementType == .double
            ? x.start(as: Double.self)[row * classes + c]
            : Double(x.start(as: Float.self)[row * classes + c])
        }
        let largest = (0..<classes).reduce(-Double.infinity) { max($0, score($1)) }
        var total = 0.0
        for c in 0..<classes {
          total += exp(score(c) - largest)
          sums[c] = total
        }
        for sample in 0..<sampleCount {
          let place = row * sampleCount + sample
          let limit = numbers.uniform(place) * total
          let drawn = (0..<classes).first { sums[$0] > limit } ?? classes - 1
          if y.elementType == .int32 {
            y.start(as: Int32.self)[place] = Int32(drawn)
          } else {
            y.start(as: Int64.self)[place] = Int64(drawn)
          }
        }
      }
    }
  }
}
