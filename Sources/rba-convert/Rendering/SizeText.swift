import RBAConvert

/// What `apply` and `copy` tell a person.
enum SizeText {
  static func lines(_ report: SizeReport) -> [String] {
    [
      "parameters \(Format.count(report.parameters.before)) to "
        + Format.count(report.parameters.after),
      "file \(Format.scaled(report.bytes.before, unit: "B")) to "
        + Format.scaled(report.bytes.after, unit: "B"),
      "wrote \(report.output)",
    ]
  }
}
