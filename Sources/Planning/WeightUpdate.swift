package import GraphIR
import Tensors

/// New numbers for a weight that the model keeps: an edit that adds no parameter.
package struct WeightUpdate: Sendable, Hashable {
  /// The name of the initializer, or of what a `Constant` node gives.
  package var weight: String
  /// All elements, row-major; they are rounded to the weight's type.
  package var values: [Float]

  package init(weight: String, values: [Float]) {
    self.weight = weight
    self.values = values
  }
}

extension Graph {
  /// Stores new numbers in weights, whose shapes and types stay.
  ///
  /// - Throws: `PlanError` with the place of the first fault; the graph is then as it was.
  package mutating func apply(_ updates: [WeightUpdate]) throws(PlanError) {
    var places: [ValueID: Int] = [:]
    var contents: [(value: ValueID, tensor: Tensor)] = []
    for (index, update) in updates.enumerated() {
      let path = "updates[\(index)]"
      guard let value = value(named: update.weight), let old = constant(value) else {
        throw PlanError(
          .unknownWeight, path: path + ".weight", "'\(update.weight)' is no stored weight")
      }
      if let other = places[value] {
        throw PlanError(
          .overlap, path: path + ".weight", "'\(update.weight)' is that of updates[\(other)] too")
      }
      places[value] = index
      contents.append((value, try update.tensor(like: old, path: path)))
    }
    for (value, tensor) in contents { setConstant(value, to: tensor) }
  }
}

extension WeightUpdate {
  fileprivate func tensor(like old: Tensor, path: String) throws(PlanError) -> Tensor {
    guard Tensor.roundedTypes.contains(old.elementType) else {
      throw PlanError(
        .invalidWeights, path: path + ".weight",
        "expected a weight of floating point, got \(old.elementType)")
    }
    guard values.count == old.count else {
      throw PlanError(
        .invalidWeights, path: path + ".values",
        "expected \(old.count) numbers for '\(weight)', got \(values.count)")
    }
    let tensor = try values.rounded(to: old.elementType, shape: old.shape, path: path + ".values")
    return tensor
  }
}
