import GraphIR
import Tensors

/// An input of a model: what must be fed.
struct ModelInput: Sendable {
  var name: String
  var type: TensorType

  /// The type in ONNX's textual syntax, such as `float[N,3,224,224]`.
  var description: String {
    "\(type.elementType)[\(shapeText(type.shape).joined(separator: ", "))]"
  }
}

/// A declared shape, one word per axis.
func shapeText(_ shape: [Dimension]?) -> [String] {
  guard let shape else { return ["..."] }
  return shape.map { dimension in
    switch dimension {
    case .size(let size): String(size)
    case .parameter(let name): name
    case .unknown: "?"
    }
  }
}

/// Reads the data a verb was given and matches it with the model's inputs.
///
/// A tensor called as an input feeds it; one tensor without a name feeds the only input, and the only one
/// of a file the input that is named before its path; `labels` are labels. Anything else in the files is
/// left out, with a note.
struct SampleLoader {
  let inputs: [ModelInput]
  let diagnostics: Diagnostics

  func load(_ request: DataRequest) throws(Failure) -> SampleSet {
    var feeds: [String: [NamedTensor]] = [:]
    var labels: [LabelPart] = []
    var fed: [String: [FedPart]] = [:]
    var ignored: [String] = []
    for specification in request.paths {
      let (target, path) = try splitTarget(specification)
      let tensors = try readTensors(path)
      // Nothing else of what is read for an input feeds another.
      let own = target.map { self.tensors(of: tensors, feeding: $0) }
      for (index, tensor) in tensors.enumerated() {
        let name = inputName(for: tensor)
        let isInput = inputs.contains { $0.name == name }
        if own?.contains(index) ?? isInput {
          feeds[target ?? name, default: []].append(tensor)
          fed[target ?? name, default: []].append(
            FedPart(path: tensor.path, origin: path, rows: tensor.tensor.shape.first ?? 1))
        } else if tensor.name == "labels" {
          labels.append(LabelPart(labels: tensor, origin: path))
        } else if isInput {
          diagnostics.note("not fed, since '\(target ?? name)' was asked for: '\(name)' of \(path)")
        } else {
          ignored.append("'\(name)' of \(path)")
        }
      }
    }
    if let path = request.labels {
      labels = [LabelPart(labels: try readLabels(path), origin: path)]
    }
    if !ignored.isEmpty && !feeds.isEmpty {
      diagnostics.note("not fed, since no input is called so: \(ignored.joined(separator: ", "))")
    }
    let source = request.paths.joined(separator: ", ")
    try checkComplete(feeds, ignored: ignored, source: source)
    let join = LabelJoin(labels, fed: inputs.map { fed[$0.name]! })
    return try assemble(feeds, join, request, source: source)
  }

  /// The tensor called `labels`, or the only one.
  private func readLabels(_ path: String) throws(Failure) -> NamedTensor {
    let tensors = try readTensors(path)
    if let labels = tensors.first(where: { $0.name == "labels" }) { return labels }
    guard tensors.count == 1 else {
      throw Failure(
        .malformedInput, "\(path): expected 'labels' or one tensor, got \(tensors.count) others")
    }
    return tensors[0]
  }

  /// `name:PATH`, where the first part is an input's name, or a path alone.
  private func splitTarget(_ text: String) throws(Failure) -> (String?, String) {
    for input in inputs where text.hasPrefix(input.name + ":") {
      return (input.name, String(text.dropFirst(input.name.count + 1)))
    }
    guard let colon = text.firstIndex(of: ":"), !text[..<colon].contains("/"),
      colon != text.startIndex
    else { return (nil, text) }
    throw Failure(
      .malformedInput,
      "\(text): the model has no input '\(text[..<colon])'; expected \(inputList)")
  }

  /// Which of the tensors of a path feed the input named before it: those called so, else those that are
  /// the only ones of their files beside `labels`.
  private func tensors(of tensors: [NamedTensor], feeding target: String) -> [Int] {
    let called = tensors.indices.filter { tensors[$0].name == target }
    guard called.isEmpty else { return called }
    let unlabelled = tensors.indices.filter { tensors[$0].name != "labels" }
    let perFile = Dictionary(grouping: unlabelled) { tensors[$0].path }
    return unlabelled.filter { perFile[tensors[$0].path]?.count == 1 }
  }

  /// The input a tensor feeds by its own name: exactly, as `input_K` of an ONNX test set, or as the
  /// only one there is.
  private func inputName(for tensor: NamedTensor) -> String {
    guard let name = tensor.name, !name.isEmpty else {
      return inputs.count == 1 ? inputs[0].name : "unnamed"
    }
    if inputs.contains(where: { $0.name == name }) { return name }
    if name.hasPrefix("input_"), let index = Int(name.dropFirst(6)), inputs.indices.contains(index)
    {
      return inputs[index].name
    }
    return name
  }

  /// The samples of every file that feeds `input`, as one tensor.
  private func joined(
    _ parts: [NamedTensor], for input: ModelInput
  ) throws(Failure) -> Tensor {
    let first = parts[0].tensor
    for part in parts {
      try check(part, feeds: input)
      guard part.tensor.shape.dropFirst() == first.shape.dropFirst() else {
        throw Failure(
          .malformedInput,
          "\(part.path): expected samples like those of \(parts[0].path), "
            + "\(first.elementType)\(first.shape), got \(part.tensor.elementType)\(part.tensor.shape)"
        )
      }
    }
    return parts.count == 1 ? first : Tensor.concatenating(parts.map(\.tensor))
  }

