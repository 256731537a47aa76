import ArrayFormats
import GraphIR
import ONNXFormat
import Tensors
import Testing

@testable import RBAConvert

@Suite struct VerificationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// y = log(x), which negative numbers have none of, and z = s x.
  private func model(_ name: String, s: String) throws -> String {
    let path = folder.path(name)
    let model = try Model(
      text: """
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[N, 2] x) => (float[N, 2] y, float[N, 2] z) <float s = {\(s)}> {
          y = Log(x)
          z = Mul(x, s)
        }
        """)
    try ONNXFile.write(model, to: path, overwriting: false)
    return path
  }

  private func verify(
    _ a: String, _ b: String, _ data: [Float], notes: Notes
  ) throws -> VerifyReport {
    let path = folder.path("data.npy")
    try NpyFile.write(
      Tensor(data, shape: [data.count / 2, 2]), path: path, overwriting: true)
    return try Verification(
      a: a, b: b, data: DataRequest(paths: [path]), maximumError: 0.1, minimumAgreement: nil,
      machine: Machine(threads: 1)
    ).run(notes.diagnostics)
  }

  @Test func oneOutputWithoutFiniteNumbersIsNoted() throws {
    let (a, b) = (try model("a.onnx", s: "1"), try model("b.onnx", s: "1.1"))
    let notes = Notes()
    let report = try verify(a, b, [-1, -2, -3, -5], notes: notes)
    #expect(report.passed && report.outputs.map(\.relativeError)[0] == 0)
    #expect(report.outputs[1].relativeError > 0.01)
    // No class is the largest of none.
    #expect(report.outputs.map(\.top1Agreement) == [nil, 1])
    #expect(
      notes.lines == [
        "\(a) gives no finite number in output 'y': it tells nothing of what is lost"
      ])
  }

  @Test func dataThatANodeRefusesAreNamed() throws {
    let (model, data) = (folder.path("table.onnx"), folder.path("indices.npy"))
    let text = """
      <ir_version: 8, opset_import: ["" : 17]>
      g (int64[N, 2] x) => (float[N, 2] y) <float[3] table = {1, 2, 3}> {
        y = Gather(table, x)
      }
      """
    try ONNXFile.write(try Model(text: text), to: model, overwriting: false)
    try NpyFile.write(
      Tensor([0, 1, 2, 99] as [Int64], shape: [2, 2]), path: data, overwriting: false)
    let refusal = try failure { () throws(Failure) in
      try Verification(
        a: model, b: model, data: DataRequest(paths: [data]), maximumError: 0.1,
        minimumAgreement: nil, machine: Machine(threads: 1)
      ).run(.silent)
    }
    #expect(refusal.status == .malformedInput)
    #expect(
      refusal.message
        == "\(model), run on \(data): node Gather: index 99 is out of range for an axis of 3")
  }

  @Test func whatIsFiniteSomewhereIsCompared() throws {
    let (a, b) = (try model("a.onnx", s: "1"), try model("b.onnx", s: "2"))
    let notes = Notes()
    let report = try verify(a, b, [-1, 2, -3, 5], notes: notes)
    #expect(notes.lines == [])
    #expect(report.refusal?.hasPrefix("output 'z' has a relative error of ") == true)
  }
}
