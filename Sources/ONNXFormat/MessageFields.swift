import COnnx
import GraphIR

typealias MessagePointer = UnsafeMutablePointer<ProtobufCMessage>

/// One field of a message, read by protobuf-c's description of it.
struct Field {
  private let descriptor: ProtobufCFieldDescriptor

  init(_ descriptor: ProtobufCFieldDescriptor) { self.descriptor = descriptor }

  var name: String { String(cString: descriptor.name) }
  var isRepeated: Bool { descriptor.label == PROTOBUF_C_LABEL_REPEATED }
  var isMessage: Bool { descriptor.type == PROTOBUF_C_TYPE_MESSAGE }

  /// Whether, in a tensor, the field tells of the elements or their place.
  var holdsElements: Bool {
    [
      "float_data", "int32_data", "string_data", "int64_data", "raw_data", "external_data",
      "data_location", "double_data", "uint64_data",
    ].contains(name)
  }

  /// Whether a message gives the field, which must not be a repeated one.
  func isPresent(in message: MessagePointer) -> Bool {
    let memory = UnsafeRawPointer(message)
    if descriptor.flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0 {
      return memory.load(fromByteOffset: quantifier, as: UInt32.self) == descriptor.id
    }
    switch descriptor.type {
    case PROTOBUF_C_TYPE_MESSAGE, PROTOBUF_C_TYPE_STRING:
      return memory.load(fromByteOffset: offset, as: UnsafeRawPointer?.self) != nil
    default: return memory.load(fromByteOffset: quantifier, as: Int32.self) != 0
    }
  }

  /// The number of elements of a repeated field.
  func count(in message: MessagePointer) -> Int {
    UnsafeRawPointer(message).load(fromByteOffset: quantifier, as: Int.self)
  }

  /// The message that a present field holds.
  func part(of message: MessagePointer) -> MessagePointer {
    UnsafeRawPointer(message).load(fromByteOffset: offset, as: MessagePointer.self)
  }

  /// The messages that a repeated field holds.
  func parts(of message: MessagePointer) -> [MessagePointer] {
    guard count(in: message) > 0 else { return [] }
    let start = UnsafeRawPointer(message).load(
      fromByteOffset: offset, as: UnsafePointer<MessagePointer>.self)
    return Array(UnsafeBufferPointer(start: start, count: count(in: message)))
  }

  /// A value that is no message: the only one, or an element of a repeated field.
  func scalar(in message: MessagePointer, _ index: Int) -> Scalar {
    let memory = UnsafeRawPointer(message)
    let start =
      isRepeated
      ? memory.load(fromByteOffset: offset, as: UnsafeRawPointer.self) : memory + offset
    func element<Value>(_ type: Value.Type) -> Value {
      (start + index * MemoryLayout<Value>.stride).load(as: type)
    }
    switch descriptor.type {
    case PROTOBUF_C_TYPE_STRING:
      return .bytes(Array((text(element(UnsafeMutablePointer<CChar>?.self)) ?? "").utf8))
    case PROTOBUF_C_TYPE_BYTES:
      let bytes = element(ProtobufCBinaryData.self)
      return .bytes(Array(list(bytes.data, bytes.len)))
    case PROTOBUF_C_TYPE_FLOAT: return .float(element(UInt32.self))
    case PROTOBUF_C_TYPE_DOUBLE: return .double(element(UInt64.self))
    case PROTOBUF_C_TYPE_INT64, PROTOBUF_C_TYPE_SINT64, PROTOBUF_C_TYPE_SFIXED64:
      return .integer(element(Int64.self))
    case PROTOBUF_C_TYPE_UINT64, PROTOBUF_C_TYPE_FIXED64: return .unsigned(element(UInt64.self))
    case PROTOBUF_C_TYPE_UINT32, PROTOBUF_C_TYPE_FIXED32:
      return .unsigned(UInt64(element(UInt32.self)))
    default: return .integer(Int64(element(Int32.self)))
    }
  }

  /// A present field in words; of a message nothing.
  func summary(in message: MessagePointer) -> String {
    isMessage ? "" : scalar(in: message, 0).description
  }

  private var offset: Int { Int(descriptor.offset) }
  private var quantifier: Int { Int(descriptor.quantifier_offset) }
}

/// A value of a field; text by its bytes, numbers with fractions by their bits, so that a NaN equals
/// itself and nothing is equal that is encoded in another way.
enum Scalar: Hashable, CustomStringConvertible {
  case bytes([UInt8])
  case integer(Int64)
  case unsigned(UInt64)
  case float(UInt32)
  case double(UInt64)

  private static let shownCharacters = 60

  var description: String {
    switch self {
    case .bytes(let bytes):
      if let text = String(validating: bytes, as: UTF8.self) {
        "\"\(shortened(text))\""
      } else {
        "\(bytes.count) bytes"
      }
    case .integer(let value): String(value)
    case .unsigned(let value): String(value)
    case .float(let bits): Float(bitPattern: bits).description
    case .double(let bits): Double(bitPattern: bits).description
    }
  }

  /// Bytes as text; empty for everything else.
  var text: String {
    if case .bytes(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { "" }
  }

  private func shortened(_ text: String) -> String {
    text.count <= Self.shownCharacters ? text : text.prefix(Self.shownCharacters) + "…"
  }
}
