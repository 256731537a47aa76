import GraphIR
import ONNXFormat
import Tensors
import Testing

/// What a test expects of a message, and as what it is read.
struct ValueMessage: Sendable, CustomTestStringConvertible {
  let name: String
  let type: ValueType
  let bytes: [UInt8]
  /// The value in words; or the code, the place and the message of the fault.
  let expected: String
  var testDescription: String { name }

  init(_ name: String, _ type: ValueType, _ bytes: [UInt8]..., gives expected: String) {
    self.name = name
    self.type = type
    self.bytes = bytes.flatMap(\.self)
    self.expected = expected
  }

  var outcome: String {
    do throws(FormatError) {
      return words(
        try ONNXFile.decodeValue(
          ByteRegion(copying: bytes), as: type, external: NoExternalTensors()))
    } catch { return "\(error.code): \(error)" }
  }
}

private func words(_ value: RuntimeValue) -> String {
  switch value {
  case .tensor(let tensor): "\(tensor.elementType)\(tensor.shape)"
  case .sequence(let elements): "(" + elements.map(words).joined(separator: "; ") + ")"
  case .optional(let held): "<\(held.map(words) ?? "")>"
  }
}

private let float = ValueType.tensor(TensorType(.float, nil))
private let any = ValueType.tensor(TensorType(.undefined, nil))
private let tensor = Wire.number(1, 1) + Wire.number(2, 1) + Wire.part(9, [0, 0, 0, 0])
private let integer = Wire.number(2, 7) + Wire.part(7, [5])
private let (tensors, sequences, maps, optionals) = (
  Wire.number(2, 1), Wire.number(2, 3), Wire.number(2, 4), Wire.number(2, 5)
)

@Suite struct ValueFileTests {
  static let messages: [ValueMessage] = [
    ValueMessage("a tensor", float, tensor, gives: "float[1]"),
    ValueMessage("nothing at all", .sequence(float), gives: "()"),
    ValueMessage("no tensors", .sequence(float), Wire.part(1, "s"), tensors, gives: "()"),
    ValueMessage(
      "tensors", .sequence(float), Wire.part(1, "s"), tensors, Wire.part(3, tensor),
      Wire.part(3, tensor), gives: "(float[1]; float[1])"),
    ValueMessage(
      "tensors of any type", .sequence(any), tensors, Wire.part(3, tensor), Wire.part(3, integer),
      gives: "(float[1]; int64[])"),
    ValueMessage(
      "sequences", .sequence(.sequence(any)), sequences,
      Wire.part(5, tensors, Wire.part(3, integer)), Wire.part(5, tensors),
      gives: "((int64[]); ())"),
    ValueMessage(
      "optional values", .sequence(.optional(float)), optionals,
      Wire.part(7, tensors, Wire.part(3, tensor)), Wire.part(7), gives: "(<float[1]>; <>)"),
    ValueMessage("an empty optional", .optional(float), Wire.number(2, 0), gives: "<>"),
    ValueMessage("one of a type", .optional(.sequence(float)), sequences, gives: "<>"),
    ValueMessage(
      "an optional tensor", .optional(float), tensors, Wire.part(3, tensor), gives: "<float[1]>"),
    ValueMessage(
      "an optional sequence", .optional(.sequence(float)), sequences,
      Wire.part(5, tensors, Wire.part(3, tensor)), gives: "<(float[1])>"),
    ValueMessage(
      "an optional optional", .optional(.optional(float)), optionals, Wire.part(7, tensors),
      gives: "<<>>"),
  ]

