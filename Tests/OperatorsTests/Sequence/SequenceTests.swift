import GraphIR
import Operators
import Tensors
import Testing

/// A node applied to values of any kind, and what must come of it.
struct ValueCase: Sendable, CustomTestStringConvertible {
  let operatorType: String
  let attributes: [Attribute]
  let inputs: [RuntimeValue?]
  /// The output, or the message of an error.
  let expected: Result<RuntimeValue, OperatorError>
  var testDescription: String {
    "\(operatorType)(\(inputs.map { $0?.kind ?? "" }.joined(separator: ", ")))"
  }

  init(
    _ operatorType: String, _ inputs: [RuntimeValue?], _ attributes: [Attribute] = [],
    gives output: RuntimeValue
  ) {
    (self.operatorType, self.attributes, self.inputs) = (operatorType, attributes, inputs)
    expected = .success(output)
  }

  init(
    _ operatorType: String, _ inputs: [RuntimeValue?], _ attributes: [Attribute] = [],
    fails message: String, _ code: OperatorError.Code = .invalidValue
  ) {
    (self.operatorType, self.attributes, self.inputs) = (operatorType, attributes, inputs)
    expected = .failure(OperatorError(code, message))
  }

  func evaluate(maximumBytes: Int = .max) throws -> RuntimeValue {
    let node = Node(
      operatorType, inputs: inputs.enumerated().map { $1 == nil ? nil : ValueID($0) },
      outputs: [ValueID(inputs.count)], attributes: attributes)
    let operation = try OperatorRegistry.standard.instantiate(node, opset: 21)
    let results = try #require(operation as? any ValueOperator)
      .evaluate(values: inputs, maximumBytes: maximumBytes)
    try #require(results.count == 1)
    return results[0]
  }
}

/// Whether values are of one kind and hold identical tensors.
private func areIdentical(_ a: RuntimeValue?, _ b: RuntimeValue?) -> Bool {
  switch (a, b) {
  case (nil, nil): true
  case (.tensor(let x)?, .tensor(let y)?): x.isIdentical(to: y)
  case (.sequence(let x)?, .sequence(let y)?):
    x.count == y.count && zip(x, y).allSatisfy { areIdentical($0, $1) }
  case (.optional(let x)?, .optional(let y)?): areIdentical(x, y)
  default: false
  }
}

private func floats(_ values: [Float], _ shape: [Int]? = nil) -> RuntimeValue {
  .tensor(Tensor(values, shape: shape))
}
private func integer(_ value: Int64) -> RuntimeValue { .tensor(.scalar(value)) }
private func list(_ values: [Int64]) -> RuntimeValue { .tensor(.int64s(values)) }

private let (a, b, c) = (floats([1]), floats([2, 3]), floats([4]))
private let three = RuntimeValue.sequence([a, b, c])
private let wide = floats([1, 2, 3, 4, 5, 6], [2, 3])

@Suite struct SequenceTests {
  static let access: [ValueCase] = [
    ValueCase("SequenceConstruct", [a, b, c], gives: three),
    ValueCase(
      "SequenceConstruct", [a, list([1])], fails: "element types differ, got float and int64",
      .typeMismatch),
    ValueCase(
      "SequenceConstruct", [a, three],
      fails: "a sequence holds one kind of value, got float[1] and a sequence of 3", .typeMismatch),
    ValueCase("SequenceConstruct", [a, nil], fails: "input 1 is missing", .arity),
    ValueCase("SequenceEmpty", [], [Attribute("dtype", 7)], gives: .sequence([])),
    ValueCase("SequenceLength", [three], gives: integer(3)),
    ValueCase("SequenceLength", [.optional(three)], gives: integer(3)),
    ValueCase(
      "SequenceLength", [a], fails: "input 0: expected a sequence, got float[1]", .typeMismatch),
    ValueCase(
      "SequenceLength", [.optional(nil)],
      fails: "input 0: expected a sequence, got an empty optional", .typeMismatch),
    ValueCase("SequenceAt", [three, integer(0)], gives: a),
    ValueCase("SequenceAt", [three, integer(-1)], gives: c),
    ValueCase("SequenceAt", [three, integer(-3)], gives: a),
    ValueCase(
      "SequenceAt", [three, integer(3)], fails: "position 3 is out of range for a sequence of 3"),
    ValueCase(
      "SequenceAt", [three, integer(-4)], fails: "position -4 is out of range for a sequence of 3"
    ),
    ValueCase(
      "SequenceAt", [three, integer(.min)],
      fails: "position \(Int64.min) is out of range for a sequence of 3"),
    ValueCase(
      "SequenceAt", [three, list([1, 2])], fails: "position: expected one element, got [2]",
      .shapeMismatch),
    ValueCase("SequenceInsert", [.sequence([a, b]), c], gives: three),
    ValueCase("SequenceInsert", [.sequence([a, b]), c, integer(2)], gives: three),
    ValueCase("SequenceInsert", [.sequence([a, c]), b, integer(-1)], gives: three),
    ValueCase("SequenceInsert", [.sequence([b, c]), a, integer(-2)], gives: three),
    ValueCase("SequenceInsert", [.sequence([]), a], gives: .sequence([a])),
    ValueCase(
      "SequenceInsert", [.sequence([a]), b, integer(2)],
      fails: "position 2 is out of range for a sequence of 1"),
    ValueCase(
      "SequenceInsert", [.sequence([a]), b, integer(-2)],
      fails: "position -2 is out of range for a sequence of 1"),
    ValueCase("SequenceErase", [three], gives: .sequence([a, b])),
    ValueCase("SequenceErase", [three, integer(-3)], gives: .sequence([b, c])),
    ValueCase(
      "SequenceErase", [.sequence([])], fails: "position -1 is out of range for a sequence of 0"),
  ]

