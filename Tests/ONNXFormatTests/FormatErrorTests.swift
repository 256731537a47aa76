import GraphIR
import ONNXFormat
import Testing

/// One malformed file for each fault, and the code and place it is answered with.
@Suite struct FormatErrorTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    let name: String
    let code: FormatError.Code
    let place: String
    let byteOffset: Int?
    let bytes: [UInt8]
    var testDescription: String { name }

    init(
      _ name: String, _ code: FormatError.Code, at place: String = "", byte: Int? = nil,
      _ bytes: [UInt8]
    ) {
      self.name = name
      self.code = code
      self.place = place
      self.byteOffset = byte
      self.bytes = bytes
    }
  }

  private static let weight = "graph.initializer[0]"
  private static let four = Wire.number(1, 4) + Wire.number(2, 1)
  private static let deep = (0..<60).reduce([UInt8]()) { content, _ in
    Wire.part(1, Wire.part(5, Wire.part(6, content)))
  }
  private static func function(_ name: String, calls: String) -> [UInt8] {
    Wire.part(25, Wire.part(1, name) + Wire.part(7, Wire.part(4, calls)))
  }

  static let faults = [
    Fault("empty", .missingPart, []),
    Fault("node without operator", .missingPart, at: "graph.node[0]", Wire.model(Wire.part(1))),
    Fault("length past the end", .truncated, byte: 0, [0x3a, 5, 0]),
    Fault("half a number", .truncated, byte: 1, [0x08, 0x80]),
    Fault("length of 2^63", .truncated, byte: 0, [0x3a] + Wire.varint(1 << 63)),
    Fault("eleven bytes", .varint, byte: 1, [0x08] + Array(repeating: 0xff, count: 10) + [1]),
    Fault("field 0", .fieldNumber, byte: 0, [0x00, 0]),
    Fault("wire type 6", .wireType, byte: 0, [0x0e, 0]),
    Fault("wire type 7", .wireType, byte: 0, [0x0f, 0]),
    Fault("group", .wireType, byte: 0, [0x0b, 0x0c]),
    Fault("graph as a number", .wireType, byte: 0, [0x38, 1]),
    Fault("nesting", .nesting, byte: 300, Wire.model(deep)),
    Fault("text of no encoding", .text, byte: 2, Wire.part(2, [0xff])),
    Fault("text with NUL", .text, byte: 2, Wire.part(2, [0x61, 0])),
    Fault(
      "negative dimension", .dimension, at: weight,
      Wire.model(Wire.initializer(Wire.number(1, -4), Wire.number(2, 1), Wire.part(9)))),
    Fault(
      "dimensions overflow", .dimension, at: weight,
      Wire.model(
        Wire.initializer(
          Wire.number(1, 1 << 40), Wire.number(1, 1 << 40), Wire.number(2, 1), Wire.part(9)))),
    Fault(
      "unknown element type", .elementType, at: weight,
      Wire.model(Wire.initializer(Wire.number(1, 0), Wire.number(2, 99)))),
    Fault(
      "raw data too short", .dataSize, at: weight,
      Wire.model(Wire.initializer(four, Wire.part(9, [0, 0])))),
    Fault("no data", .dataSize, at: weight, Wire.model(Wire.initializer(four))),
    Fault(
      "raw and typed data", .ambiguousData, at: weight,
      Wire.model(Wire.initializer(four, Wire.part(9, [0]), Wire.part(4, [0, 0, 0, 0])))),
    Fault(
      "two producers", .duplicateProducer, at: "graph.node[1]",
      Wire.model(Wire.node("A", [], ["y"]), Wire.node("B", [], ["y"]))),
    Fault(
      "nothing produces", .danglingValue, at: "graph.node[0]",
      Wire.model(Wire.node("A", ["x"], ["y"]))),
    Fault("self loop", .cycle, at: "graph.node[0]", Wire.model(Wire.node("A", ["y"], ["y"]))),
    Fault(
      "function twice", .duplicateFunction, at: "functions[1]",
      Wire.model() + function("f", calls: "Relu") + function("f", calls: "Relu")),
    Fault(
      "functions in a circle", .recursion, at: "functions[0]",
      Wire.model() + function("f", calls: "g") + function("g", calls: "f")),
  ]

  @Test(arguments: faults) func isAnswered(_ fault: Fault) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(fault.bytes, as: "m.onnx")
    let error = try #require(throws: FormatError.self) { try ONNXFile.read(path: path) }
    #expect(error.code == fault.code)
    #expect(error.place == fault.place)
    #expect(error.byteOffset == fault.byteOffset)
    #expect(error.file == path)
  }

  @Test func aMissingFileIsNotFound() throws {
    let error = try #require(throws: FormatError.self) {
      try ONNXFile.read(path: "/nonexistent/m.onnx")
    }
    #expect(error.code == .notFound)
  }

  @Test func aFolderIsUnreadable() throws {
    let folder = try TemporaryFolder()
    let error = try #require(throws: FormatError.self) {
      try ONNXFile.read(path: folder.path)
    }
    #expect(error.code == .unreadable)
  }

  @Test func nothingIsCreatedInAMissingFolder() throws {
    let error = try #require(throws: FormatError.self) {
      try ONNXFile.write(
        Model(graph: Graph()), to: "/nonexistent/m.onnx", overwriting: false)
    }
    #expect(error.code == .uncreatable)
  }
}
