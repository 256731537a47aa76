import GraphIR
import Operators
import Tensors

/// The weight at the end of the way.
extension BranchWalk {
  static let reshaping: Set<String> = ["Identity", "Reshape", "Unsqueeze", "Squeeze"]

  /// The stored weight that `value` is, of which nothing else makes use; whether it was transposed.
  func stored(
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

  mutating func product(_ id: NodeID, _ branch: ValueID) throws(NoHealingSite)
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

  mutating func convolution(_ id: NodeID, _ branch: ValueID) throws(NoHealingSite)
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
