import GraphIR
import ONNXFormat
import Tensors

/// Files of sequences and optional values.
extension FuzzedReader {
  /// As what a file is read: the first type that it is of decides.
  private static let types: [ValueType] = {
    let any = ValueType.tensor(TensorType(.undefined, nil))
    return [
      .sequence(any), .optional(any), .optional(.sequence(any)), .sequence(.sequence(any)),
      .sequence(.optional(any)), .optional(.optional(.sequence(any))),
    ]
  }()

  /// Reads a value; all its tensors are to come back when they are written by themselves.
  func readValue(_ bytes: [UInt8], _ folder: Scratch) throws -> Verdict {
    let input = try folder.write(bytes, name: "input.pb")
    var refusal = ""
    for type in Self.types {
      do {
        let value = try ONNXFile.readValue(path: input, as: type)
        return try comeBack(tensors(of: value), folder)
          ? .accepted : .broken("what was written reads as another tensor")
      } catch let error as FormatError { refusal = "\(error.code)" }
    }
    return .refused(refusal)
  }

  private func tensors(of value: RuntimeValue) -> [Tensor] {
    switch value {
    case .tensor(let tensor): [tensor]
    case .sequence(let elements): elements.flatMap(tensors)
    case .optional(let held): held.map(tensors) ?? []
    }
  }

  private func comeBack(_ tensors: [Tensor], _ folder: Scratch) throws -> Bool {
    let output = folder.path("output.pb")
    // Files take time: a mutated sequence of many elements is held to its first ones.
    for tensor in tensors.prefix(8) {
      try ONNXFile.writeTensor(tensor, name: "t", to: output, overwriting: true)
      guard try ONNXFile.readTensor(path: output).tensor.isIdentical(to: tensor) else {
        return false
      }
    }
    return true
  }
}
