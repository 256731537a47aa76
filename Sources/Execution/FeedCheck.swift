import GraphIR
import Operators
import Tensors

/// What a graph declares of its inputs, to hold tensors against.
struct FeedCheck: Sendable {
  let names: [String]
  let types: [String: TensorType]

  /// - Throws: `ExecutionError.missingFeed` or `.feedTypeMismatch`.
  /// - Returns: the feeds in the order of the inputs.
  func arrange<Feed>(
    _ feeds: [String: Feed], types: [String: ArrayType]
  ) throws(ExecutionError) -> [Feed] {
    var result: [Feed] = []
    for name in names {
      guard let feed = feeds[name] else {
        throw ExecutionError(.missingFeed, "input '\(name)': expected a tensor, got none")
      }
      result.append(feed)
    }
    try check(types)
    return result
  }

  /// - Throws: `ExecutionError.feedTypeMismatch` where a type differs from the declaration, or gives a
  ///   dimension parameter another extent than another input does; `.unknownValue` for a name that is
  ///   no input.
  func check(_ feeds: [String: ArrayType]) throws(ExecutionError) {
    for name in feeds.keys.sorted() where !names.contains(name) {
      throw ExecutionError(.unknownValue, "the graph has no input '\(name)'")
    }
    var extents: [String: (size: Int, input: String)] = [:]
    for name in names {
      guard let type = feeds[name], let declared = types[name] else { continue }
      guard declared.admits(type.elementType, type.shape) else {
        throw ExecutionError(
          .feedTypeMismatch, "input '\(name)': expected \(describe(declared)), got \(type)")
      }
      for (dimension, size) in zip(declared.shape ?? [], type.shape) {
        // Some exporters write '?', or nothing, for every extent they do not know.
        guard case .parameter(let parameter) = dimension, !["?", ""].contains(parameter) else {
          continue
        }
        if let known = extents[parameter], known.size != size {
          throw ExecutionError(
            .feedTypeMismatch,
            "input '\(name)': expected \(parameter) = \(known.size) as in '\(known.input)', got \(type)"
          )
        }
        extents[parameter] = (size, name)
      }
    }
  }

  private func describe(_ type: TensorType) -> String {
    guard let shape = type.shape else { return "\(type.elementType)" }
    let extents = shape.map { dimension in
      switch dimension {
      case .size(let size): "\(size)"
      case .parameter(let name): name
      case .unknown: "?"
      }
    }
    return "\(type.elementType)[\(extents.joined(separator: ", "))]"
  }
}
