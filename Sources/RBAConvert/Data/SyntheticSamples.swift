import GraphIR
import Tensors

/// Makes inputs of the right kind for a model nobody gave data for.
///
/// Pictures for rank 4, token indices inside the table they select from, masks of ones, standard
/// normal numbers otherwise.
struct SyntheticSamples {
  let graph: Graph
  let inputs: [ModelInput]
  /// Extents of dimension parameters.
  let dimensions: [String: Int]
  /// The extent of dimensions that nothing gives.
  var defaultExtent = 32

  static let defaultCount = 64
  /// Numbers that one input may take.
  private static let maximumElements = 1 << 30
  /// Pixels along the side of a picture; noise stands in for larger ones.
  private static let largestPicture = 4096

  func make(count: Int, seed: UInt64) throws(Failure) -> SampleSet {
    var random = RandomSource(seed: seed)
    var feeds: [String: Tensor] = [:]
    let isSingle = inputs.haveNoCommonAxis
    let batch = inputs.batchParameters
    for input in inputs {
      guard let declared = input.type.shape else {
        throw Failure(
          .malformedInput,
          "input '\(input.name)': cannot make synthetic data for \(input.description)",
          notes: ["give data with --calibration or --inputs"])
      }
      let shape = declared.enumerated().map { axis, dimension in
        switch dimension {
        case _ where axis == 0 && !isSingle: count
        case .size(let size): size
        case .parameter(let name):
          dimensions[name] ?? (batch.contains(name) ? (isSingle ? 1 : count) : defaultExtent)
        case .unknown: axis == 0 ? 1 : defaultExtent
        }
      }
      feeds[input.name] = try contents(of: input, shape, &random)
    }
    return SampleSet(
      feeds: feeds, labels: nil, source: "synthetic, seed \(seed)", isSynthetic: true,
      isSingle: isSingle)
  }

  private func contents(
    of input: ModelInput, _ shape: [Int], _ random: inout RandomSource
  ) throws(Failure) -> Tensor {
    let count = try elementCount(shape, of: input)
    switch input.type.elementType {
    case .float:
      return Tensor(
        shape.count == 4 && shape.dropFirst().allSatisfy({ $0 <= Self.largestPicture })
          ? pictures(shape, &random) : (0..<count).map { _ in random.normal() }, shape: shape)
    case .int64: return Tensor(integers(input, count, &random).map(Int64.init), shape: shape)
    case .int32: return Tensor(integers(input, count, &random).map(Int32.init), shape: shape)
    case .bool: return Tensor([Bool](repeating: true, count: count), shape: shape)
    case let type:
      throw Failure(
        .malformedInput, "input '\(input.name)': cannot make synthetic data of type \(type)",
        notes: ["give data with --calibration or --inputs"])
    }
  }

  private func elementCount(_ shape: [Int], of input: ModelInput) throws(Failure) -> Int {
    guard let count = try? Tensor.elementCount(of: shape), count <= Self.maximumElements else {
      throw Failure(
        .malformedInput,
        "input '\(input.name)': synthetic data of shape \(shape) would not fit the memory",
        notes: ["give fewer samples, or smaller extents with --dim"])
    }
    return count
  }

  private func pictures(_ shape: [Int], _ random: inout RandomSource) -> [Float] {
    let isChannelsLast = shape[3] <= 4 && shape[1] > 4
    let (channels, height, width) =
      isChannelsLast ? (shape[3], shape[1], shape[2]) : (shape[1], shape[2], shape[3])
    var result: [Float] = []
    result.reserveCapacity(shape.reduce(1, *))
    for _ in 0..<shape[0] {
      let planes = SyntheticPicture(height: height, width: width).channels(channels, &random)
      if isChannelsLast {
        for pixel in 0..<height * width { for plane in planes { result.append(plane[pixel]) } }
      } else {
        for plane in planes { result += plane }
      }
    }
    return result
  }

  /// Indices inside the smallest table the input selects rows of; else ones, as a mask has.
  private func integers(_ input: ModelInput, _ count: Int, _ random: inout RandomSource) -> [Int] {
    guard let rows = tableRows(input.name) else { return [Int](repeating: 1, count: count) }
    return (0..<count).map { _ in random.below(rows) }
  }

  private func tableRows(_ name: String) -> Int? {
    guard var frontier = graph.value(named: name).map({ [$0] }) else { return nil }
    var rows: Int?
    while let value = frontier.popLast() {
      for user in graph[value].users {
        let node = graph[user]
        if node.is("Gather"), node.inputs.count == 2, node.inputs[1] == value,
          let table = node.inputs[0].flatMap(graph.constant), let first = table.shape.first
        {
          rows = min(rows ?? first, first)
        } else if node.is("Cast") || node.is("Identity") || node.is("Reshape") {
          frontier += node.outputs.compactMap(\.self)
        }
      }
    }
    return rows
  }
}
