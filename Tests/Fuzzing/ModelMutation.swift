import FoundationEssentials

/// An ONNX message as the metadata of a safetensors model hold it.
enum EmbeddedMessage {
  private static let key = Array("\"rba-convert.model\"".utf8)

  /// Where the base64 of the message stands in the JSON `text`.
  static func range(in text: [UInt8]) -> Range<Int>? {
    var position = 0
    while position + key.count < text.count {
      guard text[position...].starts(with: key) else {
        position += 1
        continue
      }
      let value = text[(position + key.count)...].drop { $0 == 0x3A || $0 == 0x20 }
      guard value.first == UInt8(ascii: "\""),
        let end = value.dropFirst().firstIndex(of: UInt8(ascii: "\""))
      else { return nil }
      return value.startIndex + 1..<end
    }
    return nil
  }

  /// The fields of the first message in `file`.
  static func parse(_ file: [UInt8]) -> [WireField]? {
    guard let range = range(in: file) else { return nil }
    return Data(base64Encoded: Data(file[range])).flatMap { WireField.parse(Array($0)[...]) }
  }
}

extension RandomNumbers {
  /// The encoding of a model like `fields`; two of three are well formed.
  mutating func message(
    like fields: [WireField], others: [[WireField]]
  ) -> (bytes: [UInt8], keepsForm: Bool) {
    var fields = fields
    let keepsForm = !once(in: 3)
    for _ in 0..<rounds() {
      if keepsForm {
        mutateValue(&fields, others: others)
      } else {
        mutate(&fields, others: others)
      }
    }
    var bytes: [UInt8] = []
    WireField.encode(fields, into: &bytes)
    return (bytes, keepsForm)
  }

  /// Changes JSON that may hold a message: the text, the base64, or the message.
  mutating func mutate(metadata text: inout [UInt8], words: [String], others: [[WireField]]) {
    guard let range = EmbeddedMessage.range(in: text), !others.isEmpty, !once(in: 3) else {
      for _ in 0..<rounds() { mutate(text: &text, words: words) }
      return
    }
    var base64 = Array(text[range])
    if !once(in: 8), let message = Data(base64Encoded: Data(base64)),
      let fields = WireField.parse(Array(message)[...])
    {
      base64 = Array(Data(self.message(like: fields, others: others).bytes).base64EncodedData())
    } else {
      mutate(&base64, others: [base64])
    }
    text.replaceSubrange(range, with: base64)
  }
}
