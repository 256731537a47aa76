extension Unicode.Scalar {
  /// Whether it shows as itself in a line of text.
  ///
  /// Control characters, line separators, marks that change the direction of text, and what is
  /// invisible or nobody's do not.
  package var isPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: false
    default: true
    }
  }

  /// The escape that stands for it where it is not printable.
  fileprivate var escape: String {
    switch self {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    default: "\\u{\(String(value, radix: 16))}"
    }
  }
}

extension String {
  /// The text with every scalar that is not printable as an escape, so that a name which a file
  /// made up neither steers a terminal nor looks like a second line.
  package var printable: String {
    guard !unicodeScalars.allSatisfy(\.isPrintable) else { return self }
    return unicodeScalars.map { $0.isPrintable ? String($0) : $0.escape }.joined()
  }

  /// The text as it stands between double quotes: printable, with quotes and backslashes escaped.
  package var escaped: String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      default:
        if scalar.isPrintable {
          result.unicodeScalars.append(scalar)
        } else {
          result += scalar.escape
        }
      }
    }
    return result
  }

  /// The escaped text for a message: of a long one only the beginning and the end.
  package var shown: String {
    guard utf8.count > 200 else { return escaped }
    let (start, end) = (unicodeScalars.prefix(100), unicodeScalars.suffix(60))
    return "\(String(start).escaped)…\(String(end).escaped)"
  }
}
