import ArgumentParser
import ArrayFormats
import GraphIR
import ONNXFormat
import Planning
import RBAConvert
import SafetensorsFormat
import Tensors

/// What came of an input.
enum Verdict: Equatable {
  case accepted
  /// The name of the fault's code.
  case refused(String)
  /// Accepted, but what is written of it reads as something else.
  case broken(String)
}

/// The program's readers, and what it does with a model that it accepted: `run`.
enum FuzzedReader: String, CaseIterable, ExpressibleByArgument {
  case onnx, safetensors, model, shards, difference, npy, npz, tensor, value, text, plan, run
  case statistics

  /// The reader whose seed files it starts from, too.
  var seeds: FuzzedReader { self == .difference ? .onnx : self }

  var shape: FileShape {
    switch self {
    case .onnx, .tensor, .value, .run: .wire
    case .safetensors, .model, .statistics: .header(prefix: 0, width: 8)
    case .shards: .shards
    case .difference: .pair
    case .npy: .header(prefix: 8, width: 2)
    case .npz: .archive
    case .text, .plan: .text
    }
  }

  /// Reads `bytes`; what is accepted is written, read again and compared.
  ///
  /// `folder` is the reader's own; external data is looked for in it.
  func read(_ bytes: [UInt8], in folder: Scratch) throws -> Verdict {
    switch self {
    case .onnx: try readModel(bytes, folder)
    case .tensor: try readTensor(bytes, folder)
    case .value: try readValue(bytes, folder)
    case .safetensors: try readSafetensors(bytes, folder)
    case .model: try copyModel(bytes, folder)
    case .shards: try copyShards(bytes, folder)
    case .difference: try compareModels(bytes, folder)
    case .npy, .npz: try readArrays(bytes, folder)
    case .text: try readText(bytes)
    case .plan: try readPlan(bytes)
    case .run: try runModel(bytes, folder)
    case .statistics: try mergeStatistics(bytes, folder)
    }
  }

  private func readModel(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    let input = try folder.write(bytes, name: "input.onnx")
    let model: Model
    do { model = try ONNXFile.read(path: input) } catch { return .refused("\(error.code)") }
    _ = model.text(full: true)
    let first = folder.path("first.onnx")
    let second = folder.path("second.onnx")
    try ONNXFile.write(model, to: first, overwriting: true)
    do {
      try ONNXFile.write(try ONNXFile.read(path: first), to: second, overwriting: true)
    } catch {
      return .broken("what was written is refused: \(error)")
    }
    return try folder.haveSameBytes(first, second)
      ? .accepted : .broken("what was written reads as another model")
  }

  private func readTensor(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    let input = try folder.write(bytes, name: "input.pb")
    let (name, tensor): (String, Tensor)
    do { (name, tensor) = try ONNXFile.readTensor(path: input) } catch {
      return .refused("\(error.code)")
    }
    let output = folder.path("output.pb")
    try ONNXFile.writeTensor(tensor, name: name, to: output, overwriting: true)
    let again = try ONNXFile.readTensor(path: output)
    return again.name == name && again.tensor.isIdentical(to: tensor)
      ? .accepted : .broken("what was written reads as another tensor")
  }

  private func readSafetensors(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    let input = try folder.write(bytes, name: "input.safetensors")
    let file: SafetensorsFile
    do { file = try SafetensorsFile.read(path: input) } catch { return .refused("\(error.code)") }
    let output = folder.path("output.safetensors")
    try SafetensorsFile.write(
      file.tensors, metadata: file.metadata, path: output, overwriting: true)
    let again = try SafetensorsFile.read(path: output)
    let tensors = Dictionary(again.tensors) { first, _ in first }
    let areSame = file.tensors.allSatisfy { tensors[$0.name]?.isIdentical(to: $0.tensor) ?? false }
    return areSame && tensors.count == file.tensors.count && again.metadata == file.metadata
      ? .accepted : .broken("what was written reads as other tensors")
  }

  private func readArrays(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    let input = try folder.write(bytes, name: "input.\(rawValue)")
    let arrays: [Tensor]
    do throws(ArrayFormatError) {
      arrays =
        self == .npy
        ? [try NpyFile.read(path: input)] : try NpzFile.read(path: input).map(\.tensor)
    } catch { return .refused("\(error.code)") }
    let output = folder.path("output.npy")
    for array in arrays {
      try NpyFile.write(array, path: output, overwriting: true)
      guard try NpyFile.read(path: output).isIdentical(to: array) else {
        return .broken("what was written reads as another array")
      }
    }
    return .accepted
  }

  private func readText(_ bytes: [UInt8]) throws -> Verdict {
    let input = String(decoding: bytes, as: UTF8.self)
    let model: Model
    do throws(TextError) { model = try Model(text: input) } catch {
      return .refused(error.message.prefix { !"'0123456789".contains($0) }.description)
    }
    let text = model.text(full: true)
    do throws(TextError) {
      return try Model(text: text).text(full: true) == text
        ? .accepted : .broken("what was printed reads as another model")
    } catch { return .broken("what was printed is refused: \(error)") }
  }

  private func readPlan(_ bytes: [UInt8]) throws -> Verdict {
    let plan: ReplacementPlan
    do { plan = try ReplacementPlan(json: bytes) } catch { return .refused("\(error.code)") }
    let json = try plan.json()
    // As bytes: a weight that is no number differs from itself.
    return try ReplacementPlan(json: json).json() == json
      ? .accepted : .broken("what was written reads as another plan")
  }

  /// Inspects a model and runs it on synthetic data.
  private func runModel(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    let input = try folder.write(bytes, name: "input.onnx")
    let run = ModelRun(
      model: input, data: DataRequest(paths: []), testSet: nil, relativeTolerance: 0,
      absoluteTolerance: 0, outputFolder: nil, overwriting: false, repetitions: 1,
      machine: Machine(threads: 1, maximumBytes: 1 << 26))
    do throws(Failure) {
      _ = try Inspection(model: input, dimensions: []).run(.silent)
      _ = try run.run(.silent)
      return .accepted
    } catch {
      return verdict(of: error)
    }
  }
}
