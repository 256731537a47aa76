extension JSONMember {
  /// A whole number from 1 to 2⁵³, which a document's numbers hold exactly.
  var count: Int {
    get throws(PlanError) { try integer(in: 1...1 << 53) }
  }

  /// A whole number of a range within 2⁵³.
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
