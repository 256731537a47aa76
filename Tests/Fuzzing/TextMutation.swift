/// Changes to text made of numbers, quoted strings and marks: JSON, headers, the textual syntax.
extension RandomNumbers {
  /// Changes one token of `text`, or its bytes; `words` are what the syntax knows.
  mutating func mutate(text: inout [UInt8], words: [String]) {
    let tokens = tokens(of: text)
    guard !tokens.isEmpty, !once(in: 8) else { return mutate(&text, others: [text]) }
    let token = pick(tokens)
    switch below(10) {
    case 0: text.removeSubrange(token)
    case 1: text.insert(contentsOf: text[token], at: pick(tokens).lowerBound)
    case 2: text.replaceSubrange(token, with: text[pick(tokens)])
    case 3: text.replaceSubrange(token, with: pick(words).utf8)
    case 4: text.insert(contentsOf: pick(words).utf8, at: token.lowerBound)
    case 5...7:
      let numbers = tokens.filter { (0x30...0x39).contains(text[$0.lowerBound]) }
      guard let number = numbers.isEmpty ? nil : pick(numbers) else { return }
      text.replaceSubrange(number, with: self.number().utf8)
    case 8:
      // Another of the same kind: what stands there stays possible.
      let same = tokens.filter { text[$0.lowerBound] == text[token.lowerBound] }
      text.replaceSubrange(token, with: text[pick(same)])
    default:
      let end = pick(tokens).upperBound
      let range = min(token.lowerBound, end)..<max(token.lowerBound, end)
      guard range.count < 4096 else { return }
      text.insert(contentsOf: text[range], at: token.upperBound)
    }
  }

  private mutating func number() -> String {
    switch below(8) {
    case 0: pick(["-1", "-0", "00", "1.5", "1e9", "0x10", "NaN", "18446744073709551616"])
    case 1: String(Int64(bitPattern: extreme()))
    case 2, 3: String(extreme())
    default: String(below(50))
    }
  }

  /// The ranges of numbers, words, quoted strings and single marks.
  private func tokens(of text: [UInt8]) -> [Range<Int>] {
    func isWord(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == 0x5F
    }
    var result: [Range<Int>] = []
    var position = 0
    while position < text.count {
      let start = position
      let first = text[start]
      position += 1
      if isWord(first) {
        while position < text.count, isWord(text[position]) { position += 1 }
      } else if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
        while position < text.count, text[position] != first { position += 1 }
        position = min(position + 1, text.count)
      } else if first == 0x20 || first == 0x0A {
        continue
      }
      result.append(start..<position)
    }
    return result
  }
}
