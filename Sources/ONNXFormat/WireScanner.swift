import COnnx

/// Checks an encoded message before protobuf-c sees it, and makes a small copy without bulk data.
///
/// The copy lacks the numbers of tensors: instead of them, `raw_data` holds eight bytes, which are
/// the tensor's index in `tensorData`. protobuf-c neither bounds recursion nor leaves bytes in
/// place.
struct WireScanner {
  /// The copy, for protobuf-c to unpack.
  private(set) var copy: [UInt8] = []
  /// Where in the message the numbers of its tensors lie.
  private(set) var tensorData: [TensorData] = []
  private let bytes: UnsafeRawBufferPointer
  private let tensorDescriptor = ONNXFormat.tensorDescriptor

  static let maximumDepth = 100
  /// Messages, texts and unknown fields may take hundreds of times the two bytes that an empty one is
  /// encoded in. Graphs of this many parts take ten bytes for each and more, their weights aside.
  static let unquestionedPartCount = 1 << 19
  private static let bytesPerPart = 16
  /// Of tensors; a text of an array takes little more than its bytes.
  private static let stringDataField = 6
  private let maximumPartCount: Int
  private var partCount = 0
  /// Lengths in the copy take this many bytes, so that they can be filled in afterwards.
  private static let lengthWidth = 5

  /// Scans `bytes` as one message of the type `descriptor` describes.
  ///
  /// - Throws: `FormatError` with the byte offset of the first fault.
  init(
    _ bytes: UnsafeRawBufferPointer, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(FormatError) {
    self.bytes = bytes
    maximumPartCount = Self.unquestionedPartCount + bytes.count / Self.bytesPerPart
    try scan(0..<bytes.count, as: descriptor, depth: 1)
  }

  private mutating func scan(
    _ range: Range<Int>, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>, depth: Int
  ) throws(FormatError) {
    guard depth <= Self.maximumDepth else {
      throw FormatError(
        .nesting, byteOffset: range.lowerBound,
        "messages are nested deeper than \(Self.maximumDepth) levels")
    }
    let isTensor = descriptor == tensorDescriptor
    var numbers = TensorData()
    var singularFields: UInt64 = 0
    var position = range.lowerBound
    while position < range.upperBound {
      let start = position
      let tag = try varint(&position, end: range.upperBound)
      let number = tag >> 3
      guard number > 0, number < 1 << 29 else {
        throw FormatError(
          .fieldNumber, byteOffset: start,
          "expected a field number from 1 to 536870911, got \(number)"
        )
      }
      let wireType = Int(tag & 7)
      let field = protobuf_c_message_descriptor_get_field(descriptor, UInt32(number))
      let content = try value(&position, wireType: wireType, start: start, end: range.upperBound)
      let isElement =
        isTensor
        && (number == Self.stringDataField || TensorField(rawValue: Int(number)) != nil)
      if field == nil || wireType == 2 && !isElement { try countPart(at: start) }
      guard let field else {
        append(start..<position)
        continue
      }
      try checkWireType(wireType, of: field.pointee, content: content, start: start)
      if field.pointee.label != PROTOBUF_C_LABEL_REPEATED {
        // Of the parts of a oneof there may be one; no message has two oneofs.
        let isOneOf = field.pointee.flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0
        let bit: UInt64 = isOneOf ? 1 << 63 : 1 << UInt64(field - descriptor.pointee.fields)
        guard singularFields & bit == 0 else {
          throw FormatError(
            .duplicateField, byteOffset: start,
            "field '\(String(cString: field.pointee.name))' stands twice, or beside its alternative"
          )
        }
        singularFields |= bit
      }
      if isTensor, let field = TensorField(rawValue: Int(number)) {
        if field == .raw {
          numbers.raw = content
        } else {
          let isPacked = wireType == 2
          numbers.append(
            TensorData.Run(
              field: field, tagWidth: isPacked ? 0 : content.lowerBound - start,
              range: isPacked ? content : start..<position))
        }
        continue
      }
      switch field.pointee.type {
      case PROTOBUF_C_TYPE_MESSAGE:
        append(varint: tag)
        let lengthPosition = copy.count
        copy.append(contentsOf: repeatElement(0, count: Self.lengthWidth))
        let part = field.pointee.descriptor.assumingMemoryBound(
          to: ProtobufCMessageDescriptor.self)
        try scan(content, as: part, depth: depth + 1)
        fillLength(at: lengthPosition)
      case PROTOBUF_C_TYPE_STRING:
        try checkText(content)
        append(start..<position)
      default:
        append(start..<position)
      }
    }
    if !numbers.isEmpty {
      append(varint: UInt64(TensorField.raw.rawValue << 3 | 2))
      copy.append(8)
      append(word: tensorData.count)
      tensorData.append(numbers)
    }
  }

  private mutating func countPart(at start: Int) throws(FormatError) {
    partCount += 1
    guard partCount <= maximumPartCount else {
      throw FormatError(
        .partCount, byteOffset: start,
        "expected at most \(maximumPartCount) parts in a message of \(bytes.count) bytes, got more")
    }
  }

  /// The range of a field's value, `position` moved behind it.
  private func value(
    _ position: inout Int, wireType: Int, start: Int, end: Int
  ) throws(FormatError) -> Range<Int> {
    let count: Int
    switch wireType {
    case 0:
      let first = position
      _ = try varint(&position, end: end)
      return first..<position
    case 1: count = 8
    case 5: count = 4
    case 2:
      let length = try varint(&position, end: end)
      guard length <= UInt64(end - position) else {
        throw FormatError(
          .truncated, byteOffset: start,
          "expected \(length) bytes, got \(end - position) before the end")
      }
      count = Int(length)
    case 3, 4: throw FormatError(.wireType, byteOffset: start, "groups are not part of the format")
    default:
      throw FormatError(.wireType, byteOffset: start, "wire type \(wireType) does not exist")
    }
    guard count <= end - position else {
      throw FormatError(
        .truncated, byteOffset: start,
        "expected \(count) bytes, got \(end - position) before the end")
    }
    defer { position += count }
    return position..<position + count
  }

  private func varint(_ position: inout Int, end: Int) throws(FormatError) -> UInt64 {
    let start = position
    var result: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard position < end else {
        throw FormatError(.truncated, byteOffset: start, "the message ends within a number")
      }
      let byte = bytes[position]
      position += 1
      result |= UInt64(byte & 0x7f) << UInt64(shift)
      if byte < 0x80 { return result }
    }
    throw FormatError(.varint, byteOffset: start, "a number takes more than ten bytes")
  }

