import GraphIR
import Operators
import Tensors

/// The way from a residual sum back to the last linear node of its branch.
struct BranchWalk {
  let flow: Dataflow
  let contents: (ValueID) -> Tensor?
  let stream: ResidualStream
  let sum: ValueID
  var factors: [Double]
  private(set) var constant: [Double]
  private(set) var bias: HealingSite.Bias?

  var graph: Graph { flow.graph }
  var width: Int { stream.width }

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

  func between(_ node: Node) -> NoHealingSite {
    NoHealingSite("\(node.label) stands between the last weight and the sum")
  }

  // MARK: What is constant per feature

  /// The numbers of a constant that broadcasts over features alone.
  func vector(_ value: ValueID?) -> [Double]? {
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
  mutating func add(_ numbers: [Double], at value: ValueID, times scale: Double = 1) {
    let scaled = factors.map { $0 * scale }
    for k in 0..<width { constant[k] += scaled[k] * numbers[k] }
    if scale != 0, let stored = try? stored(value, through: Self.reshaping),
      graph.constant(stored.value)?.count == width
    {
      bias = HealingSite.Bias(value: stored.value, factors: scaled)
    }
  }
}
