import Foundation
import GraphIR
import ONNXFormat
import SafetensorsFormat
import Tensors
import Testing

/// Inputs that cannot be converted: one line, the status scripts rely on, and no file left.
@Suite struct RefusalTests {
  private let folder: TemporaryFolder
  private let pictures: Tensor

  init() throws {
    folder = try TemporaryFolder()
    let tensors = try SafetensorsFile.read(path: Sample.calibration).tensors
    pictures = try #require(tensors.first { $0.name == "pixel_values" }).tensor.slice(0..<8)
  }

  /// Converts, and expects the refusal to be all that happens.
  private func expect(
    _ status: Int32, _ message: String, notes: [String] = [], model: String = Sample.model,
    output: String? = nil, calibration: String? = nil, options: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try folder.contents
    let data = ["--calibration", calibration ?? Sample.calibration]
    let outcome = try Program.run(
      [model, output ?? folder.path("out.onnx"), "--auto-threshold"] + data + options)
    let lines = ["rba-convert: error: \(message)"] + notes.map { "note: \($0)" }
    #expect(
      outcome
        == Outcome(status: status, stdout: "", stderr: lines.joined(separator: "\n") + "\n"),
      sourceLocation: sourceLocation)
    #expect(try folder.contents == before, sourceLocation: sourceLocation)
  }

  private func calibration(_ tensor: Tensor, name: String = "pixel_values") throws -> String {
    let path = folder.path("data.safetensors")
    try SafetensorsFile.write([(name, tensor)], path: path, overwriting: false)
    return path
  }

  private func model(_ text: String) throws -> String {
    let path = folder.path("model.onnx")
    try ONNXFile.write(try Model(text: text), to: path, overwriting: false)
    return path
  }

  private var features: Tensor { Tensor([Float](repeating: 1, count: 32), shape: [4, 8]) }

  // MARK: Models

  @Test func aModelThatIsNotThere() throws {
    let path = folder.path("absent.onnx")
    try expect(66, "\(path): no such file", model: path)
  }

  @Test func aFolderAsModel() throws {
    try expect(
      65, "\(folder.url.path): expected a file, got a folder", model: folder.url.path)
  }

  @Test func anEmptyModel() throws {
    let path = try folder.write(Data(), as: "empty.onnx")
    try expect(65, "\(path): a model without a graph", model: path)
  }

  @Test func aTruncatedModel() throws {
    let whole = try Data(contentsOf: URL(filePath: Sample.model))
    let path = try folder.write(whole.prefix(500_000), as: "half.onnx")
    try expect(
      65, "\(path): byte 19: expected 2532244 bytes, got 499976 before the end", model: path)
  }

  @Test func aPictureAsModel() throws {
    let signature = Data([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    let path = try folder.write(signature, as: "picture.png")
    try expect(65, "\(path): expected an .onnx or .safetensors model, got a .png file", model: path)
    let disguised = try folder.write(signature, as: "picture.onnx")
    try expect(
      65, "\(disguised): byte 0: expected 8 bytes, got 6 before the end", model: disguised)
  }

  @Test func operatorsWithoutMeaningAreAllListed() throws {
    let path = try model(
      """
      <ir_version: 8, opset_import: ["" : 17, "example.org" : 1]>
      g (float[N, 8] x) => (float[N, 8] y)
      {
        a = example.org.Whirl (x)
        b = example.org.Whirl (a)
        y = example.org.Twist (b)
      }
      """)
    try expect(
      65,
      "\(path): unsupported operators: 2 × example.org::Whirl (opset 1), "
        + "1 × example.org::Twist (opset 1)",
      notes: [
        "example.org::Whirl (opset 1): first at node Whirl",
        "example.org::Twist (opset 1): first at node Twist",
        "no residual stream was found in what does not need them",
      ], model: path, calibration: calibration(features, name: "x"))
  }

  @Test func aModelWithoutResiduals() throws {
    let path = try model(
      """
      <ir_version: 8, opset_import: ["" : 17]>
      g (float[N, 8] x) => (float[N, 8] y)
      {
        h = Tanh (x)
        y = Relu (h)
      }
      """)
    try expect(
      1, "\(path): has no residual stream, so there is nothing to replace",
      notes: ["'rba-convert inspect --blocks' says why residual-looking nodes were rejected"],
      model: path, calibration: calibration(features, name: "x"))
  }

  // MARK: Data

  @Test func dataThatIsNotThere() throws {
    let path = folder.path("absent.npz")
    try expect(66, "\(path): no such file", calibration: path)
  }

  @Test func dataOfAnotherShape() throws {
    let path = try calibration(Tensor([Float](repeating: 0, count: 784), shape: [2, 1, 28, 14]))
    try expect(
      65,
      "\(path): input 'pixel_values': expected float[batch, 1, 28, 28], got float[2, 1, 28, 14]",
      calibration: path)
  }

  @Test func dataOfAnotherType() throws {
    let path = try calibration(Tensor([Int64](repeating: 0, count: 1568), shape: [2, 1, 28, 28]))
    try expect(
      65,
      "\(path): input 'pixel_values': expected float[batch, 1, 28, 28], got int64[2, 1, 28, 28]",
      calibration: path)
  }

  @Test func dataOfAnotherName() throws {
    let path = try calibration(pictures, name: "pictures")
    try expect(
      65,
      "\(path): no data for input 'pixel_values', expected 'pixel_values' "
        + "float[batch, 1, 28, 28]; got 'pictures' of \(path)",
      calibration: path)
  }

  @Test func noSamples() throws {
    let path = try calibration(pictures.slice(0..<0))
    try expect(65, "\(path): holds no samples", calibration: path)
  }

  @Test func oneSample() throws {
    let path = try calibration(pictures.slice(0..<1))
    try expect(
      65,
      "\(path): expected at least 2 different samples, to fit on some and hold out others, got 1",
      calibration: path)
  }

  @Test func dataThatIsNotFinite() throws {
    var values = pictures.elements(as: Float.self)
    values[3 * 784 + 100] = .nan
    let path = try calibration(Tensor(values, shape: pictures.shape))
    try expect(
      65,
      "\(path): input 'pixel_values': expected finite numbers, got NaN or infinity in sample 3",
      calibration: path)
  }

  // MARK: Outputs

  @Test func anOutputFolderThatIsNotThere() throws {
    let path = folder.path("absent/out.onnx")
    try expect(73, "\(path): cannot create: no such file or directory", output: path)
  }

  @Test func anOutputThatExists() throws {
    let path = try folder.write(Data("mine".utf8), as: "mine.onnx")
    try expect(
      73, "\(path): already exists", notes: ["use --force to replace it"], output: path)
    #expect(try Data(contentsOf: URL(filePath: path)) == Data("mine".utf8))
  }

  @Test func aFolderAsOutput() throws {
    let output = folder.path("out.onnx")
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: false)
    try expect(73, "\(output): cannot replace a folder", output: output, options: ["--force"])
  }
}
