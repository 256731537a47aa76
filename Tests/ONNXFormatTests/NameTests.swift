import GraphIR
import ONNXFormat
import Tensors
import Testing

/// Names are bytes: Swift's strings equal their Unicode normal forms, those of a file do not.
@Suite struct NameTests {
  private static let composed = "\u{E9}"
  private static let decomposed = "e\u{301}"

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func weight(_ name: String, _ fields: [UInt8]...) -> [UInt8] {
    Wire.part(
      5, Wire.number(1, 1) + Wire.number(2, 1) + Wire.part(8, name) + fields.flatMap(\.self))
  }

  @Test func valuesOfTwoNormalFormsAreTwoValues() throws {
    let message = Wire.model(
      Wire.node("Add", [Self.composed, Self.decomposed], ["y"]),
      weight(Self.composed, Wire.part(9, [0, 0, 0x80, 0x3f])),
      weight(Self.decomposed, Wire.part(9, [0, 0, 0, 0x40])), Wire.part(12, Wire.part(1, "y")))
    let path = try folder.write(message, as: "m.onnx")
    let model = try ONNXFile.read(path: path)
    let values = [Self.composed, Self.decomposed].compactMap { model.graph.value(named: $0) }
    #expect(values.count == 2 && values[0] != values[1])
    #expect(
      values.map { model.graph.initializer($0)?.tensor.elements(as: Float.self) } == [[1], [2]])
    try ONNXFile.write(model, to: folder.path("copy.onnx"), overwriting: false)
    let copy = try ONNXFile.read(path: folder.path("copy.onnx"))
    #expect(ONNXFile.differences(between: model, and: copy) == [])
    #expect(
      copy.graph.nodes.first { _ in true }?.node.inputs
        == [copy.graph.value(named: Self.composed), copy.graph.value(named: Self.decomposed)])
  }

  @Test func aReaderOfOneNormalFormDoesNotReadTheOther() throws {
    let message = Wire.model(
      Wire.node("Relu", [Self.decomposed], ["y"]),
      weight(Self.composed, Wire.part(9, [0, 0, 0x80, 0x3f])), Wire.part(12, Wire.part(1, "y")))
    let path = try folder.write(message, as: "m.onnx")
    let error = #expect(throws: FormatError.self) { try ONNXFile.read(path: path) }
    #expect(error?.code == .danglingValue)
  }

  @Test func filesOfTwoNormalFormsAreTwoFiles() throws {
    _ = try folder.write([0, 0, 0x80, 0x3f], as: Self.composed)
    _ = try folder.write([0, 0, 0, 0x40], as: Self.decomposed)
    func external(_ location: String) -> [UInt8] {
      Wire.number(14, 1) + Wire.part(13, Wire.part(1, "location"), Wire.part(2, location))
    }
    let message = Wire.model(
      weight("a", external(Self.composed)), weight("b", external(Self.decomposed)))
    let path = try folder.write(message, as: "m.onnx")
    let model = try ONNXFile.read(path: path)
    let contents = try ["a", "b"].map { name in
      let value = try #require(model.graph.value(named: name))
      return model.graph.initializer(value)?.tensor.elements(as: Float.self)
    }
    #expect(contents == [[1], [2]])
    #expect(model.externalFiles.count == 2)
  }

  /// Compared as Swift's strings these would take hours.
  @Test func aNameOfManyMarksIsRefusedAtOnce() throws {
    let name = "q" + String(repeating: "\u{301}\u{316}", count: 1_000_000)
    let message = Wire.model(Wire.node("Relu", [name], ["y"]))
    let path = try folder.write(message, as: "m.onnx")
    let error = #expect(throws: FormatError.self) { try ONNXFile.read(path: path) }
    #expect(error?.code == .danglingValue)
    #expect((error?.message.utf8.count ?? 0) < 2000)
  }
}