  static let faults: [ValueMessage] = [
    ValueMessage(
      "another element type", .sequence(float), tensors, Wire.part(3, tensor),
      Wire.part(3, integer),
      gives: "elementType: tensor_values[1]: expected a tensor of float, got int64"),
    ValueMessage(
      "a tensor without type, inside", .optional(.sequence(any)), sequences,
      Wire.part(5, tensors, Wire.part(3)),
      gives: "elementType: sequence_value.tensor_values[0]: expected a tensor's element type, got 0"
    ),
    ValueMessage(
      "another kind", .sequence(float), sequences,
      gives: "valueKind: expected tensors, got sequences"),
    ValueMessage(
      "another kind, held", .optional(.sequence(float)), Wire.part(3, tensor),
      gives: "valueKind: expected sequences, got tensors"),
    ValueMessage(
      "two kinds", .sequence(float), tensors, Wire.part(3, tensor), Wire.part(5, tensors),
      gives: "valueKind: expected tensors, got sequences"),
    ValueMessage(
      "maps", .sequence(float), maps, Wire.part(6, Wire.part(5, tensors)),
      gives: "valueKind: expected tensors, got maps"),
    ValueMessage(
      "an unknown kind", .sequence(float), Wire.number(2, 9),
      gives: "valueKind: expected a kind of value from 0 to 5, got 9"),
    ValueMessage(
      "a tensor for a sequence", .sequence(float), Wire.number(2, 1), Wire.part(9, [0, 0, 0, 0]),
      gives:
        "valueKind: expected fields from 1 to 7, got 9: this is no value that holds others"),
    ValueMessage(
      "a tensor of an axis for a sequence", .sequence(float), tensor,
      gives: "wireType: byte 0: expected wire type 2 for 'name', got 0"),
    ValueMessage(
      "a tensor of floats for an optional", .optional(float), Wire.number(2, 1),
      Wire.part(4, [0, 0, 0, 0]),
      gives: "fieldNumber: byte 4: expected a field number from 1 to 536870911, got 0"),
    ValueMessage(
      "two values of an optional", .optional(float), tensors, Wire.part(3, tensor),
      Wire.part(3, tensor),
      gives:
        "duplicateField: byte 14: field 'tensor_value' stands twice, or beside its alternative"),
    ValueMessage(
      "a name that is no text", .sequence(float), Wire.part(1, [0xff]),
      gives: "text: byte 2: expected UTF-8 text without NUL characters"),
    ValueMessage(
      "a length past the end", .sequence(float), [0x1a, 5, 0],
      gives: "truncated: byte 0: expected 5 bytes, got 1 before the end"),
    ValueMessage(
      "a map", .map(key: .int64, value: float), gives: "valueKind: maps are not supported"),
    ValueMessage(
      "a sequence of maps", .sequence(.map(key: .int64, value: float)),
      gives: "valueKind: maps are not supported"),
    ValueMessage(
      "a sparse tensor", .optional(.sparseTensor(TensorType(.float, nil))),
      gives: "valueKind: sparse tensors are not supported"),
    ValueMessage(
      "an opaque value", .sequence(.opaque(domain: "", name: "t")),
      gives: "valueKind: opaque values are not supported"),
  ]

  @Test(arguments: messages + faults) func isReadAsItsType(_ message: ValueMessage) {
    #expect(message.outcome == message.expected)
  }

  @Test func truncationNeverTraps() {
    for message in Self.messages {
      for end in message.bytes.indices {
        _ = try? ONNXFile.decodeValue(
          ByteRegion(copying: Array(message.bytes[..<end])), as: message.type,
          external: NoExternalTensors())
      }
    }
  }

  @Test func aFlippedBitNeverTraps() {
    for message in Self.messages {
      for bit in 0..<message.bytes.count * 8 {
        var bent = message.bytes
        bent[bit / 8] ^= 1 << UInt8(bit % 8)
        _ = try? ONNXFile.decodeValue(
          ByteRegion(copying: bent), as: message.type, external: NoExternalTensors())
      }
    }
  }

  /// However deep a type is, and a message of it.
  @Test func nestingIsBounded() {
    var (type, bytes) = (float, Wire.part(3, tensor))
    for level in 0..<110 {
      type = .optional(type)
      if level > 0 { bytes = Wire.part(7, bytes) }
    }
    let error = #expect(throws: FormatError.self) {
      try ONNXFile.decodeValue(
        ByteRegion(copying: bytes), as: type, external: NoExternalTensors())
    }
    #expect(error?.code == .nesting)
  }

  @Test func partsAreCounted() {
    let bytes = [UInt8]((0..<700_000).flatMap { _ in [0x2a, 0] as [UInt8] })
    let error = #expect(throws: FormatError.self) {
      try ONNXFile.decodeValue(
        ByteRegion(copying: bytes), as: .sequence(.sequence(float)), external: NoExternalTensors())
    }
    #expect(error?.code == .partCount)
  }

  @Test func filesAreNamed() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(tensors + Wire.part(3, integer), as: "v.pb")
    let error = #expect(throws: FormatError.self) {
      try ONNXFile.readValue(path: path, as: .sequence(float))
    }
    #expect(
      error?.description
        == "\(path): tensor_values[0]: expected a tensor of float, got int64")
    guard case .sequence(let elements) = try ONNXFile.readValue(path: path, as: .sequence(any))
    else { throw FormatError(.valueKind, "no sequence") }
    #expect(elements.map(words) == ["int64[]"])
  }
}
