import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

/// Models whose inputs and outputs are sequences and optional values.
@Suite struct ValueRunTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func model(_ graph: String) throws -> String {
    let path = folder.path("model.onnx")
    try ONNXFile.write(
      try Model(text: "<ir_version: 10, opset_import: [\"\" : 21]> g \(graph)"), to: path,
      overwriting: true)
    return path
  }

  private static func part(_ field: UInt8, _ content: [UInt8]) -> [UInt8] {
    precondition(content.count < 128)
    return [field << 3 | 2, UInt8(content.count)] + content
  }

  private static func tensor(_ type: UInt8, _ shape: [UInt8], _ raw: [UInt8]) -> [UInt8] {
    shape.flatMap { [0x08, $0] } + [0x10, type] + part(9, raw)
  }

  private static func floats(_ values: [Float]) -> [UInt8] {
    tensor(1, [UInt8(values.count)], values.flatMap { withUnsafeBytes(of: $0) { Array($0) } })
  }

  /// The message of a sequence of tensors.
  private static func sequence(_ tensors: [[UInt8]]) -> [UInt8] {
    [0x10, 1] + tensors.flatMap { part(3, $0) }
  }

  private func testSet(_ files: [String: [UInt8]]) throws -> String {
    let path = folder.path("set")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    for (name, bytes) in files { _ = try folder.write(Data(bytes), as: "set/\(name).pb") }
    return path
  }

  private static let insertion = """
    (seq(tensor(float)) s, optional(tensor(float)) o) => (seq(tensor(float)) r, bool h) {
      t = OptionalGetElement (o)
      r = SequenceInsert (s, t)
      h = OptionalHasElement (o)
    }
    """.replacing("tensor(float)", with: "float[n]")

  private func run(_ outputs: [Float], _ flag: UInt8 = 1) throws -> Outcome {
    let path = try model(Self.insertion)
    let set = try testSet([
      "input_0": Self.sequence([Self.floats([1, 2])]),
      "input_1": [0x10, 1] + Self.part(3, Self.floats([3])),
      "output_0": Self.sequence([Self.floats([1, 2]), Self.floats(outputs)]),
      "output_1": Self.tensor(9, [], [flag]),
    ])
    return try Program.run("run", path, "--pbdir", set)
  }

  @Test func aTestSetOfSequencesPasses() throws {
    let outcome = try run([3.001])
    #expect(outcome.status == 0)
    let lines = outcome.stdout.split(separator: "\n").map(String.init)
    #expect(lines.count == 4)
    #expect(lines[0] == "r seq(tensor(float))")
    #expect(lines[1] == "h bool[]")
    #expect(lines[3].hasPrefix("passed: largest error 0.001"))
  }

  @Test func anElementBeyondToleranceFails() throws {
    let outcome = try run([4])
    #expect(outcome.status == 1)
    #expect(outcome.stdout.contains("FAILED: largest error 1"))
  }

  @Test func truthValuesAreComparedExactly() throws {
    #expect(try run([3], 0).status == 1)
  }

  @Test func anElementOfAnotherShapeIsNamed() throws {
    let outcome = try run([3, 3])
    #expect(
      outcome
        == Outcome(
          status: 65, stdout: "",
          stderr: """
            rba-convert: error: \(folder.path("set"))/output_0.pb: output 'r', element 1 is \
            float[1], expected float[2]

            """))
  }

  @Test func elementsOfAnotherTypeAreRefused() throws {
    let path = try model(Self.insertion)
    let set = try testSet([
      "input_0": Self.sequence([Self.tensor(7, [], [UInt8](repeating: 0, count: 8))]),
      "input_1": [],
    ])
    #expect(
      try Program.run("run", path, "--pbdir", set)
        == Outcome(
          status: 65, stdout: "",
          stderr: """
            rba-convert: error: \(set)/input_0.pb: tensor_values[0]: expected a tensor of float, \
            got int64

            """))
  }

  @Test func dataIsForTensorsOnly() throws {
    let path = try model(Self.insertion)
    let message = "\(path): input 's': expected a tensor, got seq(tensor(float))"
    #expect(
      try Program.run("run", path)
        == Outcome(
          status: 65, stdout: "",
          stderr: """
            rba-convert: error: \(message)
            note: 'run --pbdir' feeds values that are no tensors

            """))
    let inspection = try Program.run("inspect", path)
    #expect(inspection.status == 0)
    #expect(
      inspection.stdout.contains(
        """
        input  s seq(tensor(float))
        input  o optional(tensor(float))
        output r seq(tensor(float))
        output h bool[]
        """))
  }

  @Test func outputsThatAreNoTensorsAreNotWritten() throws {
    let path = try model("(float[n] x) => (seq(float[n]) r) { r = SequenceConstruct (x, x) }")
    let outputs = folder.path("outputs")
    let outcome = try Program.run("run", path, "-o", outputs, "-q")
    #expect(outcome.status == 65)
    #expect(
      outcome.stderr == """
        rba-convert: error: \(path): output 'r': expected a tensor, as .npy files hold, \
        got seq(tensor(float))

        """)
    #expect(!FileManager.default.fileExists(atPath: outputs))
    // They are told of all the same.
    let told = try Program.run("run", path, "--dim", "n=3", "--quiet", "--json")
    #expect(told.status == 0)
    #expect(told.stdout.contains("\"type\" : \"seq(tensor(float))\""))
  }

  @Test func outputsThatAreDeclaredWithoutATypeAreToldToo() throws {
    let path = try model("(float[2] x) => (r) { r = SequenceConstruct (x, x) }")
    let outcome = try Program.run("run", path, "-o", folder.path("outputs"), "-q")
    #expect(outcome.status == 65)
    #expect(
      outcome.stderr.contains("output 'r': expected a tensor, as .npy files hold, got seq(tensor("))
    #expect(!FileManager.default.fileExists(atPath: folder.path("outputs")))
  }

  /// An input with a value of its own needs no file; where it has one, that is fed.
  @Test(arguments: [(true, [4] as [Float]), (false, [3])])
  func inputsWithValuesMayBeLeftOut(isGiven: Bool, expected: [Float]) throws {
    let path = try model(
      "(float[1] x, float[1] w = {2}, float[1] v) => (float[1] y) { a = Add (x, w) y = Add (a, v) }"
    )
    var files = [
      "input_0": Self.floats([0]), "input_2": Self.floats([1]), "output_0": Self.floats(expected),
    ]
    if isGiven { files["input_1"] = Self.floats([3]) }
    let outcome = try Program.run("run", path, "--pbdir", try testSet(files), "--rtol", "0")
    #expect(outcome.status == 0, "\(outcome.stdout)\(outcome.stderr)")
  }

  /// Where files are numbered as the inputs that must be given.
  @Test func filesMayBeNumberedWithoutInputsThatHaveValues() throws {
    let path = try model(
      "(float[1] w = {2}, float[1] x) => (float[1] y) { y = Add (x, w) }")
    let set = try testSet(["input_0": Self.floats([1]), "output_0": Self.floats([3])])
    #expect(try Program.run("run", path, "--pbdir", set).status == 0)
  }

  @Test func aMissingFileIsNamed() throws {
    let path = try model(Self.insertion)
    let set = try testSet(["input_0": Self.sequence([])])
    #expect(
      try Program.run("run", path, "--pbdir", set)
        == Outcome(
          status: 66, stdout: "",
          stderr: "rba-convert: error: \(set)/input_1.pb: no such file\n"))
  }

  /// Every operator that is missing, wherever it stands, with its first node.
  @Test func whatInspectDoesNotSupportIsListed() throws {
    let path = try model(
      """
      (float[2] x) => (y) <bool c = {1}> {
        a = Whirl (x)
        y = If <then_branch = t () => (b) { [within] b = Twist (a) },
                else_branch = e () => (d) { d = Whirl (x) }> (c)
      }
      """)
    let inspection = try Program.run("inspect", path)
    #expect(inspection.status == 0)
    #expect(
      inspection.stdout.contains(
        """
        not supported:
          2 × Whirl (opset 21), first at node Whirl
          1 × Twist (opset 21), first at node 'within' (Twist)
        """))
    let document = try Program.run("inspect", path, "--json").stdout
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any])
    #expect(
      object["unsupported"] as? [String: Int] == ["Whirl (opset 21)": 2, "Twist (opset 21)": 1])
    #expect(
      object["unsupportedAt"] as? [String: String] == [
        "Whirl (opset 21)": "node Whirl", "Twist (opset 21)": "node 'within' (Twist)",
      ])
    let run = try Program.run("run", path, "-q")
    #expect(run.status == 65)
    #expect(
      run.stderr == """
        rba-convert: error: \(path): unsupported operators: 2 × Whirl (opset 21), \
        1 × Twist (opset 21)
        note: Whirl (opset 21): first at node Whirl
        note: Twist (opset 21): first at node 'within' (Twist)

        """)
  }
}
