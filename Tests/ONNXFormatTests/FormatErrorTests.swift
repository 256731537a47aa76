import Foundation
import GraphIR
import ONNXFormat
import Tensors
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

  private static let attribute = "graph.node[0].attribute[0]"
  private static func node(_ attributes: [UInt8]...) -> [UInt8] {
    Wire.model(Wire.part(1, Wire.part(4, "A") + attributes.flatMap { Wire.part(5, $0) }))
  }
  private static func branch(_ graph: [UInt8]) -> [UInt8] {
    let attribute = Wire.part(1, "body") + Wire.part(6, graph) + Wire.number(20, 5)
    return Wire.part(1, Wire.part(4, "If") + Wire.part(5, attribute))
  }
  private static let sparse = "graph.sparse_initializer[0]"
  private static func sparse(_ content: [UInt8]) -> [UInt8] { Wire.model(Wire.part(15, content)) }
  private static func values(_ count: Int) -> [UInt8] {
    Wire.number(1, Int64(count)) + Wire.number(2, 1) + Wire.part(8, "w")
      + Wire.part(9, [UInt8](repeating: 0, count: count * 4))
  }
  private static let (one, two) = (values(1), values(2))
  private static func index(_ dims: [Int64], _ values: [Int64]) -> [UInt8] {
    Wire.part(
      2,
      dims.flatMap { Wire.number(1, $0) } + Wire.number(2, 7)
        + Wire.part(7, values.flatMap { Wire.varint(UInt64(bitPattern: $0)) }))
  }

  static let faults: [Fault] = [
    Fault("empty", .missingPart, []),
    Fault("node without operator", .missingPart, at: "graph.node[0]", Wire.model(Wire.part(1))),
    Fault("pointer", .missingPart, Array("version https://git-lfs.github.com/spec/v1\n".utf8)),
    Fault("length past the end", .truncated, byte: 0, [0x3a, 5, 0]),
    Fault("half a number", .truncated, byte: 1, [0x08, 0x80]),
    Fault("length of 2^63", .truncated, byte: 0, [0x3a] + Wire.varint(1 << 63)),
    Fault("eleven bytes", .varint, byte: 1, [0x08] + Array(repeating: 0xff, count: 10) + [1]),
    Fault("field 0", .fieldNumber, byte: 0, [0x00, 0]),
    Fault("wire type 6", .wireType, byte: 0, [0x0e, 0]),
    Fault("wire type 7", .wireType, byte: 0, [0x0f, 0]),
    Fault("group", .wireType, byte: 0, [0x0b, 0x0c]),
    Fault("graph as a number", .wireType, byte: 0, [0x38, 1]),
    Fault(
      "graph twice", .duplicateField, byte: 2, Wire.model() + Wire.model()),
    Fault(
      "dimension of two kinds", .duplicateField, byte: 14,
      Wire.model(
        Wire.part(
          11,
          Wire.part(
            2,
            Wire.part(
              1, Wire.part(2, Wire.part(1, Wire.number(1, 4) + Wire.part(2, "N")))))))),
    Fault("nesting", .nesting, byte: 300, Wire.model(deep)),
    Fault(
      "empty parts without number", .partCount, byte: 2 * ((1 << 19) + (1 << 21) / 16),
      [UInt8](repeating: 0, count: 1 << 21).enumerated().map { $0.offset % 2 == 0 ? 0x42 : 0 }
        + [0x42, 0]),
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
      "257 dimensions", .dimension, at: weight,
      Wire.model(
        Wire.initializer((0..<257).flatMap { _ in Wire.number(1, 1) }, Wire.number(2, 1)))),
    Fault(
      "floats in int32_data", .elementType, at: weight,
      Wire.model(Wire.initializer(four, Wire.part(5, [1, 2, 3, 4])))),
    Fault(
      "too many numbers", .dataSize, at: weight,
      Wire.model(Wire.initializer(Wire.number(1, 1), Wire.number(2, 6), Wire.part(5, [1, 2])))),
    Fault(
      "number out of range", .dataSize, at: weight,
      Wire.model(
        Wire.initializer(Wire.number(1, 1), Wire.number(2, 2), Wire.part(5, Wire.varint(256))))),
    Fault(
      "data location 2", .externalEntry, at: weight,
      Wire.model(Wire.initializer(four, Wire.number(14, 2)))),
    Fault(
      "initializer without a name", .missingPart, at: weight,
      Wire.model(Wire.part(5, four + Wire.part(9, [UInt8](repeating: 0, count: 16))))),
    Fault(
      "initializer twice", .duplicateProducer, at: "graph.initializer[1]",
      Wire.model(
        Wire.initializer(Wire.number(1, 0), Wire.number(2, 1)),
        Wire.initializer(Wire.number(1, 0), Wire.number(2, 1)))),
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
      "attribute without a name", .missingPart, at: attribute, node(Wire.number(3, 1))),
    Fault(
      "attribute twice", .duplicateAttribute, at: "graph.node[0].attribute[1]",
      node(Wire.part(1, "a"), Wire.part(1, "a"))),
    Fault(
      "attribute of two kinds", .attributeValue, at: attribute,
      node(Wire.part(1, "a") + Wire.number(3, 1) + Wire.number(8, 1) + Wire.number(20, 2))),
    Fault(
      "attribute of another kind", .attributeValue, at: attribute,
      node(Wire.part(1, "a") + Wire.number(3, 1) + Wire.number(20, 7))),
    Fault(
      "attribute of no kind", .attributeValue, at: attribute,
      node(Wire.part(1, "a") + Wire.number(20, 77))),
    Fault(
      "value beside a reference", .attributeValue, at: attribute,
      node(Wire.part(1, "a") + Wire.number(3, 1) + Wire.number(20, 2) + Wire.part(21, "b"))),
    Fault(
      "graph attribute without a graph", .missingPart, at: attribute,
      node(Wire.part(1, "a") + Wire.number(20, 5))),
    Fault("sparse without values", .missingPart, at: sparse, sparse([])),
    Fault(
      "sparse without indices", .missingPart, at: sparse,
      sparse(Wire.part(1, one) + Wire.number(3, 4))),
    Fault(
      "sparse values of rank 0", .sparseTensor, at: sparse,
      sparse(
        Wire.part(1, Wire.number(2, 1) + Wire.part(8, "w") + Wire.part(9, [0, 0, 0, 0]))
          + index([1], [0]))),
    Fault(
      "sparse indices of floats", .sparseTensor, at: sparse,
      sparse(Wire.part(1, one) + Wire.part(2, one) + Wire.number(3, 4))),
    Fault(
      "sparse indices too many", .sparseTensor, at: sparse,
      sparse(Wire.part(1, one) + index([2], [0, 1]) + Wire.number(3, 4))),
    Fault(
      "sparse index past the end", .sparseTensor, at: sparse,
      sparse(Wire.part(1, one) + index([1], [4]) + Wire.number(3, 4))),
    Fault(
      "sparse index below zero", .sparseTensor, at: sparse,
      sparse(Wire.part(1, one) + index([1], [-1]) + Wire.number(3, 4))),
    Fault(
      "sparse index past its axis", .sparseTensor, at: sparse,
      sparse(
        Wire.part(1, one) + index([1, 2], [0, 2]) + Wire.number(3, 4) + Wire.number(3, 2))),
    Fault(
      "sparse indices descend", .sparseTensor, at: sparse,
      sparse(Wire.part(1, two) + index([2], [3, 1]) + Wire.number(3, 4))),
    Fault(
      "sparse index twice", .sparseTensor, at: sparse,
      sparse(Wire.part(1, two) + index([2], [1, 1]) + Wire.number(3, 4))),
    Fault(
      "sparse dimensions overflow", .dimension, at: sparse,
      sparse(
        Wire.part(1, one) + index([1], [0]) + Wire.number(3, 1 << 40) + Wire.number(3, 1 << 40))),
    Fault(
      "sparse raw indices too short", .dataSize, at: "\(sparse).indices",
      sparse(
        Wire.part(1, one)
          + Wire.part(2, Wire.number(1, 1) + Wire.number(2, 7) + Wire.part(9, [0])))),
    Fault(
      "branch shadows", .shadowedValue, at: "graph.node[1].attribute[0].g.node[0]",
      Wire.model(Wire.node("A", [], ["y"]), branch(Wire.node("B", [], ["y"])))),
    Fault(
      "branch reads nothing", .danglingValue, at: "graph.node[0].attribute[0].g.node[0]",
      Wire.model(branch(Wire.node("B", ["nothing"], ["z"])))),
    Fault(
      "branch needs itself", .cycle, at: "graph.node[0].attribute[0].g.node[0]",
      Wire.model(branch(Wire.node("B", ["z"], ["z"])))),
    Fault(
      "training reads nothing", .danglingValue, at: "training_info[0].algorithm.node[0]",
      Wire.model() + Wire.part(20, Wire.part(2, Wire.node("A", ["nothing"], ["y"])))),
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

  /// Faults of files rather than of messages.
  static let fileFaults: [(FormatError.Code, @Sendable (TemporaryFolder) throws -> Void)] = [
    (.notFound, { _ = try ONNXFile.read(path: $0.path("none.onnx")) }),
    (.unreadable, { _ = try ONNXFile.read(path: $0.path) }),
    (.uncreatable, { try write(to: $0.path("none/m.onnx")) }),
    (.unwritable, { _ in try encodeThreeGigabytes() }),
    (
      .exists,
      {
        try write(to: $0.path("m.onnx"))
        try write(to: $0.path("m.onnx"))
      }
    ),
  ]

  /// Encodes a tensor of memory that may not even be read.
  private static func encodeThreeGigabytes() throws {
    let count = 3 << 30
    let address = try #require(
      mmap(nil, count, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))
    let storage = ByteStorage(owning: UnsafeRawBufferPointer(start: address, count: count)) {
      munmap(UnsafeMutableRawPointer(mutating: $0.baseAddress!), $0.count)
    }
    var graph = Graph()
    let tensor = try Tensor(.uint8, shape: [count], region: ByteRegion(storage))
    try graph.addInitializer(graph.intern("w"), StoredTensor(tensor))
    _ = try ONNXFile.encode(Model(graph: graph), placement: InPlace())
  }

  private static func write(to path: String) throws {
    try ONNXFile.write(Model(graph: Graph()), to: path, overwriting: false)
  }

  @Test(arguments: fileFaults.indices) func isAnsweredForAFile(_ index: Int) throws {
    let (code, fault) = Self.fileFaults[index]
    let folder = try TemporaryFolder()
    let error = try #require(throws: FormatError.self) { try fault(folder) }
    #expect(error.code == code)
  }

  /// Every code is answered by one of the tables, here or where it is tested by itself.
  @Test func everyCodeHasItsFault() {
    var tested = Set(Self.faults.map(\.code)).union(Self.fileFaults.map(\.0))
    tested.formUnion(ExternalDataTests.refusals.map(\.code))
    // `TensorFileTests`, `ValueFileTests`, `ONNXFileTests`.
    tested.formUnion([.notATensor, .valueKind, .overwritesInput])
    #expect(Set(FormatError.Code.allCases).subtracting(tested).isEmpty)
  }
}