  private var inputList: String {
    inputs.map { "'\($0.name)' \($0.description)" }.joined(separator: ", ")
  }

  private func checkComplete(
    _ feeds: [String: [NamedTensor]], ignored: [String], source: String
  ) throws(Failure) {
    let missing = inputs.filter { feeds[$0.name] == nil }.map { "'\($0.name)'" }
    guard !missing.isEmpty else { return }
    let got = ignored.isEmpty ? "" : "; got \(ignored.joined(separator: ", "))"
    throw Failure(
      .malformedInput,
      "\(source): no data for input \(missing.joined(separator: ", ")), expected \(inputList)\(got)"
    )
  }

  private func assemble(
    _ feeds: [String: [NamedTensor]], _ labels: LabelJoin, _ request: DataRequest,
    source: String
  ) throws(Failure) -> SampleSet {
    if var single = try single(feeds, source: source) {
      if request.readsLabels { single.labels = try labels.joined(single.count) }
      return single
    }
    var count: (Int, String)?
    var tensors: [String: Tensor] = [:]
    for input in inputs {
      let parts = feeds[input.name]!
      let tensor = try joined(parts, for: input)
      tensors[input.name] = tensor
      let samples = tensor.shape[0]
      if let (other, name) = count, other != samples {
        throw Failure(
          .malformedInput,
          "\(parts[0].path): expected \(other) samples for input '\(input.name)' as for '\(name)', "
            + "got \(samples)")
      }
      count = (samples, input.name)
    }
    let samples = count?.0 ?? 0
    guard samples > 0 else { throw Failure(.malformedInput, "\(source): holds no samples") }
    let classes = request.readsLabels ? try labels.joined(samples) : nil
    let all = SampleSet(
      feeds: tensors, labels: classes, source: source, isSynthetic: false)
    guard let limit = request.maximumSamples, limit < samples else { return all }
    return all.selecting(limit.places(among: samples))
  }

  /// The tensors as one sample, where the inputs have no axis in common that could run over samples and
  /// the tensors are what the inputs declare.
  private func single(
    _ feeds: [String: [NamedTensor]], source: String
  ) throws(Failure) -> SampleSet? {
    guard inputs.haveNoCommonAxis, feeds.values.allSatisfy({ $0.count == 1 }) else { return nil }
    var tensors: [String: Tensor] = [:]
    for input in inputs {
      let feed = feeds[input.name]![0]
      guard input.type.admits(feed.tensor.elementType, feed.tensor.shape) else {
        throw mismatch(feed, input)
      }
      tensors[input.name] = feed.tensor
    }
    return SampleSet(
      feeds: tensors, labels: nil, source: source, isSynthetic: false, isSingle: true)
  }

  private func mismatch(_ feed: NamedTensor, _ input: ModelInput) -> Failure {
    Failure(
      .malformedInput,
      "\(feed.path): input '\(input.name)': expected \(input.description), "
        + "got \(feed.tensor.elementType)\(feed.tensor.shape)")
  }

  /// Type, rank and fixed extents; the first axis runs over the samples, which must be bytes apart.
  private func check(_ feed: NamedTensor, feeds input: ModelInput) throws(Failure) {
    let tensor = feed.tensor
    let fits =
      input.type.shape.map { shape in
        shape.count == tensor.shape.count && !shape.isEmpty
          && zip(shape, tensor.shape).dropFirst().allSatisfy { declared, actual in
            if case .size(let size) = declared { size == actual } else { true }
          }
      } ?? !tensor.shape.isEmpty
    guard tensor.elementType == input.type.elementType, fits else { throw mismatch(feed, input) }
    guard tensor.fillsWholeBytes else {
      throw Failure(
        .malformedInput,
        "\(feed.path): input '\(input.name)': samples of \(tensor.elementType) are not supported")
    }
  }
}

extension Tensor {
  /// Whether rows can be told apart in memory: neither strings nor elements narrower than a byte.
  fileprivate var fillsWholeBytes: Bool {
    elementType.bitWidth.map { $0 % 8 == 0 } ?? false
  }
}

extension [ModelInput] {
  /// Whether no axis can run over samples: an input has none, or inputs have first axes of different
  /// lengths.
  var haveNoCommonAxis: Bool {
    var sizes: Set<Int> = []
    for input in self {
      guard let shape = input.type.shape else { continue }
      guard let first = shape.first else { return true }
      if case .size(let size) = first { sizes.insert(size) }
    }
    return sizes.count > 1
  }

  /// The size of a batch that inputs fix alike; others take as many.
  var fixedBatch: Int? {
    var result: Int?
    for case .size(let size)? in map({ $0.type.shape?.first }) {
      guard (1...1 << 20).contains(size), result == nil || result == size else { return nil }
      result = size
    }
    return result
  }

  /// The dimension parameters of first axes, which other axes may share.
  var batchParameters: Set<String> {
    Set(
      compactMap { input in
        if case .parameter(let name)? = input.type.shape?.first { name } else { nil }
      })
  }
}
