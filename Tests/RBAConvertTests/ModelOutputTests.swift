import Foundation
import GraphIR
import ONNXFormat
import Tensors
import Testing

@testable import RBAConvert

/// Where models are written, and over what they are not.
@Suite struct ModelOutputTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(
    arguments: [
      (
        "m.safetensors", "inline", nil,
        "--external-data: only .onnx models have such data, got the output 'm.safetensors'"
      ),
      (
        "m.onnx", "a/b", nil,
        "--external-data: expected keep, inline or the name of a file beside the output, got 'a/b'"
      ),
      (
        "m.onnx", "..", nil,
        "--external-data: expected keep, inline or the name of a file beside the output, got '..'"
      ),
      ("d/m.onnx", "m.onnx", nil, "--external-data: 'm.onnx' is the model itself"),
      (
        "m.onnx", "keep", 5,
        "--max-shard-size: only .safetensors models are split, got the output 'm.onnx'"
      ),
      ("m.safetensors", "keep", 0, "--max-shard-size: expected a positive number, got 0"),
    ] as [(String, String, Int?, String)])
  func optionsThatDoNotFitAreUsage(
    path: String, externalData: String, size: Int?, message: String
  ) throws {
    // The model is not even looked for.
    let refusal = try failure { () throws(Failure) in
      try ModelCopy(
        input: "absent", output: path, externalData: externalData, maximumShardSize: size,
        overwriting: false
      ).run(.silent)
    }
    #expect(refusal.status == .usage)
    #expect(refusal.message == message)
  }

  /// A model whose weights lie in `weights.onnx`.
  private func external() throws -> String {
    let path = folder.path("m.onnx")
    _ = try ModelCopy(
      input: Sample.model, output: path, externalData: "weights.onnx", overwriting: false
    ).run(.silent)
    return path
  }

  @Test func theModelItselfMayBeReplaced() throws {
    let path = try external()
    let weights = try bytes(folder.path("weights.onnx"))
    _ = try ModelCopy(input: path, output: path, overwriting: true).run(.silent)
    #expect(try bytes(folder.path("weights.onnx")) == weights)
    _ = try ModelCopy(input: path, output: path, externalData: "inline", overwriting: true)
      .run(.silent)
    #expect(try LoadedModel(path: path).model.externalFiles.isEmpty)
    #expect(try LoadedModel(path: path).model.graph.parameterCount == 605_213)
  }

  @Test func dataOfTheModelIsNotReplaced() throws {
    let path = try external()
    let weights = folder.path("weights.onnx")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link.onnx"), withDestinationPath: weights)
    let copies = [
      ModelCopy(input: path, output: weights, overwriting: true),
      ModelCopy(input: path, output: folder.path("link.onnx"), overwriting: true),
      ModelCopy(
        input: path, output: folder.path("n.onnx"), externalData: "weights.onnx", overwriting: true),
    ]
    let before = try bytes(weights)
    for copy in copies {
      let refusal = try failure { () throws(Failure) in try copy.run(.silent) }
      #expect(refusal.status == .cannotCreate)
      #expect(refusal.message.hasSuffix(": is external data of the model"))
    }
    #expect(try bytes(weights) == before)
    #expect(try folder.contents == ["link.onnx", "m.onnx", "weights.onnx"])
  }

  @Test func partsOfASplitModelAreNotReplaced() throws {
    let report = try ModelCopy(
      input: Sample.model, output: folder.path("m.safetensors"), maximumShardSize: 1_000_000,
      overwriting: false
    ).run(.silent)
    let shard = folder.path("m-00001-of-00003.safetensors")
    let refusal = try failure { () throws(Failure) in
      try ModelCopy(input: report.output, output: shard, overwriting: true).run(.silent)
    }
    #expect(refusal.message == "\(shard): is a part of the model")
    let again = try failure { () throws(Failure) in
      try ModelCopy(
        input: report.output, output: folder.path("m.safetensors"), maximumShardSize: 1_000_000,
        overwriting: true
      ).run(.silent)
    }
    #expect(again.message == "\(shard): is a part of the model")
  }

  @Test func inputDataIsNotReplaced() throws {
    let data = folder.path("data.safetensors")
    try FileManager.default.copyItem(atPath: Sample.calibration, toPath: data)
    let before = try bytes(data)
    for paths in [[data], [folder.path("")], ["pixel_values:\(data)"]] {
      let refusal = try failure { () throws(Failure) in
        try Conversion(
          input: Sample.model, output: data, overwriting: true, recordsProvenance: true,
          data: DataRequest(paths: paths), selection: SelectionOptions(), machine: Machine()
        ).run(.silent)
      }
      #expect(refusal.status == .cannotCreate)
      #expect(refusal.message == "\(data): is input data")
    }
    #expect(try bytes(data) == before)
  }

  @Test func aPlanReplacesNoModel() throws {
    let path = folder.path("m.onnx")
    try FileManager.default.copyItem(atPath: Sample.model, toPath: path)
    let refusal = try failure { () throws(Failure) in
      try Analysis(
        input: path, plan: path, overwriting: true, data: DataRequest(paths: []),
        selection: SelectionOptions(), machine: Machine()
      ).run(.silent)
    }
    #expect(refusal.message == "\(path): is the model")
  }

  @Test func aModelReplacesNoPlan() throws {
    let plan = folder.path("plan.onnx")
    try Data("{}".utf8).write(to: URL(filePath: plan))
    let refusal = try failure { () throws(Failure) in
      try PlanApplication(
        model: Sample.model, plan: plan, output: plan, overwriting: true, recordsProvenance: true
      ).run(.silent)
    }
    #expect(refusal.message == "\(plan): is the plan")
  }

  @Test func outputsOfARunShareNoFile() throws {
    var graph = Graph(name: "g")
    let x = graph.intern("x")
    let type = ValueType.tensor(TensorType(.float, [.size(2)]))
    try graph.addInput(x, ValueDeclaration(type: type))
    for (name, other) in [("w", "w"), ("y/z", "y_z")] {
      for name in Set([name, other]).sorted() {
        let output = graph.intern(name)
        try graph.append(Node("Relu", inputs: [x], outputs: [output]))
        graph.addOutput(output, ValueDeclaration(type: type))
      }
    }
    let model = Model(graph: graph, opset: 17)
    let path = folder.path("m.onnx")
    try ONNXFile.write(model, to: path, overwriting: false)
    func run(_ output: String, _ data: [String]) -> ModelRun {
      ModelRun(
        model: path, data: DataRequest(paths: data), testSet: nil, relativeTolerance: 0,
        absoluteTolerance: 0, outputFolder: output, overwriting: true, repetitions: 1,
        machine: Machine(threads: 1))
    }
    let results = folder.path("out")
    _ = try run(results, []).run(.silent)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: results).sorted()
        == ["w.npy", "y_z-2.npy", "y_z.npy"])
    let replacing = try failure { () throws(Failure) in
      try run(results, ["\(results)/w.npy"]).run(.silent)
    }
    #expect(replacing.message == "\(results)/w.npy: is input data")
  }

  @Test func externalDataMayLieInAnotherFolder() throws {
    let path = try external()
    let other = folder.path("other")
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: false)
    try FileManager.default.moveItem(
      atPath: folder.path("weights.onnx"), toPath: "\(other)/weights.onnx")
    let refusal = try failure { () throws(Failure) in try LoadedModel(path: path) }
    #expect(refusal.status == .noInput)
    let report = try ModelCopy(
      input: path, output: folder.path("n.onnx"), externalData: "inline", overwriting: false,
      externalDataDirectory: other
    ).run(.silent)
    #expect(try bytes(report.output) == bytes(Sample.model))
    let absent = try failure { () throws(Failure) in
      try LoadedModel(path: path, externalDataDirectory: folder.path("absent"))
    }
    #expect(absent.status == .noInput)
    #expect(absent.message == "\(folder.path("absent")): no such folder")
  }
}
