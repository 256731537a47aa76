/// A field of a protocol buffer, taken apart as far as its bytes allow, so that a change inside
/// leaves the lengths around it right.
struct WireField {
  var number: UInt64
  var wireType: UInt64
  /// How many bytes the tag and the length take at least; a varint may be longer than it needs.
  var tagWidth = 1
  var lengthWidth = 1
  /// The encoded value, without a length; empty where `parts` stand for it.
  var payload: [UInt8] = []
  /// The fields of a message, or of what could be one.
  var parts: [WireField]?

  private static let maximumDepth = 24

  /// The fields that `bytes` are, or `nil` if they are none.
  static func parse(_ bytes: ArraySlice<UInt8>, depth: Int = 0) -> [WireField]? {
    guard depth < maximumDepth else { return nil }
    var rest = bytes
    var fields: [WireField] = []
    while !rest.isEmpty {
      guard let tag = takeVarint(&rest), tag >> 3 > 0, tag >> 3 < 1 << 29 else { return nil }
      var field = WireField(number: tag >> 3, wireType: tag & 7)
      switch field.wireType {
      case 0:
        guard let value = takeVarint(&rest) else { return nil }
        field.payload = varint(value)
      case 1, 5:
        let count = field.wireType == 1 ? 8 : 4
        guard rest.count >= count else { return nil }
        field.payload = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
      case 2:
        guard let length = takeVarint(&rest), length <= UInt64(rest.count) else { return nil }
        let content = rest.prefix(Int(length))
        rest = rest.dropFirst(Int(length))
        field.parts = content.isEmpty ? nil : parse(content, depth: depth + 1)
        if field.parts == nil { field.payload = Array(content) }
      default: return nil
      }
      fields.append(field)
    }
    return fields
  }

  static func encode(_ fields: [WireField], into bytes: inout [UInt8]) {
    for field in fields {
      bytes += varint(field.number << 3 | field.wireType & 7, width: field.tagWidth)
      guard let parts = field.parts else {
        if field.wireType == 2 {
          bytes += varint(UInt64(field.payload.count), width: field.lengthWidth)
        }
        bytes += field.payload
        continue
      }
      var content: [UInt8] = []
      encode(parts, into: &content)
      bytes += varint(UInt64(content.count), width: field.lengthWidth)
      bytes += content
    }
  }

  /// The encoding of `value` in `width` bytes, or in as many as it needs.
  static func varint(_ value: UInt64, width: Int = 1) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    while rest >= 0x80 || bytes.count + 1 < width {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  /// Writes the number that the field is in `width` bytes, where that is possible.
  mutating func lengthenValue(to width: Int) {
    var rest = payload[...]
    guard let value = Self.takeVarint(&rest), rest.isEmpty else { return }
    payload = Self.varint(value, width: width)
  }

  private static func takeVarint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte = bytes.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    return nil
  }
}

// MARK: Changing

extension RandomNumbers {
  /// Changes one field somewhere in `fields`; `others` are the fields of files to take some of.
  mutating func mutate(_ fields: inout [WireField], others: [[WireField]]) {
    guard !fields.isEmpty else {
      if let other = any(of: pick(others)) { fields.append(other) }
      return
    }
    let index = below(fields.count)
    if once(in: 12) { return lengthen(&fields, at: index, isAllowed: false) }
    if var parts = fields[index].parts, !once(in: 4) {
      mutate(&parts, others: others)
      fields[index].parts = parts
      return
    }
    switch below(10) {
    case 0: fields.remove(at: index)
    case 1: fields.insert(fields[index], at: below(fields.count + 1))
    case 2: fields.swapAt(index, below(fields.count))
    case 3:
      guard once(in: 3) else { return changeValue(of: &fields[index], others: others) }
      fields[index].number = once(in: 4) ? extreme() >> 35 : UInt64(1 + below(26))
    case 4:
      if let other = any(of: pick(others)) { fields.insert(other, at: index) }
    case 5:
      guard let other = any(of: pick(others)) else { return }
      let number = fields[index].number
      fields[index] = other
      fields[index].number = number
    case 6:
      guard once(in: 20) else { return changeValue(of: &fields[index], others: others) }
      for _ in 0..<below(130) {
        fields[index] = WireField(
          number: fields[index].number, wireType: 2, parts: [fields[index]])
      }
    default: changeValue(of: &fields[index], others: others)
    }
  }

