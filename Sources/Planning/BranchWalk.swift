import GraphIR
import Operators
import Tensors

/// The way from a residual sum back to the last linear node of its branch.
struct BranchWalk {
  private let flow: Dataflow
  private let contents: (ValueID) -> Tensor?
  private let stream: ResidualStream
  private let sum: ValueID
  private var factors: [Double]
  private var constant: [Double]
  private var bias: HealingSite.Bias?

  private var graph: Graph { flow.graph }
  private var width: Int { stream.width }

  init(
    _ flow: Dataflow, _ contents: @escaping (ValueID) -> Tensor?, _ stream: ResidualStream,
    _ sum: ValueID
  ) {
    self.flow = flow
    self.contents = contents
    self.stream = stream
    self.sum = sum
    factors = Array(repeating: 1, count: stream.width)
    constant = Array(repeating: 0, count: stream.width)
  }

  /// - Parameter reader: the addition that reads the branch.
  mutating func site(of branch: ValueID, readBy reader: NodeID) throws(NoHealingSite)
    -> HealingSite
  {
    var (value, reader) = (branch, reader)
    while true {
      guard graph.onlyUser(of: value) == reader else {
        throw NoHealingSite("'\(graph[value].name.shown)' is read elsewhere too")
      }
      guard let id = graph.producer(of: value), let input = graph[id].inputs.first ?? nil else {
        throw NoHealingSite("no node with a weight computes '\(graph[value].name.shown)'")
      }
      let node = graph[id]
      reader = id
      switch (node.canonicalDomain, node.operatorType) {
      case ("", "Identity"): value = input
      case ("", "Add"): value = try passAddition(node)
      case ("", "Mul"): value = try passProduct(node)
      case ("", "Sub"), ("", "Div"): value = try passRightSide(node)
      case ("", "BatchNormalization"):
        try passNormalization(node)
        value = input
      case ("", "Reshape"), ("", "Squeeze"), ("", "Unsqueeze"), ("", "Flatten"):
        guard stream.layout == .lastAxis, flow.types[input]?.shape.last == width,
          flow.types[value]?.shape.last == width
        else { throw between(node) }
        value = input
      case ("", "MatMul"), ("", "Gemm"), ("com.microsoft", "FusedMatMul"):
        return try product(id, branch)
      case ("", "Conv"): return try convolution(id, branch)
      default: throw between(node)
      }
    }
  }

  private func between(_ node: Node) -> NoHealingSite {
    NoHealingSite("\(node.label) stands between the last weight and the sum")
  }

  // MARK: What is constant per feature

  /// The numbers of a constant that broadcasts over features alone.
  private func vector(_ value: ValueID?) -> [Double]? {
    guard let value, let tensor = contents(value), let numbers = tensor.numbers else { return nil }
    if numbers.count == 1, tensor.shape.count <= stream.type.shape.count {
      return Array(repeating: numbers[0], count: width)
    }
    // How many axes lie behind that of the features.
    let behind = stream.layout == .channels ? stream.type.shape.count - 2 : 0
    let axis = tensor.shape.count - 1 - behind
    guard numbers.count == width, axis >= 0, tensor.shape[axis] == width else { return nil }
    return numbers
  }

  /// The input that is not constant, and the numbers of the one that is.
  private func split(_ node: Node) throws(NoHealingSite) -> (
    data: ValueID, other: ValueID, [Double]
  ) {
    guard node.inputs.count == 2, let a = node.inputs[0], let b = node.inputs[1] else {
      throw between(node)
    }
    if let numbers = vector(b) { return (a, b, numbers) }
    if let numbers = vector(a) { return (b, a, numbers) }
    throw between(node)
  }

  private mutating func passAddition(_ node: Node) throws(NoHealingSite) -> ValueID {
    let (data, other, numbers) = try split(node)
    add(numbers, at: other)
    return data
  }

  private mutating func passProduct(_ node: Node) throws(NoHealingSite) -> ValueID {
    let (data, _, numbers) = try split(node)
    for k in 0..<width { factors[k] *= numbers[k] }
    return data
  }

  private mutating func passRightSide(_ node: Node) throws(NoHealingSite) -> ValueID {
    guard node.inputs.count == 2, let data = node.inputs[0], let numbers = vector(node.inputs[1])
    else { throw between(node) }
    for k in 0..<width {
      if node.is("Sub") { constant[k] -= factors[k] * numbers[k] } else { factors[k] /= numbers[k] }
    }
    return data
  }

