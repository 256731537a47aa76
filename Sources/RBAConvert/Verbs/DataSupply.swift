import GraphIR
import Tensors

/// Gets the samples a verb needs: those it was given, or made-up ones.
struct DataSupply {
  let loaded: LoadedModel
  let diagnostics: Diagnostics
  /// The extent of dimensions that nothing gives, in synthetic data; what the model's types allow where
  /// `nil`.
  var defaultExtent: Int?

  /// - Parameter flag: the option that gives data, for the note that there is none.
  func samples(
    _ request: DataRequest, flag: String, defaultCount: Int
  ) throws(Failure) -> SampleSet {
    let inputs = try loaded.inputs
    guard request.paths.isEmpty else {
      return try SampleLoader(inputs: inputs, diagnostics: diagnostics).load(request)
    }
    let dimensions = try parseExtents(request.dimensions)
    let extent: Int
    if let defaultExtent {
      extent = defaultExtent
    } else {
      extent = try ModelStructure(loaded, extents: dimensions).defaultExtent
    }
    let synthetic = SyntheticSamples(
      graph: loaded.model.graph, inputs: inputs, dimensions: dimensions, defaultExtent: extent)
    let samples: SampleSet
    do throws(Failure) {
      samples = try synthetic.make(
        count: request.maximumSamples ?? defaultCount, seed: request.seed)
    } catch { throw Failure(error.status, "\(loaded.path): \(error.message)", notes: error.notes) }
    let made =
      samples.count == 1
      ? "1 synthetic sample, which is" : "\(samples.count) synthetic samples, which are"
    diagnostics.note("no data given with \(flag): using \(made) no substitute")
    return samples
  }
}

extension LoadedModel {
  /// Makes one synthetic sample, with a default for extents that are not given.
  func oneSyntheticSample(
    extents: [String: Int]
  ) -> (_ defaultExtent: Int) throws(Failure) -> SampleSet {
    { (defaultExtent) throws(Failure) in
      try SyntheticSamples(
        graph: model.graph, inputs: try inputs, dimensions: extents, defaultExtent: defaultExtent
      ).make(count: 1, seed: 0)
    }
  }
}

extension DataRequest {
  /// - Parameter flag: the option that gives data.
  /// - Throws: `Failure` where labels are given for samples that are made up.
  func checkLabels(flag: String) throws(Failure) {
    guard labels != nil, paths.isEmpty else { return }
    throw Failure(.usage, "--labels: expected \(flag) beside it")
  }
}

extension LoadedModel {
  /// - Throws: `Failure` where no input has a dimension of a name that an extent is given for.
  func checkDimensions(_ extents: [String: Int]) throws(Failure) {
    guard !extents.isEmpty else { return }
    let known = Set(
      tensorInputs.flatMap { input in
        (input.type.shape ?? []).compactMap { dimension in
          if case .parameter(let name) = dimension { name } else { nil }
        }
      })
    guard let name = extents.keys.filter({ !known.contains($0) }).min() else { return }
    let names = known.sorted().map { "'\($0)'" }.joined(separator: ", ")
    throw Failure(
      .usage,
      "--dim: no input of \(path) has a dimension '\(name)', "
        + (known.isEmpty ? "nor any other" : "expected one of \(names)"))
  }
}

/// The largest extent that a dimension parameter may be given.
private let largestExtent = 1 << 24

/// Reads `name=number` settings, one for each name.
func parseExtents(_ settings: [String]) throws(Failure) -> [String: Int] {
  var result: [String: Int] = [:]
  for setting in settings {
    let parts = setting.split(separator: "=", maxSplits: 1)
    guard parts.count == 2, let extent = wholeNumber(parts[1]), extent > 0 else {
      throw Failure(.usage, "--dim: expected name=number, got '\(setting)'")
    }
    guard extent <= largestExtent else {
      throw Failure(
        .usage, "--dim: expected a number up to \(largestExtent), got '\(setting)'")
    }
    let name = String(parts[0])
    guard result[name] == nil else {
      throw Failure(.usage, "--dim: expected one number for '\(name)', got two")
    }
    result[name] = extent
  }
  return result
}

/// The number that digits write, or the largest `Int` where that is less.
private func wholeNumber(_ digits: Substring) -> Int? {
  if let number = Int(digits) { return number }
  return digits.allSatisfy { $0.isASCII && $0.isNumber } ? .max : nil
}

extension SampleSet {
  /// - Throws: `Failure` naming the input and the sample that holds NaN or infinity.
  func checkFinite() throws(Failure) {
    for name in feeds.keys.sorted() {
      guard let tensor = feeds[name], let position = tensor.firstNonFinite else { continue }
      let sample = isSingle ? 0 : position / (tensor.count / count)
      throw Failure(
        .malformedInput,
        "\(source): input '\(name)': expected finite numbers, got NaN or infinity in sample \(sample)"
      )
    }
  }
}

extension Tensor {
  /// Where the first NaN or infinity stands, counted through all axes.
  fileprivate var firstNonFinite: Int? {
    guard elementType == .float else { return numbers?.firstIndex { !$0.isFinite } }
    return withElements(of: Float.self) { span in span.indices.first { !span[$0].isFinite } }
  }
}
