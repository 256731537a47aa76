import Foundation
import Testing

/// The JSON documents that scripts rely on.
@Suite struct DocumentTests {
  private typealias Document = [String: Any]

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The document a run prints alone on standard output, of its verb's schema.
  private func document(_ verb: String, status: Int32 = 0, _ arguments: [String]) throws -> Document
  {
    let outcome = try Program.run([verb] + arguments + ["--json", "--quiet"])
    #expect(outcome.status == status)
    // What the status says has its reason there, however quiet.
    #expect(outcome.stderr.split(separator: "\n").count == status)
    #expect(status == 0 || outcome.stderr.hasPrefix("rba-convert: error: "))
    let object = try JSONSerialization.jsonObject(with: Data(outcome.stdout.utf8))
    let document = try #require(object as? Document)
    #expect(document["schema"] as? String == "rba-convert/\(verb)/1")
    return document
  }

  private func expect(
    _ object: Any?, has keys: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let element = (object as? [Any])?.first ?? object
    let document = try #require(element as? Document, sourceLocation: sourceLocation)
    let missing = keys.filter { document[$0] == nil }
    #expect(missing == [], sourceLocation: sourceLocation)
  }

  private static let outputKeys = [
    "name", "maxAbsoluteError", "meanAbsoluteError", "relativeError", "cosine", "top1Agreement",
    "minimumTolerance",
  ]

  private var data: [String] { ["--calibration", Sample.calibration, "--samples", "32"] }

  @Test func inspect() throws {
    let document = try document("inspect", [Sample.model])
    try expect(
      document,
      has: [
        "parameters", "bytes", "opsets", "operators", "inputs", "outputs", "streams", "rejected",
        "unsupported", "unsupportedAt",
      ])
    #expect(document["parameters"] as? Int == 605_213)
    #expect(document["opsets"] as? [String: Int] == ["": 17])
    try expect(document["inputs"], has: ["name", "type", "shape"])
    try expect(document["outputs"], has: ["name", "type", "shape"])
    try expect(document["streams"], has: ["shape", "points", "blocks"])
    let stream = try #require((document["streams"] as? [Document])?.first)
    #expect((stream["points"] as? [String])?.count == 25)
    #expect((stream["blocks"] as? [Any])?.count == 24)
    try expect(
      stream["blocks"],
      has: ["index", "from", "to", "nodes", "parameters", "multiplyAdds", "kind"])
    try expect(document["rejected"], has: ["node", "reason"])
  }

  @Test(arguments: ["convert", "analyze"])
  func conversions(verb: String) throws {
    let output = folder.path(verb == "convert" ? "out.onnx" : "plan.json")
    let place = verb == "convert" ? [output] : ["-o", output]
    let document = try document(verb, [Sample.model] + place + data + ["--spans", "4:5"])
    for key in ["parameters", "bytes", "multiplyAdds"] {
      try expect(document[key], has: ["before", "after"])
    }
    try expect(document["calibration"], has: ["source", "samples", "held", "synthetic"])
    try expect(
      document["spans"],
      has: [
        "from", "to", "blocks", "form", "parametersRemoved", "parametersAdded", "ridge", "r2",
        "outputError",
      ])
    #expect((document["frontier"] as? [Any])?.isEmpty == true)
    try expect(document["guard"], has: ["metric", "limit", "measured", "bound", "passed"])
    try expect(document["outputs"], has: Self.outputKeys)
    try expect(document["accuracy"], has: ["a", "b"])
    try expect(document, has: ["seconds", "peakBytes"])
    #expect(document["output"] as? String == output)
    #expect(try folder.contents == [(output as NSString).lastPathComponent])
  }