  private mutating func passNormalization(_ node: Node) throws(NoHealingSite) {
    let isChannels = stream.layout == .channels || stream.type.shape.count == 2
    guard isChannels, node.inputs.count == 5, node.int("training_mode") ?? 0 == 0,
      node.outputs.dropFirst().allSatisfy({ $0 == nil }), let shift = node.inputs[2]
    else { throw between(node) }
    func parameter(_ index: Int) -> [Double]? {
      guard let value = node.inputs[index], let tensor = contents(value), tensor.shape == [width]
      else { return nil }
      return tensor.numbers
    }
    guard let scale = parameter(1), let bias = parameter(2), let mean = parameter(3),
      let variance = parameter(4)
    else { throw between(node) }
    add(bias, at: shift)
    let epsilon = Double(node.float("epsilon") ?? 1e-5)
    for k in 0..<width {
      let factor = scale[k] / (variance[k] + epsilon).squareRoot()
      constant[k] -= factors[k] * factor * mean[k]
      factors[k] *= factor
    }
  }

  /// Takes note of a constant that is added; the one nearest to the linear node is solved for.
  private mutating func add(_ numbers: [Double], at value: ValueID, times scale: Double = 1) {
    let scaled = factors.map { $0 * scale }
    for k in 0..<width { constant[k] += scaled[k] * numbers[k] }
    if scale != 0, let stored = try? stored(value, through: Self.reshaping),
      graph.constant(stored.value)?.count == width
    {
      bias = HealingSite.Bias(value: stored.value, factors: scaled)
    }
  }

  // MARK: Weights

  private static let reshaping: Set<String> = ["Identity", "Reshape", "Unsqueeze", "Squeeze"]

  /// The stored weight that `value` is, of which nothing else makes use; whether it was transposed.
  private func stored(
    _ value: ValueID, through operators: Set<String>
  ) throws(NoHealingSite) -> (value: ValueID, isTransposed: Bool) {
    var (value, isTransposed) = (value, false)
    while true {
      let name = graph[value].name.shown
      guard graph.onlyUser(of: value) != nil else {
        throw NoHealingSite("the weight '\(name)' is read elsewhere too")
      }
      if let tensor = graph.constant(value) {
        guard Tensor.roundedTypes.contains(tensor.elementType) else {
          throw NoHealingSite("the weight '\(name)' is of \(tensor.elementType)")
        }
        return (value, isTransposed)
      }
      guard let id = graph.producer(of: value), let input = graph[id].inputs.first ?? nil else {
        throw NoHealingSite("'\(name)' is no stored weight")
      }
      let node = graph[id]
      guard node.canonicalDomain.isEmpty, operators.contains(node.operatorType) else {
        throw NoHealingSite("'\(name)' is no stored weight but computed by \(node.label)")
      }
      if node.is("Transpose") {
        guard node.ints("perm") ?? [1, 0] == [1, 0] else {
          throw NoHealingSite("'\(name)' is no stored weight but computed by \(node.label)")
        }
        isTransposed.toggle()
      }
      value = input
    }
  }

  private mutating func product(_ id: NodeID, _ branch: ValueID) throws(NoHealingSite)
    -> HealingSite
  {
    let node = graph[id]
    guard node.inputs.count >= 2, let data = node.inputs[0], let factor = node.inputs[1],
      stream.layout == .lastAxis,
      ["transA", "transBatchA", "transBatchB"].allSatisfy({ node.int($0) ?? 0 == 0 })
    else { throw NoHealingSite("\(node.label) does not multiply rows by a weight") }
    let weight = try stored(factor, through: ["Identity", "Transpose"])
    let isTransposed = weight.isTransposed != (node.int("transB") ?? 0 != 0)
    let shape = graph.constant(weight.value)?.shape ?? []
    guard shape.count == 2, shape[isTransposed ? 0 : 1] == width else {
      throw NoHealingSite(
        "the weight '\(graph[weight.value].name.shown)' of shape \(shape) is no matrix to \(width) features"
      )
    }
    if node.is("Gemm"), node.inputs.count > 2, let added = node.inputs[2] {
      guard let numbers = vector(added) else {
        throw NoHealingSite("\(node.label) adds what is not constant per feature")
      }
      add(numbers, at: added, times: Double(node.float("beta") ?? 1))
    }
    if !node.is("MatMul") {
      let alpha = Double(node.float("alpha") ?? 1)
      factors = factors.map { $0 * alpha }
    }
    let count = shape[isTransposed ? 1 : 0]
    return try site(
      id, branch, input: try rows(data, width: count, node), .rows, inputWidth: count,
      weight.value, isTransposed: isTransposed)
  }

