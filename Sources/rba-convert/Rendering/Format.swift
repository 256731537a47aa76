/// Numbers as people read them, whatever the locale.
enum Format {
  /// With thin groups of three digits: `2 557 654`.
  static func count(_ value: Int) -> String {
    let digits = String(abs(value))
    var groups: [Substring] = []
    var rest = digits[...]
    while rest.count > 3 {
      groups.insert(rest.suffix(3), at: 0)
      rest = rest.dropLast(3)
    }
    groups.insert(rest, at: 0)
    return (value < 0 ? "-" : "") + groups.joined(separator: " ")
  }

  /// With a decimal prefix: `97.4 MB`.
  static func scaled(_ value: Int, unit: String = "") -> String {
    let prefixes = ["", "k", "M", "G", "T"]
    var scaled = Double(value)
    var index = 0
    while abs(scaled) >= 999.5, index < prefixes.count - 1 {
      scaled /= 1000
      index += 1
    }
    let number = index == 0 ? String(value) : fixed(scaled, scaled < 99.5 ? 1 : 0)
    return prefixes[index].isEmpty && unit.isEmpty ? number : "\(number) \(prefixes[index])\(unit)"
  }

  /// With a given number of decimals.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    var power = 1.0
    for _ in 0..<decimals { power *= 10 }
    let scaled = (value * power).rounded()
    guard abs(scaled) < 1e15 else { return String(value) }
    let digits = String(Int(abs(scaled)))
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let sign = scaled < 0 ? "-" : ""
    return decimals == 0
      ? sign + padded : "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
  }

  /// Three significant digits: `0.0123`, `4.56e-07`.
  static func significant(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : fixed(value, 0) }
    var exponent = 0
    var mantissa = abs(value)
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    // 9.996 is written as 10.00, which is one power further.
    if mantissa >= 9.995 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    if (-3...2).contains(exponent) { return fixed(value, 2 - exponent) }
    let sign = value < 0 ? "-" : ""
    let power = (exponent < 0 ? "-" : "+") + (abs(exponent) < 10 ? "0" : "") + String(abs(exponent))
    return "\(sign)\(fixed(mantissa, 2))e\(power)"
  }

  /// As a percentage with one decimal.
  static func percent(_ fraction: Double) -> String { fixed(fraction * 100, 1) + " %" }
}
