import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

@Suite struct ONNXFileTests {
  static let samples: [String] = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../samples/vit-mnist").standardizedFileURL.path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".onnx") }.sorted().map { "\(folder)/\($0)" }
  }()

  @Test func samplesAreThere() { #expect(Self.samples.count == 3) }

  @Test(arguments: samples) func samplesComeBackByteForByte(_ path: String) throws {
    let folder = try TemporaryFolder()
    let model = try ONNXFile.read(path: path)
    #expect(!model.graph.order.isEmpty)
    try ONNXFile.write(model, to: folder.path("out.onnx"), overwriting: false)
    #expect(try bytes(of: folder.path("out.onnx")) == bytes(of: path))
    #expect(try folder.contents == ["out.onnx"])
  }

  @Test func whatIsNotUnderstoodIsKept() throws {
    let unknown = Wire.part(900, "later") + Wire.number(901, 7)
    let encoded =
      Wire.number(1, 8) + Wire.part(7, Wire.node("Constant", [], ["y"]) + unknown) + unknown
    let folder = try TemporaryFolder()
    let path = try folder.write(encoded, as: "in.onnx")
    try ONNXFile.write(
      ONNXFile.read(path: path), to: folder.path("out.onnx"), overwriting: false)
    #expect(try bytes(of: folder.path("out.onnx")) == encoded)
  }

  @Test func truncationNeverTraps() throws {
    let folder = try TemporaryFolder()
    let model = try Model(
      text: """
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[N, 2] x) => (float[N, 2] y) <float[2] w = {1, 2}> {
          a = If <then_branch = t () => (float[2] b) { b = Relu(w) }, list = [1, 2]> (w)
          y = Add <text = "s"> (x, a)
        }
        """)
    try ONNXFile.write(model, to: folder.path("whole.onnx"), overwriting: false)
    let whole = try bytes(of: folder.path("whole.onnx"))
    for count in whole.indices {
      let path = try folder.write(Array(whole[..<count]), as: "part.onnx")
      guard let part = try? ONNXFile.read(path: path) else { continue }
      #expect(part.opsetImports.isEmpty, "only the import behind the graph may be missing")
    }
  }

  @Test func whatIsReadIsNotOverwritten() throws {
    let folder = try TemporaryFolder()
    let data = try folder.write(Array(0..<16), as: "d.onnx")
    let bytes = Wire.model(Wire.initializer(Wire.external(["location=d.onnx"])))
    let path = try folder.write(bytes, as: "m.onnx")
    let model = try ONNXFile.read(path: path)
    #expect(model.externalFiles.keys.sorted() == [ExactText("d.onnx")])
    for (output, place) in [
      (data, ONNXFile.ExternalData.inline), (folder.path("n.onnx"), .file("d.onnx")),
      (path, .file("d.onnx")),
    ] {
      let error = try #require(throws: FormatError.self) {
        try ONNXFile.write(model, to: output, overwriting: true, externalData: place)
      }
      #expect(error.code == .overwritesInput)
    }
    #expect(try folder.contents == ["d.onnx", "m.onnx"])
    // The model itself may be replaced.
    try ONNXFile.write(model, to: path, overwriting: true)
    #expect(try ONNXFile.read(path: path).externalFiles.keys.sorted() == [ExactText("d.onnx")])
  }

  @Test func anExistingFileStaysUnlessOverwritten() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([1], as: "m.onnx")
    let model = Model(graph: Graph(name: "g"))
    let error = try #require(throws: FormatError.self) {
      try ONNXFile.write(model, to: path, overwriting: false)
    }
    #expect(error.code == .exists)
    #expect(try bytes(of: path) == [1])
    try ONNXFile.write(model, to: path, overwriting: true)
    #expect(try ONNXFile.read(path: path).graph.name == "g")
  }
}

/// Keeps every tensor outside the message, in a table.
private final class Table: TensorPlacement, ExternalTensorSource {
  var regions: [String: ByteRegion] = [:]

  func encoding(of stored: StoredTensor, name: String?) -> TensorEncoding {
    let key = "\(regions.count) \(name ?? "")"
    regions[key] = stored.tensor.region
    return .external([MetadataEntry(key: "location", value: key)])
  }

  func region(_ entries: [MetadataEntry], byteCount: Int) throws(FormatError) -> ByteRegion {
    guard let region = entries.first?.value.flatMap({ regions[$0] }), region.count == byteCount
    else { throw FormatError(.notFound, "no such tensor") }
    return region
  }
}

@Suite struct MessageTests {
  @Test func tensorsMayLieElsewhere() throws {
    let text = """
      <
        ir_version: 8,
        opset_import: ["" : 17]
      >
      g (x) => (y)
      <
        float[2] w = {1.0, 2.0},
        string[1] s = {"stays"}
      >
      {
        c = Constant <value = int64 {-3}> ()
        y = Add (x, w)
      }

      """
    let table = Table()
    let message = try ONNXFile.encode(Model(text: text), placement: table)
    #expect(table.regions.keys.sorted() == ["0 w", "1 "])
    let region = ByteRegion(copying: message)
    let model = try ONNXFile.decode(region, external: table)
    #expect(model.text(full: true) == text)
    let error = try #require(throws: FormatError.self) {
      try ONNXFile.decode(region, external: NoExternalTensors())
    }
    #expect(error.code == .externalLocation)
    #expect(error.place == "graph.initializer[0]")
  }
}
