import Foundation
import GraphIR
import ONNXFormat
import SafetensorsFormat
import Tensors
import Testing

@testable import RBAConvert

/// Leaves every tensor where the model keeps it.
private final class Keeping: TensorPlacement {
  func encoding(of stored: StoredTensor, name: String?) -> TensorEncoding { stored.encoding }
}

extension SafetensorsModel {
  fileprivate init(tensors: [(name: String, tensor: Tensor)], message: [UInt8]) throws {
    try self.init(Model(graph: Graph()))
    self.tensors = tensors
    metadata["rba-convert.model"] = Data(message).base64EncodedString()
  }
}

/// Models whose graph lies in the metadata of a safetensors file.
@Suite struct SafetensorsModelTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A graph of the given initializers, and of a node that reads them all.
  private func model(
    _ stored: [(String, StoredTensor)], attributes: [Attribute] = []
  ) throws -> Model {
    var graph = Graph(name: "g")
    var values: [ValueID] = []
    for (name, tensor) in stored {
      values.append(graph.intern(name))
      try graph.addInitializer(values.last!, tensor)
    }
    for (index, attribute) in attributes.enumerated() {
      let output = graph.intern("constant_\(index)")
      try graph.append(
        Node("Constant", inputs: [], outputs: [output], attributes: [attribute]))
      values.append(output)
    }
    let output = graph.intern("result")
    try graph.append(
      Node("Whirl", domain: "example.org", inputs: values, outputs: [output]))
    graph.addOutput(output, nil)
    return Model(graph: graph, opset: 21)
  }

  private func encoded(_ model: Model) throws -> [UInt8] {
    try ONNXFile.encode(model, placement: Keeping())
  }

  private func file(_ parts: SafetensorsModel) throws -> SafetensorsFile {
    let path = folder.path("\(UUID().uuidString).safetensors")
    try SafetensorsFile.write(
      parts.tensors, metadata: parts.metadata, path: path, overwriting: false)
    return try SafetensorsFile.read(path: path)
  }

  private func tensor(_ type: ElementType, _ shape: [Int]) throws -> Tensor {
    guard type != .string else { return try Tensor(strings: [[1, 2], []], shape: [2]) }
    let count = shape.reduce(1, *)
    let bytes = [UInt8](repeating: 1, count: type.byteCount(elements: count)!)
    return try Tensor(type, shape: shape, region: ByteRegion(copying: bytes))
  }

  @Test(arguments: ElementType.allCases.filter { $0 != .undefined })
  func everyTypeComesBack(type: ElementType) throws {
    let shapes = [[], [3], [2, 4], [0, 5]]
    let model = try model(
      try shapes.enumerated().flatMap { index, shape in
        try [TensorEncoding.raw, .typed].map { encoding in
          (
            "\(index).\(encoding)",
            StoredTensor(name: "\(index)", try tensor(type, shape), encoding: encoding)
          )
        }
      })
    let parts = try SafetensorsModel(model)
    #expect(parts.tensors.count == (type == .string ? 0 : 8))
    let back = try Model(try file(parts), path: "m")
    #expect(try encoded(back) == encoded(model))
  }

  @Test func tensorsAreFoundUnderNamesOfTheirOwn() throws {
    var weight: Tensor { Tensor([Float](repeating: 2, count: 4)) }
    var large: Tensor { Tensor([Float](repeating: 3, count: 400)) }
    var inner = Graph(name: "inner")
    try inner.addInitializer(inner.intern("w"), StoredTensor(name: "w", large))
    var spelt = StoredTensor(name: "spelt", weight)
    spelt.declaresDefaultLocation = true
    let model = try model(
      [
        ("w", StoredTensor(name: "w", weight)), ("spelt", spelt),
        ("__metadata__", StoredTensor(name: "__metadata__", weight)),
      ],
      attributes: [
        Attribute("value", .tensor(StoredTensor(large.reshaped([20, 20])))),
        Attribute("value", .tensor(StoredTensor(name: "small", weight))),
        Attribute("body", .graph(inner)),
        Attribute("many", .tensors([StoredTensor(Tensor([Double](repeating: 0, count: 128)))])),
      ])
    let parts = try SafetensorsModel(model)
    #expect(
      Set(parts.tensors.map(\.name))
        == ["w", "spelt", "constant_0", "w#2", "constant"])
    let back = try Model(try file(parts), path: "m")
    #expect(try encoded(back) == encoded(model))
  }

  @Test func sharedBytesAreWrittenOnce() throws {
    let shared = Tensor([Float](repeating: 2, count: 4))
    let entries = [MetadataEntry(key: "location", value: "x")]
    let model = try model([
      ("a", StoredTensor(name: "a", shared, encoding: .external(entries))),
      ("b", StoredTensor(name: "b", shared, encoding: .external(entries))),
    ])
    let parts = try SafetensorsModel(model)
    #expect(parts.tensors.map(\.name) == ["a"])
    let graph = try Model(try file(parts), path: "m").graph
    for name in ["a", "b"] {
      let stored = try #require(graph.value(named: name).flatMap { graph.initializer($0) })
      #expect(stored.tensor.isIdentical(to: shared))
      #expect(stored.encoding == .raw)
    }
  }

  @Test func aLongMessageIsATensor() throws {
    let model = try model([("a", StoredTensor(name: "a", Tensor([Float(1)])))])
    let parts = try SafetensorsModel(model, maximumMessageInMetadata: 8)
    #expect(parts.metadata["rba-convert.model-tensor"] == "rba-convert.model")
    #expect(Set(parts.tensors.map(\.name)) == ["a", "rba-convert.model"])
    let back = try Model(try file(parts), path: "m")
    #expect(try encoded(back) == encoded(model))
  }

  // MARK: Faults

  /// What is done to a good model, and what must be said of it.
  struct Fault: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let message: String
    let damage: @Sendable (inout SafetensorsModel) throws -> Void

    init(
      _ description: String, _ message: String,
      _ damage: @escaping @Sendable (inout SafetensorsModel) throws -> Void
    ) {
      self.testDescription = description
      self.message = message
      self.damage = damage
    }

    /// The message's text replaced by one of the same length.
    static func edit(_ description: String, _ message: String, _ old: String, _ new: String)
      -> Fault
    {
      Fault(description, message) { parts in
        var data = try #require(
          parts.metadata["rba-convert.model"].flatMap { Data(base64Encoded: $0) })
        let range = try #require(data.firstRange(of: Data(old.utf8)))
        try #require(old.utf8.count == new.utf8.count)
        data.replaceSubrange(range, with: Data(new.utf8))
        parts.metadata["rba-convert.model"] = data.base64EncodedString()
      }
    }
  }

  static let faults = [
    Fault(
      "plain weights",
      "holds 2 tensors but no graph, expected a model that rba-convert wrote, with metadata 'rba-convert.form'"
    ) {
      $0.metadata = ["format": "pt"]
    },
    Fault("no form", "metadata 'rba-convert.form' is missing") {
      $0.metadata["rba-convert.form"] = nil
    },
    Fault("another form", "metadata 'rba-convert.form': expected '1', got '2'") {
      $0.metadata["rba-convert.form"] = "2"
    },
    Fault(
      "no message",
      "expected metadata 'rba-convert.model' or 'rba-convert.model-tensor', got neither"
    ) { $0.metadata["rba-convert.model"] = nil },
    Fault(
      "two messages",
      "expected metadata 'rba-convert.model' or 'rba-convert.model-tensor', got both"
    ) { $0.metadata["rba-convert.model-tensor"] = "a" },
    Fault("no base64", "metadata 'rba-convert.model': expected base64") {
      $0.metadata["rba-convert.model"]! += "*"
    },
    Fault(
      "a message tensor that is missing",
      "metadata 'rba-convert.model-tensor': expected the name of a tensor of bytes, got 'none'"
    ) {
      $0.metadata["rba-convert.model"] = nil
      $0.metadata["rba-convert.model-tensor"] = "none"
    },
    Fault(
      "a message tensor of floats",
      "metadata 'rba-convert.model-tensor': expected the name of a tensor of bytes, got 'first'"
    ) {
      $0.metadata["rba-convert.model"] = nil
      $0.metadata["rba-convert.model-tensor"] = "first"
    },
    Fault("an empty message", "rba-convert.model: a model without a graph") {
      $0.metadata["rba-convert.model"] = ""
    },
    Fault(
      "a tensor that is missing",
      "rba-convert.model: graph.initializer[0]: expected a tensor 'first' in the file, got none"
    ) { $0.tensors.removeAll { $0.name == "first" } },
    Fault(
      "a tensor of another size",
      "rba-convert.model: graph.initializer[0]: tensor 'first': expected 8 bytes, got float[1]"
    ) { $0.tensors[0].tensor = Tensor([Float(1)]) },
    Fault(
      "a tensor of another shape",
      "rba-convert.model: graph.initializer[0]: tensor 'first': expected float[2], got float[2, 1]"
    ) { $0.tensors[0].tensor = Tensor([Float(1), 2], shape: [2, 1]) },
    Fault(
      "a tensor of another type",
      "rba-convert.model: graph.initializer[0]: tensor 'first': expected float[2], got int32[2]"
    ) { $0.tensors[0].tensor = Tensor([Int32(1), 2]) },
    Fault(
      "bytes of another type",
      "rba-convert.model: graph.initializer[1]: tensor 'other': expected uint8[2], got int8[2]"
    ) { $0.tensors[1].tensor = Tensor([Int8(1), 2]) },
    Fault("a tensor too many", "the graph does not use tensor 'more'") {
      $0.tensors.append(("more", Tensor([Float(1)])))
    },
    Fault("two tensors too many", "the graph does not use tensor 'less', nor 1 others") {
      $0.tensors += [("more", Tensor([Float(1)])), ("less", Tensor([Float(1)]))]
    },
    .edit(
      "another encoding",
      "rba-convert.model: graph.initializer[0]: entry 'encoding': expected 'raw' or 'typed', got 'roh'",
      "raw", "roh"),
    .edit(
      "no tensor's name",
      "rba-convert.model: graph.initializer[0]: a tensor outside the message without the entry 'tensor'",
      "tensor", "tansor"),
    .edit(
      "an unknown entry",
      "rba-convert.model: graph.initializer[1]: a tensor has an entry 'data-location' of no meaning",
      "data_location", "data-location"),
    .edit(
      "another location",
      "rba-convert.model: graph.initializer[1]: entry 'data_location': expected 'default', got 'elsewhe'",
      "default", "elsewhe"),
  ]

  @Test(arguments: faults)
  func eachFaultIsOneClearLine(fault: Fault) throws {
    var other = StoredTensor(
      name: "other",
      try Tensor(.int4, shape: [4], region: ByteRegion(copying: [1, 2])), encoding: .raw)
    other.declaresDefaultLocation = true
    let model = try model([
      ("first", StoredTensor(name: "first", Tensor([Float(1), 2]))), ("other", other),
    ])
    var parts = try SafetensorsModel(model)
    try fault.damage(&parts)
    let file = try file(parts)
    let refusal = try failure { () throws(Failure) in try Model(file, path: "m") }
    #expect(refusal.status == .malformedInput)
    #expect(refusal.message == "m: \(fault.message)")
  }

  @Test func anEntryTwiceIsAFault() throws {
    let entry = MetadataEntry(key: "tensor", value: "a")
    let stored = StoredTensor(name: "a", Tensor([Float(1)]), encoding: .external([entry, entry]))
    let message = try encoded(try model([("a", stored)]))
    let file = try file(
      SafetensorsModel(tensors: [("a", stored.tensor)], message: message))
    let refusal = try failure { () throws(Failure) in try Model(file, path: "m") }
    #expect(
      refusal.message
        == "m: rba-convert.model: graph.initializer[0]: a tensor has the entry 'tensor' twice")
  }

  // MARK: Files

  @Test func theSampleComesBackByEveryWay() throws {
    let ways = [
      ["m.safetensors", "m.onnx"], ["s.safetensors", "n.onnx"], ["m.safetensors", "t.safetensors"],
    ]
    for names in ways {
      var source = Sample.model
      for (index, name) in names.enumerated() {
        let report = try ModelCopy(
          input: source, output: folder.path(name),
          maximumShardSize: name.hasPrefix("s") ? 400_000 : nil, overwriting: index == 0
        ).run(.silent)
        #expect(report.parameters.before == report.parameters.after)
        source = report.output
      }
    }
    let original = try bytes(Sample.model)
    #expect(try bytes(folder.path("m.onnx")) == original)
    #expect(try bytes(folder.path("n.onnx")) == original)
    #expect(try bytes(folder.path("m.safetensors")) == bytes(folder.path("t.safetensors")))
    #expect(try folder.contents.contains("s-00007-of-00007.safetensors"))
  }

  @Test func whatAFileHoldsMattersMoreThanItsName() throws {
    let path = folder.path("m.safetensors")
    _ = try ModelCopy(input: Sample.model, output: path, overwriting: false).run(.silent)
    try FileManager.default.moveItem(atPath: path, toPath: folder.path("model.onnx"))
    try FileManager.default.copyItem(atPath: Sample.model, toPath: path)
    for path in [path, folder.path("model.onnx")] {
      #expect(try LoadedModel(path: path).model.graph.parameterCount == 605_213)
    }
  }
}
