import RBAConvert

/// What `diff` tells a person.
enum DiffText {
  static func lines(_ report: DiffReport) -> [String] {
    var table = Table([
      ("", .left), ("a", .right), ("b", .right), ("equal", .right), ("moved", .right),
      ("changed", .right), ("removed", .right), ("added", .right),
    ])
    for (name, counts) in [("nodes", report.nodes), ("weights", report.weights)] {
      table.append(
        [name]
          + [
            counts.a, counts.b, counts.equal, counts.moved, counts.changed, counts.removed,
            counts.added,
          ].map(Format.count))
    }
    let verdict = report.equal ? "the models are equal" : "\(report.differences.count) differences"
    return report.differences.map(line) + table.lines + [
      "parameters \(Format.count(report.parameters.before)) and "
        + Format.count(report.parameters.after),
      verdict,
    ]
  }

  private static func line(_ difference: DiffReport.Difference) -> String {
    let place = difference.place
    let (from, to) = (difference.from ?? "", difference.to ?? "")
    switch difference.change {
    case "added": return "+ \(place)" + (to.isEmpty ? "" : ": \(to)")
    case "removed": return "- \(place)" + (from.isEmpty ? "" : ": \(from)")
    case "reordered": return "~ \(place): in another order"
    case "moved": return "> \(place): \(from) -> \(to)"
    default: return "~ \(place): \(from) -> \(to)"
    }
  }
}