  private func checkWireType(
    _ wireType: Int, of field: ProtobufCFieldDescriptor, content: Range<Int>, start: Int
  ) throws(FormatError) {
    let expected =
      switch field.type {
      case PROTOBUF_C_TYPE_MESSAGE, PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES: 2
      case PROTOBUF_C_TYPE_FLOAT: 5
      case PROTOBUF_C_TYPE_DOUBLE: 1
      default: 0
      }
    if wireType == expected { return }
    let isPacked = wireType == 2 && field.label == PROTOBUF_C_LABEL_REPEATED
    guard isPacked else {
      throw FormatError(
        .wireType, byteOffset: start,
        "expected wire type \(expected) for '\(String(cString: field.name))', got \(wireType)")
    }
    var position = content.lowerBound
    switch expected {
    case 0:
      while position < content.upperBound { _ = try varint(&position, end: content.upperBound) }
    case let code:
      guard content.count % (code == 5 ? 4 : 8) == 0 else {
        throw FormatError(.truncated, byteOffset: start, "the last packed number is cut short")
      }
    }
  }

  private func checkText(_ range: Range<Int>) throws(FormatError) {
    let text = UnsafeRawBufferPointer(rebasing: bytes[range])
    if text.allSatisfy({ $0 &- 1 < 0x7f }) { return }
    guard !text.contains(0), String(validating: text, as: UTF8.self) != nil else {
      throw FormatError(
        .text, byteOffset: range.lowerBound, "expected UTF-8 text without NUL characters")
    }
  }

  private mutating func append(_ range: Range<Int>) { copy.append(contentsOf: bytes[range]) }

  private mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      copy.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    copy.append(UInt8(rest))
  }

  private mutating func append(word: Int) {
    withUnsafeBytes(of: UInt64(word).littleEndian) { copy.append(contentsOf: $0) }
  }

  private mutating func fillLength(at position: Int) {
    var rest = copy.count - position - Self.lengthWidth
    for index in 0..<Self.lengthWidth {
      let continues: UInt8 = index < Self.lengthWidth - 1 ? 0x80 : 0
      copy[position + index] = UInt8(rest & 0x7f) | continues
      rest >>= 7
    }
  }
}
