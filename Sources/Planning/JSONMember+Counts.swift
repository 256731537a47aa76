extension JSONMember {
  /// 2⁵³: whole numbers up to it are exact in a document.
  static let largestCount = 1 << 53

  /// A whole number from 1 to `largestCount`.
  var count: Int {
    get throws(PlanError) { try integer(in: 1...Self.largestCount) }
  }

  /// A whole number of a range within `largestCount`.
  func integer(in range: ClosedRange<Int>) throws(PlanError) -> Int {
    let number = try number
    guard let integer = Int(exactly: number), range.contains(integer) else {
      throw PlanError(
        .malformed, path: path,
        "expected a whole number from \(range.lowerBound) to \(range.upperBound), got \(number)")
    }
    return integer
  }
}
