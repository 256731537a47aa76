/// File names for `names`, which come from a file and are never used as paths.
///
/// Anything but ASCII letters, digits, dashes, dots and underscores becomes an underscore, a dot does
/// not stand first, and 200 characters are kept; names that have become equal, for people who do not
/// tell capital letters too, are told apart by a number.
func plainFileNames(_ names: [String]) -> [String] {
  var taken: Set<String> = []
  var numbers: [String: Int] = [:]
  return names.map { name in
    var plain = String(
      name.unicodeScalars.prefix(200).map { scalar -> Character in
        let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.isDigit)
        return isPlain || "-_.".unicodeScalars.contains(scalar) ? Character(scalar) : "_"
      })
    if plain.isEmpty || plain.hasPrefix(".") { plain = "_" + plain }
    var result = plain
    while !taken.insert(result.lowercased()).inserted {
      let number = numbers[plain.lowercased(), default: 1] + 1
      numbers[plain.lowercased()] = number
      result = "\(plain)-\(number)"
    }
    return result
  }
}

extension Unicode.Scalar {
  fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
}
