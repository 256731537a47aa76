extension String {
  /// The text with everything that would disturb a terminal or a quotation written as an escape.
  ///
  /// Control characters, line separators and marks that change the direction of text become
  /// `\u{…}`, and are so visible to whoever reads a name that a file made up.
  package var escaped: String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
          result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  /// The escaped text for a message: of a long one only the beginning and the end.
  package var shown: String {
    guard utf8.count > 200 else { return escaped }
    return "\(String(prefix(100)).escaped)…\(String(suffix(60)).escaped)"
  }
}
