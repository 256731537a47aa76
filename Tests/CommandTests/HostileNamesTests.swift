import ArrayFormats
import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

/// Names that a file made up: whatever is printed, they neither steer a terminal nor look like lines.
@Suite struct HostileNamesTests {
  /// Clears the screen, begins a line, turns the text around, begins a line, goes on in C1, deletes.
  private static let hostile = "\u{1B}[2J\nerror: \u{202E}\u{2028}\u{85}\u{9B}2J\u{7F}\"\\"

  private let folder: TemporaryFolder
  private let model: String

  init() throws {
    folder = try TemporaryFolder()
    model = folder.path("model.onnx")
    try ONNXFile.write(
      try Model(text: Self.text(activation: "Tanh")), to: model, overwriting: false)
  }

  /// Two residual blocks; every name and note ends in `hostile`.
  private static func text(activation: String) -> String {
    func name(_ plain: String) -> String { "\"\(plain)\(hostile.escaped)\"" }
    let weight = "{0.5, 0.1, -0.1, 0.2}"
    return """
      <
        ir_version: 8, opset_import: ["" : 17, \(name("example.org")) : 1],
        producer_name: \(name("producer")), producer_version: \(name("1")),
        domain: \(name("org")), doc_string: \(name("note"))
      >
      \(name("g")) (float[\(name("N")), 2] \(name("x"))) => (float[\(name("N")), 2] \(name("y")))
      <float[2, 2] \(name("w")) = \(weight)>
      {
        [\(name("n1"))] \(name("a")) = MatMul (\(name("x")), \(name("w")))
        [\(name("n2"))] \(name("b")) = \(activation) (\(name("a")))
        [\(name("n3"))] \(name("h")) = Add (\(name("x")), \(name("b")))
        [\(name("n4"))] \(name("c")) = MatMul (\(name("h")), \(name("w")))
        [\(name("n5"))] \(name("d")) = Tanh (\(name("c")))
        [\(name("n6"))] \(name("y")) = Add (\(name("h")), \(name("d")))
      }
      """
  }

  /// Runs the program; all it prints is harmless, and so many lines go to standard error.
  @discardableResult
  private func run(
    _ status: Int32?, errorLines: Int? = nil, _ arguments: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    let outcome = try Program.run(arguments)
    #expect(
      outcome.status == status ?? outcome.status, "\(outcome.stderr)",
      sourceLocation: sourceLocation)
    let bad = (outcome.stdout + outcome.stderr).unicodeScalars
      .filter { $0 != "\n" && !$0.isPrintable }
    #expect(bad.isEmpty, sourceLocation: sourceLocation)
    // A line that begins as only the name goes on was begun by the name.
    let lines = outcome.stdout.split(separator: "\n") + outcome.stderr.split(separator: "\n")
    #expect(!lines.contains { $0.hasPrefix("error: ") }, sourceLocation: sourceLocation)
    if let errorLines {
      #expect(
        outcome.stderr.split(separator: "\n").count == errorLines, sourceLocation: sourceLocation)
    }
    return outcome
  }

  @Test(arguments: [["--blocks"], ["--json"], ["--text"], ["--dot"]])
  func inspect(options: [String]) throws {
    let outcome = try Program.run(["inspect", model] + options)
    #expect(outcome.status == 0)
    #expect(outcome.stdout.contains("x\\"))
    #expect(outcome.stdout.unicodeScalars.allSatisfy { $0 == "\n" || $0.isPrintable })
  }

  @Test func theTextIsReadBackAsItWas() throws {
    let text = try run(0, "inspect", model, "--text").stdout
    #expect(text.contains("x" + Self.hostile.escaped))
  }

  @Test func jsonIsReadBackAsItWas() throws {
    let text = try run(0, "inspect", model, "--json").stdout
    let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    let inputs = try #require(document?["inputs"] as? [[String: Any]])
    #expect(inputs[0]["name"] as? String == "x" + Self.hostile)
  }

  @Test func everyVerb() throws {
    let outputs = folder.path("outputs")
    let (smaller, plan) = (folder.path("smaller.onnx"), folder.path("plan.json"))
    try run(0, "run", model, "-o", outputs)
    try run(0, "run", model, "--json")
    try run(0, model, smaller, "--spans", "0:1")
    try run(0, model, smaller, "--spans", "0:1", "--json", "--force")
    try run(0, "analyze", model, "--spans", "0:1", "-o", plan)
    try run(0, "apply", model, plan, smaller, "--force")
    try run(1, "verify", model, smaller)
    try run(1, "verify", model, smaller, "--json")
    try run(nil, "diff", model, smaller)
    try run(nil, "diff", model, smaller, "--json")
    try run(0, "copy", model, folder.path("copy.onnx"))
  }

  @Test func anOutputsNameIsNoPath() throws {
    let outputs = folder.path("outputs")
    try run(0, "run", model, "-o", outputs)
    let written = try folder.contents.filter { $0.hasPrefix("outputs/") }
    #expect(written.count == 1)
    #expect(written[0].hasPrefix("outputs/y__2J_error"))
    #expect(written[0].utf8.allSatisfy { (0x21..<0x7F).contains($0) })
  }

  @Test func refusals() throws {
    let strange = folder.path("strange.onnx")
    try ONNXFile.write(
      try Model(text: Self.text(activation: "\"\("Whirl" + Self.hostile.escaped)\"")),
      to: strange, overwriting: false)
    // The error, where the operator stands, and that data is made up.
    try run(65, errorLines: 3, "run", strange)
    try run(65, errorLines: 2, "run", strange, "-q")
    let data = folder.path("data\u{1B}[2J\n\u{202E}.npy")
    try NpyFile.write(Tensor([Float(1)], shape: [1, 1]), path: data, overwriting: false)
    try run(65, errorLines: 1, "run", model, "--inputs", data)
    try run(66, errorLines: 1, "run", model, "--inputs", "absent\u{1B}\n\u{2028}.npy")
    try run(66, errorLines: 1, "inspect", "absent\u{9B}2J\n.onnx")
  }

  @Test func argumentsThatAreEchoed() throws {
    try run(64, errorLines: 2, "--\u{1B}[2J\n\u{202E}")
    try run(64, errorLines: 2, "inspect", model, "\u{1B}[2J\n\u{202E}")
    try run(64, errorLines: 1, model, folder.path("o.onnx"), "--spans", "\u{1B}[2J\n\u{202E}")
    try run(0, errorLines: 0, "help", "\u{1B}[2J\n\u{202E}")
  }
}