  @Test func apply() throws {
    let (plan, output) = (folder.path("plan.json"), folder.path("out.onnx"))
    let analysis = try document(
      "analyze", [Sample.model, "-o", plan] + data + ["--spans", "4:5"])
    let application = try document("apply", [Sample.model, plan, output])
    #expect(application["output"] as? String == output)
    #expect(
      (application["parameters"] as? [String: Int]) == (analysis["parameters"] as? [String: Int]))
    try expect(application["bytes"], has: ["before", "after"])
  }

  @Test func verify() throws {
    let document = try document("verify", [Sample.model, Sample.model, "--samples", "4"])
    try expect(document["outputs"], has: Self.outputKeys)
    #expect(document["accuracy"] is NSNull)
    #expect(document["firstDivergence"] is NSNull)
    #expect(document["passed"] as? Bool == true)
  }

  @Test func scores() throws {
    let document = try document("analyze", [Sample.model] + data + ["--scores"])
    try expect(
      document["scores"],
      has: [
        "label", "from", "to", "blocks", "blockRedundancy", "cosine", "angularDistance",
        "linearCKA",
      ])
    #expect((document["scores"] as? [Any])?.count == 78)
    #expect((document["spans"] as? [Any])?.isEmpty == true)
    let outcome = try Program.run(["analyze", Sample.model] + data + ["--scores"])
    let lines = outcome.stdout.split(separator: "\n")
    #expect(lines.count == 79)
    #expect(
      lines.first == "span   block redundancy  cosine  angular distance  linear CKA")
  }

  @Test func verificationsThatFailAreDocumentsToo() throws {
    let output = folder.path("out.onnx")
    _ = try document(
      "convert", [Sample.model, output] + data + ["--spans", "4:5", "--form", "identity"])
    let inputs = ["--inputs", Sample.calibration, "--samples", "4"]
    let document = try document("verify", status: 1, [Sample.model, output] + inputs)
    #expect(document["passed"] as? Bool == false)
    #expect(document["firstDivergence"] is String)
    let refusal = try #require(document["refusal"] as? String)
    #expect(refusal.hasPrefix("output 'logits' has a relative error of "))
    try expect(document["accuracy"], has: ["a", "b"])
  }

  @Test func run() throws {
    let outputs = folder.path("outputs")
    let document = try document(
      "run",
      [Sample.model, "--inputs", Sample.calibration, "--samples", "3", "-o", outputs]
        + ["--repeat", "2", "--threads", "1"])
    try expect(document["outputs"], has: ["name", "type", "shape"])
    #expect((document["secondsPerRun"] as? [Double])?.count == 2)
    #expect(document["threads"] as? Int == 1)
    #expect(document["batch"] as? Int == 3)
    try expect(document, has: ["peakBytes"])
    #expect(try folder.contents == ["outputs", "outputs/logits.npy"])
  }

  @Test func copy() throws {
    let output = folder.path("copy.onnx")
    let document = try document("copy", [Sample.model, output])
    #expect(document["parameters"] as? [String: Int] == ["before": 605_213, "after": 605_213])
    #expect(
      try Data(contentsOf: URL(filePath: output))
        == Data(contentsOf: URL(filePath: Sample.model)))
  }

  @Test func diff() throws {
    let output = folder.path("out.onnx")
    _ = try document(
      "convert", [Sample.model, output] + data + ["--spans", "4:5", "--form", "linear"])
    let document = try document("diff", [Sample.model, output])
    #expect(document["equal"] as? Bool == false)
    for key in ["nodes", "weights"] {
      let counts = try #require(document[key] as? [String: Int])
      let (equal, changed) = (try #require(counts["equal"]), try #require(counts["changed"]))
      #expect(counts["a"] == equal + changed + counts["moved"]! + counts["removed"]!)
      #expect(counts["b"] == equal + changed + counts["moved"]! + counts["added"]!)
      #expect(equal > 0 && counts["removed"]! > 0 && counts["added"]! > 0)
    }
    try expect(document["differences"], has: ["place", "change", "from", "to"])
    try expect(document["parameters"], has: ["before", "after"])
  }

  @Test func diffOfEqualModels() throws {
    let outcome = try Program.run("diff", Sample.model, Sample.model, "--exit-code")
    #expect(outcome.status == 0)
    #expect(outcome.stdout.hasSuffix("\nthe models are equal\n"))
    let other = Sample.model.replacing("opset17", with: "opset14")
    #expect(try Program.run("diff", Sample.model, other).status == 0)
    #expect(try Program.run("diff", Sample.model, other, "--exit-code", "-q").status == 1)
  }

  @Test func notesGoToStandardError() throws {
    let outcome = try Program.run("run", Sample.model, "--json")
    #expect(outcome.status == 0)
    #expect(
      outcome.stderr == "note: no data given with --inputs: using 1 synthetic sample, "
        + "which is no substitute\n")
    #expect(outcome.stdout.hasPrefix("{\n") && outcome.stdout.hasSuffix("}\n"))
  }
}