  /// The value with one row for each of the sum's, whose first axis runs over samples as the sum's does.
  private func rows(
    _ value: ValueID, width k: Int, _ node: Node
  ) throws(NoHealingSite) -> ValueID {
    var value = value
    while let shape = flow.types[value]?.shape, shape.last == k {
      if k > 0, shape.first == stream.type.shape.first,
        shape.dropLast().reduce(1, *) == stream.type.count / max(width, 1)
      {
        return value
      }
      guard let id = graph.producer(of: value), let input = graph[id].inputs.first ?? nil,
        graph[id].is("Reshape") || graph[id].is("Squeeze") || graph[id].is("Unsqueeze")
          || graph[id].is("Flatten")
      else { break }
      value = input
    }
    throw NoHealingSite("\(node.label) reads rows that are not those of the sum")
  }

  private mutating func convolution(_ id: NodeID, _ branch: ValueID) throws(NoHealingSite)
    -> HealingSite
  {
    let node = graph[id]
    guard stream.layout == .channels, node.int("group") ?? 1 == 1, node.inputs.count >= 2,
      let data = node.inputs[0], let factor = node.inputs[1], let input = flow.types[data]?.shape
    else { throw NoHealingSite("\(node.label) is no convolution of all channels") }
    let weight = try stored(factor, through: ["Identity"]).value
    let shape = graph.constant(weight)?.shape ?? []
    let axes = stream.type.shape.count - 2
    guard shape.count == axes + 2, shape[0] == width, input.count == axes + 2,
      shape[1] == input[1], shape.allSatisfy({ $0 > 0 })
    else { throw NoHealingSite("\(node.label) is no convolution to the stream's channels") }
    let kernel = Array(shape[2...])
    let inputWidth = saturatingProduct(Array(shape[1...]))
    guard inputWidth <= HealingSiteSearch.largestPatch else {
      throw NoHealingSite(
        "\(node.label) reads patches of \(inputWidth) numbers, more than \(HealingSiteSearch.largestPatch)"
      )
    }
    let ones = [Int](repeating: 1, count: axes)
    let strides = node.ints("strides") ?? ones
    let dilations = node.ints("dilations") ?? ones
    guard strides.count == axes, dilations.count == axes,
      (strides + dilations).allSatisfy({ (1...1 << 16).contains($0) })
    else { throw NoHealingSite("\(node.label) has strides or dilations that are too large") }
    let pads = try padsBegin(node, input: Array(input[2...]), kernel, strides, dilations)
    if node.inputs.count > 2, let added = node.inputs[2] {
      guard let numbers = contents(added)?.numbers, numbers.count == width else {
        throw NoHealingSite("\(node.label) adds what is not constant per feature")
      }
      add(numbers, at: added)
    }
    return try site(
      id, branch, input: data,
      .patches(kernel: kernel, strides: strides, dilations: dilations, padsBegin: pads),
      inputWidth: inputWidth, weight, isTransposed: true)
  }

  private func padsBegin(
    _ node: Node, input: [Int], _ kernel: [Int], _ strides: [Int], _ dilations: [Int]
  ) throws(NoHealingSite) -> [Int] {
    let output = stream.type.shape[2...]
    let pads: [Int]
    switch node.string("auto_pad") ?? "NOTSET" {
    case "", "NOTSET": pads = node.ints("pads") ?? []
    case "VALID": pads = []
    case let mode:
      pads = input.indices.map { axis in
        let reach = (kernel[axis] - 1) * dilations[axis] + 1
        let total = max(0, (output[axis + 2] - 1) * strides[axis] + reach - input[axis])
        return mode == "SAME_LOWER" ? total - total / 2 : total / 2
      }
    }
    guard pads.allSatisfy({ (0...1 << 16).contains($0) }),
      pads.isEmpty || pads.count >= input.count
    else { throw NoHealingSite("\(node.label) has pads that are too large") }
    return pads.isEmpty ? input.map { _ in 0 } : Array(pads.prefix(input.count))
  }

  private func site(
    _ id: NodeID, _ branch: ValueID, input: ValueID, _ reading: HealingSite.Reading,
    inputWidth: Int, _ weight: ValueID, isTransposed: Bool
  ) throws(NoHealingSite) -> HealingSite {
    guard (factors + constant).allSatisfy(\.isFinite) else {
      throw NoHealingSite("the factors behind \(graph[id].label) are not finite")
    }
    guard factors.contains(where: { $0 != 0 }) else {
      throw NoHealingSite("the factors behind \(graph[id].label) are zero")
    }
    return HealingSite(
      node: id, input: input, reading: reading, inputWidth: inputWidth, branch: branch, sum: sum,
      weight: weight, isTransposed: isTransposed, factors: factors, bias: bias, constant: constant)
  }
}
