import RBAConvert

/// What `inspect` tells a person.
enum InspectText {
  static func lines(_ report: InspectReport, blocks: Bool) -> [String] {
    let opsets = report.opsets.sorted { $0.key < $1.key }
      .map { "\($0.key.isEmpty ? "ai.onnx" : $0.key) \($0.value)" }
    var lines = [
      "\(report.file): \(report.producer), opset \(opsets.joined(separator: ", "))",
      "\(Format.count(report.parameters)) parameters, \(Format.scaled(report.bytes, unit: "B")), "
        + "\(Format.scaled(report.multiplyAdds)) multiply-adds per sample",
    ]
    lines += report.inputs.map { "input  \($0.text)" }
    lines += report.outputs.map { "output \($0.text)" }
    let counts = report.operators.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    lines.append("operators: " + counts.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    if !report.unsupported.isEmpty {
      let counts = report.unsupported.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      lines.append("not supported:")
      lines += counts.map { name, count in
        "  \(count) × \(name), first at \(report.unsupportedAt[name] ?? "an unnamed node")"
      }
    }
    for stream in report.streams { lines += [""] + describe(stream, blocks) }
    if report.streams.isEmpty { lines += ["", "no residual stream"] }
    if blocks && !report.rejected.isEmpty {
      lines += ["", "residual-looking nodes that are no part of a stream:"]
      lines += report.rejected.map { "  \($0.node): \($0.reason)" }
    }
    return lines
  }

  private static func describe(_ stream: InspectReport.Stream, _ blocks: Bool) -> [String] {
    let kinds = Dictionary(grouping: stream.blocks, by: \.kind).sorted { $0.key < $1.key }
      .map { "\($0.value.count) \($0.key)" }
    let first =
      "residual stream \(stream.shape), \(stream.points.count) points, "
      + "\(stream.blocks.count) blocks: \(kinds.joined(separator: ", "))"
    guard blocks else { return [first] }
    var table = Table([
      ("span", .left), ("kind", .left), ("nodes", .right), ("parameters", .right),
      ("multiply-adds", .right), ("to", .left),
    ])
    for block in stream.blocks {
      table.append([
        "\(block.fromLabel):\(block.toLabel)", block.kind, String(block.nodes),
        Format.count(block.parameters), Format.scaled(block.multiplyAdds), block.to,
      ])
    }
    return [first] + table.lines.map { "  " + $0 }
  }
}
