import Execution
import GraphIR
import Operators
import Planning
import Tensors

/// The model with what has been decided so far in place.
struct PartialRewrite: Sendable {
  let model: Model
  /// What stands for points that were replaced.
  private let standIns: [ValueID: ValueID]

  init(_ study: Study, _ choices: [Choice], _ updates: [WeightUpdate]) throws(Failure) {
    (model, standIns) = try study.replaced(choices, updates: updates)
  }

  /// What a value of the original is called here.
  func name(_ value: ValueID) -> String { model.graph[standIns[value] ?? value].name }
}

/// What the original has of some samples, for passes over the same ones.
final class OriginalValues {
  private(set) var values: [ValueID: Tensor] = [:]
  /// Bytes that further values may take.
  private var room: Int

  init(capacity: Int) { room = capacity }

  func add(_ tensor: Tensor, of value: ValueID) {
    guard tensor.byteCount <= room else { return }
    room -= tensor.byteCount
    values[value] = tensor
  }
}
