import RBAConvert

/// What `--list-operators` tells a person.
enum OperatorText {
  static func lines(_ report: OperatorReport) -> [String] {
    var lines: [String] = []
    for domain in report.domains {
      if !lines.isEmpty { lines.append("") }
      let name = domain.domain.isEmpty ? "ai.onnx" : domain.domain
      var table = Table([("\(name), \(domain.operators.count) operators", .left), ("opset", .left)])
      for operation in domain.operators {
        table.append([operation.name, operation.versions.map(range).joined(separator: ", ")])
      }
      lines += table.lines
    }
    return lines
  }

  private static func range(_ versions: OperatorReport.Versions) -> String {
    guard let through = versions.through else { return "\(versions.from)–" }
    return through == versions.from ? "\(through)" : "\(versions.from)–\(through)"
  }
}