  static let parts: [ValueCase] = [
    ValueCase(
      "SplitToSequence", [wide],
      gives: .sequence([floats([1, 2, 3], [1, 3]), floats([4, 5, 6], [1, 3])])),
    ValueCase(
      "SplitToSequence", [wide], [Attribute("keepdims", 0)],
      gives: .sequence([floats([1, 2, 3]), floats([4, 5, 6])])),
    ValueCase(
      "SplitToSequence", [wide, integer(2)], [Attribute("axis", -1), Attribute("keepdims", 0)],
      gives: .sequence([floats([1, 2, 4, 5], [2, 2]), floats([3, 6], [2, 1])])),
    ValueCase(
      "SplitToSequence", [wide, list([0, 1, 2])], [Attribute("axis", 1)],
      gives: .sequence([
        floats([], [2, 0]), floats([1, 4], [2, 1]), floats([2, 3, 5, 6], [2, 2]),
      ])),
    ValueCase(
      "SplitToSequence", [wide, list([])], fails: "split [] does not add up to 2"),
    ValueCase(
      "SplitToSequence", [wide, list([2, 5])], fails: "split [2, 5] does not add up to 2"),
    ValueCase(
      "SplitToSequence", [wide, list([3, -1])], fails: "split [3, -1] does not add up to 2"),
    ValueCase(
      "SplitToSequence", [wide, list([.max, .max])],
      fails: "split [9223372036854775807, 9223372036854775807] does not add up to 2"),
    ValueCase(
      "SplitToSequence", [wide, integer(0)], fails: "split: expected a positive length, got [0]"),
    ValueCase(
      "SplitToSequence", [wide, integer(.max)], gives: .sequence([wide])),
    ValueCase(
      "SplitToSequence", [floats([], [1 << 40, 0])],
      fails: "expected at most 1048576 parts, got 1099511627776", .tooLarge),
    ValueCase(
      "SplitToSequence", [floats([], [1 << 40, 0]), integer(1)],
      fails: "expected at most 1048576 parts, got 1099511627776", .tooLarge),
    ValueCase(
      "SplitToSequence", [floats([], [1 << 40, 0])], [Attribute("keepdims", 0)],
      fails: "expected at most 1048576 parts, got 1099511627776", .tooLarge),
    ValueCase(
      "ConcatFromSequence", [three], [Attribute("axis", 0)], gives: floats([1, 2, 3, 4])),
    ValueCase(
      "ConcatFromSequence", [.sequence([a, c])], [Attribute("axis", -1), Attribute("new_axis", 1)],
      gives: floats([1, 4], [1, 2])),
    ValueCase(
      "ConcatFromSequence", [.sequence([])], [Attribute("axis", 0)],
      fails: "cannot join a sequence of no elements"),
    ValueCase(
      "ConcatFromSequence", [three], [Attribute("axis", 0), Attribute("new_axis", 1)],
      fails: "expected elements of one type, got float[1] and float[2]", .shapeMismatch),
  ]

  static let optionals: [ValueCase] = [
    ValueCase("Optional", [a], gives: .optional(a)),
    ValueCase("Optional", [three], gives: .optional(three)),
    ValueCase("Optional", [], gives: .optional(nil)),
    ValueCase("OptionalHasElement", [.optional(a)], gives: .tensor(.scalar(true))),
    ValueCase("OptionalHasElement", [.optional(nil)], gives: .tensor(.scalar(false))),
    ValueCase("OptionalHasElement", [.sequence([])], gives: .tensor(.scalar(true))),
    ValueCase("OptionalHasElement", [], gives: .tensor(.scalar(false))),
    ValueCase("OptionalGetElement", [.optional(three)], gives: three),
    ValueCase("OptionalGetElement", [a], gives: a),
    ValueCase("OptionalGetElement", [.optional(nil)], fails: "the optional value is empty"),
    ValueCase("Identity", [three], gives: three),
  ]

  @Test(arguments: access + parts + optionals)
  func givesWhatTheSpecificationSays(_ example: ValueCase) throws {
    switch example.expected {
    case .success(let expected):
      #expect(areIdentical(try example.evaluate(), expected))
    case .failure(let expected):
      let error = #expect(throws: OperatorError.self) { _ = try example.evaluate() }
      #expect(error?.message == expected.message)
      #expect(error?.code == expected.code)
    }
  }

  @Test func partsThatAreCopiedAreCounted() throws {
    let copied = ValueCase("SplitToSequence", [wide], [Attribute("axis", 1)], gives: wide)
    #expect(throws: OperatorError.self) { _ = try copied.evaluate(maximumBytes: 47) }
    _ = try copied.evaluate(maximumBytes: 48)
    let shared = ValueCase("SplitToSequence", [wide], gives: wide)
    _ = try shared.evaluate(maximumBytes: 0)
  }
}
