import Tensors

/// A tensor called `labels`, and the path asked for that it was found at: its file, or a folder.
struct LabelPart: Sendable {
  let labels: NamedTensor
  let origin: String
}

/// Samples of an input that come from one tensor.
struct FedPart: Sendable {
  /// The file.
  let path: String
  /// The path asked for.
  let origin: String
  let rows: Int
}

/// The labels of all files, put together as the samples of an input are.
struct LabelJoin {
  /// One of each file.
  private let parts: [LabelPart]
  /// By input.
  private let fed: [[FedPart]]
  /// The files that feed an input.
  private let feeding: Set<String>

  /// - Parameter fed: what feeds each input; at least one part.
  init(_ parts: [LabelPart], fed: [[FedPart]]) {
    var seen: Set<String> = []
    self.parts = parts.filter { seen.insert($0.labels.path).inserted }
    self.fed = fed
    feeding = Set(fed.joined().map(\.path))
  }

  /// One class for each of so many samples; `nil` without labels.
  ///
  /// Labels are of what their own file feeds an input, or, where that feeds none, of all that was found at
  /// the same path. Labels of a single file may be of all samples.
  ///
  /// - Throws: `Failure` where they are no integers, or not one for each of the samples they are of.
  func joined(_ samples: Int) throws(Failure) -> ClassLabels? {
    guard let first = parts.first else { return nil }
    guard parts.count > 1 else {
      return ClassLabels(
        classes: try Self.classes(of: [first.labels], samples), path: first.labels.path)
    }
    var result: ClassLabels?
    for input in fed {
      guard let labels = try labels(of: input) else { continue }
      if let other = result, other.classes != labels.classes {
        throw Failure(
          .malformedInput, "\(labels.path): labels: expected those of \(other.path), got others")
      }
      result = result ?? labels
    }
    guard let result else {
      let unlabelled = fed.lazy.flatMap(\.self).first { labels(of: $0).isEmpty }
      throw Failure(
        .malformedInput,
        "\(unlabelled?.path ?? first.labels.path): has no labels, \(first.labels.path) has")
    }
    return result
  }

  /// The labels of all samples of an input; `nil` where some have none.
  private func labels(of input: [FedPart]) throws(Failure) -> ClassLabels? {
    var classes: [Int] = []
    var paths: [String] = []
    var rest = input[...]
    while let next = rest.first {
      let own = labels(of: next)
      guard let label = own.first else { return nil }
      // What is not of one file alone is of all that its path feeds.
      let isOfFile = label.labels.path == next.path
      let group = isOfFile ? rest.prefix(1) : rest.prefix { $0.origin == next.origin }
      classes += try Self.classes(of: own.map(\.labels), group.reduce(0) { $0 + $1.rows })
      paths += own.map(\.labels.path)
      rest = rest.dropFirst(group.count)
    }
    return ClassLabels(classes: classes, path: paths.joined(separator: ", "))
  }

  /// The labels of what a tensor feeds.
  private func labels(of fed: FedPart) -> [LabelPart] {
    let own = parts.filter { $0.labels.path == fed.path }
    guard own.isEmpty else { return own }
    return parts.filter { $0.origin == fed.origin && !feeding.contains($0.labels.path) }
  }

  private static func classes(of parts: [NamedTensor], _ samples: Int) throws(Failure) -> [Int] {
    var result: [Int] = []
    for part in parts {
      guard let classes = part.tensor.integers, part.tensor.shape.count == 1,
        parts.count > 1 || classes.count == samples
      else {
        throw Failure(
          .malformedInput,
          "\(part.path): labels: expected integers of shape [\(samples)], "
            + "got \(part.tensor.elementType)\(part.tensor.shape)")
      }
      result += classes
    }
    guard result.count == samples else {
      let paths = parts.map(\.path).joined(separator: ", ")
      throw Failure(
        .malformedInput,
        "\(paths): labels: expected one for each of \(samples) samples, got \(result.count)")
    }
    return result
  }
}
