import GraphIR
import Operators
import Tensors
import Testing

/// A node applied to given inputs, and what must come of it.
struct OperatorCase: Sendable, CustomTestStringConvertible {
  /// What must come of a case.
  enum Expectation: Sendable {
    /// These outputs; `nil` stands for one that is not compared.
    case outputs([Tensor?], tolerance: Tolerance)
    /// An error with exactly these words, on reading the node, inferring types or evaluating.
    case failure(String)
  }

  let operatorType: String
  let domain: String
  let opset: Int
  let attributes: [Attribute]
  let inputs: [Tensor?]
  let expectation: Expectation

  /// A case that succeeds. Elements agree where |got - expected| <= absolute + relative |expected|.
  init(
    _ operatorType: String, domain: String = "", opset: Int = 21, _ inputs: [Tensor?],
    _ attributes: [Attribute] = [], gives outputs: [Tensor?], tolerance: Tolerance = .exact
  ) {
    self.init(
      operatorType, domain, opset, inputs, attributes, .outputs(outputs, tolerance: tolerance))
  }

  /// A case that fails.
  init(
    _ operatorType: String, domain: String = "", opset: Int = 21, _ inputs: [Tensor?],
    _ attributes: [Attribute] = [], fails message: String
  ) {
    self.init(operatorType, domain, opset, inputs, attributes, .failure(message))
  }

  private init(
    _ operatorType: String, _ domain: String, _ opset: Int, _ inputs: [Tensor?],
    _ attributes: [Attribute], _ expectation: Expectation
  ) {
    self.operatorType = operatorType
    self.domain = domain
    self.opset = opset
    self.attributes = attributes
    self.inputs = inputs
    self.expectation = expectation
  }

  var testDescription: String {
    let types = inputs.map { $0.map { "\(ArrayType($0))" } ?? "" }.joined(separator: ", ")
    let settings = attributes.map(\.name).joined(separator: ", ")
    return "\(operatorType)\(opset)(\(types)) <\(settings)>"
  }

  /// The operator that the case's node applies.
  func instantiate(outputs: Int) throws(OperatorError) -> any Operator {
    let node = Node(
      operatorType, domain: domain,
      inputs: inputs.enumerated().map { $1 == nil ? nil : ValueID($0) },
      outputs: (0..<outputs).map { ValueID(inputs.count + $0) }, attributes: attributes)
    return try OperatorRegistry.standard.instantiate(node, opset: opset)
  }

  /// Checks the outputs or the error, and every promise the operator makes of views, strides and
  /// overwriting.
  func check(sourceLocation: SourceLocation = #_sourceLocation) throws {
    switch expectation {
    case .failure(let message):
      let error = #expect(throws: OperatorError.self, sourceLocation: sourceLocation) {
        _ = try instantiate(outputs: 1).evaluate(tensors: inputs)
      }
      #expect(error?.message == message, "\(testDescription)", sourceLocation: sourceLocation)
    case .outputs(let expected, let tolerance):
      let operation = try instantiate(outputs: expected.count)
      let results = try operation.evaluate(tensors: inputs)
      try #require(results.count == expected.count, sourceLocation: sourceLocation)
      for (result, expected) in zip(results, expected) {
        guard let expected else { continue }
        let difference = tolerance.difference(result, expected)
        #expect(difference == nil, "\(testDescription)", sourceLocation: sourceLocation)
      }
      let promises = try OperatorPromises(operation, inputs, results).broken()
      #expect(promises == [], "\(testDescription)", sourceLocation: sourceLocation)
    }
  }
}

/// How far elements may lie from what is expected.
struct Tolerance: Sendable {
  let relative: Double
  let absolute: Double

  init(relative: Double = 0, absolute: Double = 0) {
    self.relative = relative
    self.absolute = absolute
  }

  static let exact = Tolerance()

  /// The first place where two tensors do not agree, in words; `nil` where they do.
  func difference(_ got: Tensor, _ expected: Tensor) -> String? {
    guard ArrayType(got) == ArrayType(expected) else {
      return "expected \(ArrayType(expected)), got \(ArrayType(got))"
    }
    guard let numbers = got.numbers, let expectedNumbers = expected.numbers else {
      return got.isIdentical(to: expected) ? nil : "contents differ"
    }
    for (index, (x, y)) in zip(numbers, expectedNumbers).enumerated() {
      let agree =
        x == y || (x.isNaN && y.isNaN)
        || (y.isFinite && abs(x - y) <= absolute + relative * abs(y))
      if !agree { return "element \(index): expected \(y), got \(x)" }
    }
    return nil
  }
}

extension Tensor {
  /// A tensor without axes.
  static func scalar<Element: TensorElement>(_ value: Element) -> Tensor {
    Tensor([value], shape: [])
  }

  /// The indices, sizes or axes that many operators take.
  static func int64s(_ values: [Int64], shape: [Int]? = nil) -> Tensor {
    Tensor(values, shape: shape)
  }

  /// The elements as `Double`; `nil` where the type has none, or has integers that `Double` rounds.
  var numbers: [Double]? {
    switch elementType {
    case .float: elements(as: Float.self).map(Double.init)
    case .double: elements(as: Double.self)
    case .float16: bitPatterns.map { Double(Float16(bitPattern: $0)) }
    case .bfloat16: bitPatterns.map { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .bool: elements(as: Bool.self).map { $0 ? 1 : 0 }
    case .int8, .int16, .int32, .uint8, .uint16, .uint32: integers?.map(Double.init)
    default: nil
    }
  }

  private var bitPatterns: [UInt16] {
    let bytes = Array(region.bytes)
    return stride(from: 0, to: bytes.count, by: 2).map {
      UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
    }
  }
}
