import GraphIR
import ONNXFormat
import Tensors

/// What two models differ in, part by part: the verb `diff`.
public struct ModelComparison: Sendable {
  /// The model to compare with.
  public var a: String
  /// The model compared.
  public var b: String
  /// A folder to look for external data of both in, beside their own.
  public var externalDataDirectory: String?

  /// The work to do; nothing is read before `run`.
  public init(a: String, b: String, externalDataDirectory: String? = nil) {
    self.a = a
    self.b = b
    self.externalDataDirectory = externalDataDirectory
  }

  /// Reads both models and compares every part of them.
  public func run(_ diagnostics: Diagnostics) throws(Failure) -> DiffReport {
    let first = try LoadedModel(path: a, externalDataDirectory: externalDataDirectory).model
    let second = try LoadedModel(path: b, externalDataDirectory: externalDataDirectory).model
    let differences = ONNXFile.differences(between: first, and: second)
    return DiffReport(
      a: a, b: b, equal: differences.isEmpty,
      nodes: PartCounts(
        differences.of("node"), a: first.graph.order.count, b: second.graph.order.count),
      weights: PartCounts(
        differences.of("initializer"), a: first.graph.initializers.count,
        b: second.graph.initializers.count),
      parameters: BeforeAfter(
        before: first.graph.parameterCount, after: second.graph.parameterCount),
      differences: differences.map(DiffReport.Difference.init))
  }
}

extension [ModelDifference] {
  /// Those that concern elements of a repeated field of the main graph, grouped by element.
  fileprivate func of(_ field: String) -> [[ModelDifference]] {
    let concerned = filter {
      $0.path.count >= 2 && $0.path[0].field == "graph" && $0.path[1].field == field
        && $0.path[1].element != nil
    }
    return Array<[ModelDifference]>(
      Dictionary(grouping: concerned, by: { $0.path[1].element }).values)
  }
}

extension PartCounts {
  /// Counts elements by what happened to them; those that no difference concerns are equal.
  fileprivate init(_ elements: [[ModelDifference]], a: Int, b: Int) {
    self.init(a: a, b: b)
    for differences in elements {
      let whole = differences.first { $0.path.count == 2 }?.change
      switch whole {
      case .added: added += 1
      case .removed: removed += 1
      case .moved where differences.count == 1: moved += 1
      default: changed += 1
      }
    }
    equal = a - removed - changed - moved
  }
}

extension DiffReport.Difference {
  fileprivate init(_ difference: ModelDifference) {
    self.init(place: difference.place)
    switch difference.change {
    case .added(let what): (change, to) = ("added", what)
    case .removed(let what): (change, from) = ("removed", what)
    case .changed(let from, let to): (change, self.from, self.to) = ("changed", from, to)
    case .moved(let from, let to): (change, self.from, self.to) = ("moved", from, to)
    case .reordered: change = "reordered"
    }
  }
}