  /// Changes one value somewhere in `fields` and leaves the message well formed: what it says may be
  /// nonsense, but it says it properly.
  mutating func mutateValue(_ fields: inout [WireField], others: [[WireField]]) {
    guard !fields.isEmpty else { return }
    let index = below(fields.count)
    if once(in: 12) { return lengthen(&fields, at: index, isAllowed: true) }
    if var parts = fields[index].parts {
      mutateValue(&parts, others: others)
      fields[index].parts = parts
      return
    }
    let count = fields[index].payload.count
    switch fields[index].wireType {
    case 0: fields[index].payload = WireField.varint(plausible())
    case 2 where count > 0 && (count % 4 != 0 || once(in: 2)):
      // A text or number of the same field elsewhere: another operator, name or value.
      for _ in 0..<8 {
        guard let other = any(of: pick(others)), other.parts == nil, other.wireType == 2,
          other.number == fields[index].number
        else { continue }
        fields[index].payload = other.payload
        return
      }
    default:
      guard count >= 4 else { return }
      let width = count % 8 == 0 && !once(in: 4) ? 8 : 4
      let start = below(count / width) * width
      let value = plausible()
      for byte in 0..<width {
        fields[index].payload[start + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
      }
    }
  }

  /// Makes varints of a model longer than they need to be, and changes nothing that it says.
  ///
  /// Only where the specification has messages: bytes and texts may look like some. `path` are the
  /// numbers of the fields around `fields`.
  mutating func lengthen(_ fields: inout [WireField], path: [UInt64] = []) {
    guard !fields.isEmpty else { return }
    let index = below(fields.count)
    let number = fields[index].number
    // The graph's nodes, initializers, inputs, outputs and values.
    let isMessage = path == [] ? number == 7 : path == [7] && [1, 5, 11, 12, 13].contains(number)
    if isMessage, var parts = fields[index].parts, !once(in: 4) {
      lengthen(&parts, path: path + [number])
      fields[index].parts = parts
    } else if number <= 9 {
      lengthen(&fields, at: index, isAllowed: true)
    }
  }

  /// Makes the tag, length or number of a field longer than it needs to be, or of all fields of its
  /// number.
  ///
  /// Protocol buffers allow tags and lengths of up to 5 bytes, and numbers of up to 10.
  private mutating func lengthen(_ fields: inout [WireField], at index: Int, isAllowed: Bool) {
    let (isTag, isRun) = (once(in: 2), once(in: 2))
    let longest = !isAllowed ? 11 : isTag || fields[index].wireType != 0 ? 5 : 10
    let width = 2 + below(longest - 1)
    let number = fields[index].number
    for other in isRun ? Array(fields.indices) : [index]
    where fields[other].number == number && fields[other].wireType == fields[index].wireType {
      if isTag {
        fields[other].tagWidth = width
      } else if fields[other].wireType == 0 {
        fields[other].lengthenValue(to: width)
      } else {
        fields[other].lengthWidth = width
      }
    }
  }

  /// A small number of either sign, or an extreme one.
  private mutating func plausible() -> UInt64 {
    once(in: 3) ? extreme() : UInt64(bitPattern: Int64(below(14) - 4))
  }

  private mutating func changeValue(of field: inout WireField, others: [[WireField]]) {
    if field.wireType == 0 {
      field.payload =
        once(in: 10) ? [UInt8](repeating: 0xFF, count: below(12)) : WireField.varint(extreme())
    } else if field.parts == nil {
      if once(in: 6) {
        // Texts that a reader may take for others: composed or not, or what it makes up itself.
        let piece = pick(["é", "e\u{301}", "K", "\u{212A}", "a", "a#2", "#2", "/\u{301}"])
        if once(in: 2) { field.payload = [] }
        field.payload += piece.utf8
        return
      }
      mutate(&field.payload, others: [field.payload])
      if once(in: 20) { field.wireType = UInt64(below(8)) }
    } else if once(in: 2) {
      field.parts = nil
    } else {
      field.parts?.removeAll()
    }
  }

  /// Some field of a file, at any depth.
  private mutating func any(of fields: [WireField]) -> WireField? {
    guard !fields.isEmpty else { return nil }
    let field = pick(fields)
    if let parts = field.parts, !once(in: 3) { return any(of: parts) ?? field }
    return field
  }
}
