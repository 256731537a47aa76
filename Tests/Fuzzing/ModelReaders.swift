import GraphIR
import ONNXFormat
import RBAConvert

/// Models in safetensors, and pairs of models to compare.
extension FuzzedReader {
  /// Copies a model in safetensors to ONNX and back: all copies are to hold the same.
  func copyModel(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    folder.clear()
    return try copy(try folder.write(bytes, name: "input.safetensors"), folder)
  }

  /// The same for an archive of an index and its files.
  func copyShards(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    folder.clear()
    for (name, contents) in StoredArchive.decode(bytes) {
      _ = try folder.write(contents, name: name)
    }
    return try copy(
      folder.path("model.safetensors.index.json"), folder, maximumShardSize: 1)
  }

  private func copy(
    _ input: String, _ folder: Scratch, maximumShardSize: Int? = nil
  ) throws -> Verdict {
    let first = folder.path("first.onnx")
    do throws(Failure) {
      _ = try ModelCopy(input: input, output: first, overwriting: true).run(.silent)
    } catch {
      guard !error.message.hasPrefix(first) else {
        return .broken("what was written is refused: \(error.message)")
      }
      return verdict(of: error)
    }
    let again = folder.path("again.onnx")
    do throws(Failure) {
      let second = try ModelCopy(
        input: first, output: folder.path("second.safetensors"),
        maximumShardSize: maximumShardSize, overwriting: true
      ).run(.silent).output
      _ = try ModelCopy(input: second, output: again, overwriting: true).run(.silent)
      guard try ModelComparison(a: input, b: second).run(.silent).equal else {
        return .broken("what was written differs")
      }
    } catch { return .broken("what was written is refused: \(error.message)") }
    return try folder.haveSameBytes(first, again)
      ? .accepted : .broken("what was written reads as another model")
  }

  /// Compares two models, and each with itself: what differs is to be told, and nothing else.
  ///
  /// The second is `same.onnx` where it says the same as the first in other bytes.
  func compareModels(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    let files = StoredArchive.decode(bytes)
    guard files.count == 2 else { return .refused("archive") }
    let isSame = files[1].name == "same.onnx"
    let inputs = try files.map { try folder.write($0.contents, name: $0.name) }
    var models: [Model] = []
    do throws(FormatError) {
      for input in inputs { models.append(try ONNXFile.read(path: input)) }
    } catch {
      return isSame && models.count == 1
        ? .broken("longer varints are refused: \(error)") : .refused("\(error.code)")
    }
    var paths: [String] = []
    for (index, model) in models.enumerated() {
      guard ONNXFile.differences(between: model, and: model).isEmpty else {
        return .broken("model \(index) differs from itself")
      }
      paths.append(folder.path("copy\(index).onnx"))
      try ONNXFile.write(model, to: paths[index], overwriting: true)
    }
    let areEqual = ONNXFile.differences(between: models[0], and: models[1]).isEmpty
    guard areEqual || !isSame else { return .broken("longer varints differ") }
    guard areEqual == ONNXFile.differences(between: models[1], and: models[0]).isEmpty else {
      return .broken("differences depend on the direction")
    }
    return try folder.haveSameBytes(paths[0], paths[1]) == areEqual
      ? .accepted
      : .broken(areEqual ? "a difference is not told" : "equal models are said to differ")
  }

  /// What a verb's failure amounts to.
  func verdict(of failure: Failure) -> Verdict {
    guard failure.status == .malformedInput || failure.status == .noInput else {
      return .broken("\(failure.status): \(failure.message)")
    }
    // What differs from input to input is in quotation marks, brackets or digits.
    let reason = failure.message.split(separator: ":").last ?? ""
    return .refused(reason.prefix { !"'[0123456789".contains($0) }.description)
  }
}
