package import GraphIR
import Tensors

/// Y = Σ of products of elements, as an equation of axis labels says: `ij,jk->ik`.
///
/// Attributes: `equation`: one term per input, and after `->` one for Y; without it Y has, in
/// alphabetical order, the labels that occur once. A label twice in a term takes the diagonal, one that
/// Y lacks is summed, `...` stands for leading axes that broadcast.
/// Types: float, double, integers, whose sums wrap around; float16 and bfloat16, computed in float.
/// Precision: inputs are taken from left to right, each step one matrix product.
/// Source: ONNX Einsum-12.
package struct Einsum: Operator {
  package static let signature = OperatorSignature("Einsum", since: 12, inputs: 1...Int.max)

  private let equation: EinsumEquation

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    equation = try EinsumEquation(try node.text("equation"))
    guard equation.terms.count == node.inputs.count, !node.inputs.contains(nil) else {
      throw OperatorError(
        .arity, "expected \(equation.terms.count) inputs, got \(node.inputs.count)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let types = inputs.map { $0!.type }
    for type in types { try expectSameType(types[0], type) }
    let elementType = types[0].elementType
    try expect("Einsum", supports: elementType, elementType.isNumeric)
    let contraction = try EinsumContraction(equation, types.map(\.shape))
    for step in contraction.steps {
      for shape in [step.leftShape, step.rightShape, step.resultShape] {
        _ = try ArrayType(elementType, shape).checked()
      }
    }
    return .types([ArrayType(elementType, contraction.outputShape)])
  }

  package func acceptsStrides(_ layout: Layout, at input: Int) -> Bool { true }

  package func scratchByteCount(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let contraction = try? EinsumContraction(equation, inputs.map { $0!.shape }) else {
      return 0
    }
    let type = outputs[0].elementType
    let size = type.isHalf ? MemoryLayout<Float>.stride : type.movableByteCount ?? 0
    return saturatingProduct([contraction.scratchCount, size])
  }

  package func multiplyAdds(_ inputs: [ArrayType?], _ outputs: [ArrayType]) -> Int {
    guard let contraction = try? EinsumContraction(equation, inputs.map { $0!.shape }) else {
      return 0
    }
    return contraction.steps.reduce(0) { sum, step in
      let (next, overflow) = sum.addingReportingOverflow(step.multiplyAdds)
      return overflow ? .max : next
    }
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    guard outputs[0].count > 0 else { return }
    let contraction = try EinsumContraction(equation, inputs.map { $0!.shape })
    try computingInFloat(inputs, outputs) { (inputs, outputs) in
      let (inputs, y) = (inputs.map { $0! }, outputs[0])
      switch y.elementType {
      case .float: contraction.evaluate(inputs, into: y, scratch, Float.self)
      case .double: contraction.evaluate(inputs, into: y, scratch, Double.self)
      case .int8: contraction.evaluate(inputs, into: y, scratch, Int8.self)
      case .int16: contraction.evaluate(inputs, into: y, scratch, Int16.self)
      case .int32: contraction.evaluate(inputs, into: y, scratch, Int32.self)
      case .int64: contraction.evaluate(inputs, into: y, scratch, Int64.self)
      case .uint8: contraction.evaluate(inputs, into: y, scratch, UInt8.self)
      case .uint16: contraction.evaluate(inputs, into: y, scratch, UInt16.self)
      case .uint32: contraction.evaluate(inputs, into: y, scratch, UInt32.self)
      default: contraction.evaluate(inputs, into: y, scratch, UInt64.self)
      }
    }
  }
}

/// An equation of `Einsum`, read but not yet fitted to shapes.
struct EinsumEquation: Sendable {
  /// A term's labels, in which `.` stands for the axes of an ellipsis.
  typealias Term = [Character]

  static let ellipsis: Character = "."
  let terms: [Term]
  let output: Term

  /// - Throws: `OperatorError.invalidAttribute` where the text is no equation.
  init(_ text: String) throws(OperatorError) {
    let sides = text.filter { $0 != " " }.split(separator: "->", omittingEmptySubsequences: false)
    guard sides.count <= 2 else {
      throw OperatorError(.invalidAttribute, "expected one '->' at most, got '\(text)'")
    }
    var terms: [Term] = []
    for part in sides[0].split(separator: ",", omittingEmptySubsequences: false) {
      terms.append(try Self.term(part, in: text))
    }
    self.terms = terms
    let labels = terms.flatMap { $0 }
    if sides.count == 2 {
      output = try Self.term(sides[1], in: text)
      guard Set(output).count == output.count, Set(output).isSubset(of: labels) else {
        throw OperatorError(
          .invalidAttribute,
          "expected the result's labels once each and among the inputs', got '\(text)'")
      }
    } else {
      let counts = Dictionary(labels.map { ($0, 1) }, uniquingKeysWith: +)
      output = counts.keys.filter { $0 == Self.ellipsis || counts[$0] == 1 }.sorted()
    }
  }

  private static func term(_ part: Substring, in text: String) throws(OperatorError) -> Term {
    let term = Term(part.replacing("...", with: String(ellipsis), maxReplacements: 1))
    let isWrittenOut = part.count(where: { $0 == ellipsis }) == (term.contains(ellipsis) ? 3 : 0)
    guard isWrittenOut, term.allSatisfy({ $0 == ellipsis || ($0.isASCII && $0.isLetter) }) else {
      throw OperatorError(
        .invalidAttribute, "expected letters and at most one '...' in a term, got '\(text)'")
    }
    return term
  }
}
