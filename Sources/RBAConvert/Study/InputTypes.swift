import Execution
import GraphIR
import Operators
import Tensors

/// Concrete types of a model's inputs for one sample, or for as many as the model takes together.
struct InputTypes {
  let inputs: [ModelInput]
  let path: String
  /// What dimension parameters stand for.
  let extents: [String: Int]
  /// Data whose extents take precedence.
  var samples: SampleSet?

  /// Whether no extent but the batch is left to be assumed.
  var areGiven: Bool {
    inputs.allSatisfy { input in
      (input.type.shape ?? []).dropFirst().allSatisfy { dimension in
        switch dimension {
        case .size: true
        case .parameter(let name): extents[name] != nil
        case .unknown: false
        }
      }
    }
  }

  /// The batch, where an input does not say.
  private var group: Int { inputs.fixedBatch ?? 1 }

  /// - Parameter defaultExtent: what dimensions are that nothing gives; the batch is one, or as many as the
  ///   model takes together.
  func types(defaultExtent: Int) throws(Failure) -> [String: ArrayType] {
    var types: [String: ArrayType] = [:]
    let batch = inputs.batchParameters
    for input in inputs {
      let fed = samples?.feeds[input.name]
      guard let declared = input.type.shape else {
        // Only data tells.
        if let fed {
          types[input.name] = ArrayType(fed.elementType, [group] + fed.shape.dropFirst())
        }
        continue
      }
      let type = ArrayType(
        input.type.elementType,
        declared.enumerated().map { axis, dimension in
          let actual = fed.flatMap { axis < $0.shape.count ? $0.shape[axis] : nil }
          return switch dimension {
          case .size(let size): size
          case _ where axis == 0: group
          case .parameter(let name):
            actual ?? extents[name] ?? (batch.contains(name) ? group : defaultExtent)
          case .unknown: actual ?? defaultExtent
          }
        })
      do throws(OperatorError) { types[input.name] = try type.checked() } catch {
        throw Failure(.malformedInput, "\(path): input '\(input.name)': \(error)")
      }
    }
    return types
  }

  /// The first of the samples; as many as an input takes at once, copies of the last where they are
  /// too few.
  func one(of samples: SampleSet) -> [String: Tensor] {
    guard !samples.isSingle else { return samples.feeds }
    var result: [String: Tensor] = [:]
    for input in inputs {
      guard let tensor = samples.feeds[input.name], let count = tensor.shape.first, count > 0 else {
        continue
      }
      var size = group
      if case .size(let fixed)? = input.type.shape?.first { size = fixed }
      guard (1...1 << 20).contains(size) else { continue }
      result[input.name] = tensor.gathering((0..<size).map { min($0, count - 1) })
    }
    return result
  }
}
