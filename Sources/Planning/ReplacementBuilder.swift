import GraphIR
import Operators
import Tensors

/// Makes the nodes and initializers of one replacement, under readable names.
///
///     bias         Add(x, b)
///     diagonal     Add(Mul(x, a), b)
///     low-rank     Add(Add(x, MatMul(MatMul(x, U), V)), b)
///     linear       Add(MatMul(x, A), b), or Gemm(x, A, b) of two axes
///     context      Add(MatMul(x, A), Add(MatMul(ReduceMean(x), B), b))
///     convolution  Conv(x, W, b)
///
/// Over channels, products are convolutions of one position. With a mask m, [N, T], the mean over a
/// sample's tokens is MatMul(Unsqueeze(m / Σm), x): of tokens whose mask is not zero. A sample of padding
/// only has mean zero.
struct ReplacementBuilder {
  var patch: GraphPatch
  let anchor: NodeID
  let stream: ResidualStream
  let weights: ReplacementWeights
  let stem: String
  /// The imported version of the default operator set.
  let opset: Int

  private var d: Int { stream.width }

  init(
    patch: GraphPatch, anchor: NodeID, stream: ResidualStream, weights: ReplacementWeights,
    stem: String, opset: Int
  ) {
    self.patch = patch
    self.anchor = anchor
    self.stream = stream
    self.weights = weights
    self.stem = stem
    self.opset = opset
  }

  /// The nodes of any form but `identity`, which takes none.
  mutating func apply(
    _ form: ReplacementForm, to source: ValueID, mask: ValueID?
  ) throws(PlanError) -> ValueID {
    switch form {
    case .identity, .folded: return source
    case .bias, .diagonal: return try elementwise(source)
    case .lowRank: return try lowRank(source)
    case .linear, .linearUnbiased, .leastSquares:
      return stream.layout == .channels
        ? try convolution(source, extent: 1) : try product(source)
    case .context: return try context(source, mask: mask)
    case .convolution: return try convolution(source, extent: ReplacementForm.kernelExtent)
    }
  }

  // MARK: Forms

  private mutating func elementwise(_ source: ValueID) throws(PlanError) -> ValueID {
    var result = source
    if let scale = weights.weight {
      result = insert("Mul", [result, try vector("scale", scale)], suffix: "scaled")
    }
    if let bias = weights.bias {
      result = insert("Add", [result, try vector("bias", bias)], suffix: "output")
    }
    return result
  }

  private mutating func lowRank(_ source: ValueID) throws(PlanError) -> ValueID {
    let rank = weights.rank(width: d)
    let (down, up) = (weights.weight ?? [], weights.up ?? [])
    let reduced: ValueID
    let branch: ValueID
    switch stream.layout {
    case .lastAxis:
      let first = try initializer("down", down, [d, rank])
      reduced = insert("MatMul", [source, first], suffix: "reduced", part: "MatMul_down")
      let second = try initializer("up", up, [rank, d])
      branch = insert("MatMul", [reduced, second], suffix: "branch", part: "MatMul_up")
    case .channels:
      reduced = try convolve(source, down, d, rank, extent: 1, names: ("down", "reduced"))
      branch = try convolve(reduced, up, rank, d, extent: 1, names: ("up", "branch"))
    }
    let sum = insert("Add", [source, branch], suffix: "sum", part: "Add_skip")
    return insert("Add", [sum, try vector("bias", weights.bias ?? [])], suffix: "output")
  }

  private mutating func product(_ source: ValueID) throws(PlanError) -> ValueID {
    let matrix = try initializer("weight", weights.weight ?? [], [d, d])
    guard let bias = weights.bias else {
      return insert("MatMul", [source, matrix], suffix: "output")
    }
    let constant = try initializer("bias", bias, [d])
    if stream.type.shape.count == 2 {
      return insert("Gemm", [source, matrix, constant], suffix: "output")
    }
    let mapped = insert("MatMul", [source, matrix], suffix: "product")
    return insert("Add", [mapped, constant], suffix: "output")
  }

  private mutating func context(_ source: ValueID, mask: ValueID?) throws(PlanError) -> ValueID {
    let mean = mask.map { maskedMean(of: source, $0) } ?? self.mean(of: source)
    let matrix = try initializer("weight", weights.weight ?? [], [d, d])
    let own = insert("MatMul", [source, matrix], suffix: "product")
    let second = try initializer("context", weights.context ?? [], [d, d])
    let shared = insert("MatMul", [mean, second], suffix: "shared", part: "MatMul_context")
    let constant = try initializer("bias", weights.bias ?? [], [d])
    let offset = insert("Add", [shared, constant], suffix: "offset", part: "Add_context")
    return insert("Add", [own, offset], suffix: "output")
  }

  private mutating func convolution(
    _ source: ValueID, extent: Int
  ) throws(PlanError) -> ValueID {
    try convolve(
      source, weights.weight ?? [], d, d, extent: extent, bias: weights.bias,
      names: ("weight", "output"))
  }

  // MARK: Parts

  /// The mean over axis 1, which stays with extent 1.
  private mutating func mean(of source: ValueID) -> ValueID {
    if opset < 18 {
      return insert("ReduceMean", [source], suffix: "mean", attributes: [Attribute("axes", [1])])
    }
    return insert("ReduceMean", [source, tokenAxis()], suffix: "mean")
  }

  private mutating func maskedMean(of source: ValueID, _ mask: ValueID) -> ValueID {
    func cast(_ type: ElementType) -> [Attribute] { [Attribute("to", Int(type.rawValue))] }
    let flags = insert(
      "Cast", [mask], suffix: "flags", part: "Cast_flags", attributes: cast(.bool))
    let valid = insert(
      "Cast", [flags], suffix: "valid", part: "Cast_valid",
      attributes: cast(stream.type.elementType))
    let axis = opset < 13 ? nil : tokenAxis()
    let axes = axis == nil ? [Attribute("axes", [1])] : []
    let inputs = [axis].compactMap(\.self)
    let count = insert(
      "ReduceSum", [valid] + inputs, suffix: "count", attributes: axes)
    // Where nothing is valid, zeros are divided by one.
    let some = insert(
      "Cast", [count], suffix: "some", part: "Cast_some", attributes: cast(.bool))
    let none = insert("Not", [some], suffix: "none")
    let one = insert(
      "Cast", [none], suffix: "one", part: "Cast_one",
      attributes: cast(stream.type.elementType))
    let divisor = insert("Add", [count, one], suffix: "divisor", part: "Add_divisor")
    let shares = insert("Div", [valid, divisor], suffix: "shares")
    let row = insert("Unsqueeze", [shares] + inputs, suffix: "row", attributes: axes)
    return insert("MatMul", [row, source], suffix: "mean", part: "MatMul_mean")
  }

  /// The constant [1]; no tensor, so that it counts as no parameter.
  private mutating func tokenAxis() -> ValueID {
    insert("Constant", [], suffix: "axis", attributes: [Attribute("value_ints", [1])])
  }

  /// A convolution with zero padding, of weights [k, k, inputs, outputs]: a `Conv`'s have the outputs
  /// first.
  private mutating func convolve(
    _ source: ValueID, _ matrix: [Float], _ inputs: Int, _ outputs: Int, extent: Int,
    bias: [Float]? = nil, names: (weight: String, output: String)
  ) throws(PlanError) -> ValueID {
    let axes = stream.type.shape.count - 2
    let positions = extent == 1 ? 1 : extent * extent
    var transposed = matrix
    for position in 0..<positions {
      for row in 0..<inputs {
        for column in 0..<outputs {
          transposed[(column * inputs + row) * positions + position] =
            matrix[(position * inputs + row) * outputs + column]
        }
      }
    }
    let kernel = [Int](repeating: extent, count: axes)
    var values = [
      source, try initializer(names.weight, transposed, [outputs, inputs] + kernel),
    ]
    if let bias { values.append(try initializer("bias", bias, [outputs])) }
    var attributes = [Attribute("kernel_shape", kernel)]
    if extent > 1 {
      attributes.append(Attribute("pads", [Int](repeating: extent / 2, count: 2 * axes)))
    }
    return insert(
      "Conv", values, suffix: names.output,
      part: names.weight == "weight" ? nil : "Conv_\(names.weight)", attributes: attributes)
  }

  /// One number for each feature, shaped to be added to or multiplied with the stream.
  private mutating func vector(_ suffix: String, _ values: [Float]) throws(PlanError) -> ValueID {
    let trailing = stream.layout == .channels ? stream.type.shape.count - 2 : 0
    return try initializer(suffix, values, [d] + [Int](repeating: 1, count: trailing))
  }

  /// - Parameter part: what the node is called, where the operator's name is not enough.
  mutating func insert(
    _ operatorType: String, _ inputs: [ValueID], suffix: String, part: String? = nil,
    attributes: [Attribute] = []
  ) -> ValueID {
    let output = patch.newValue("\(stem).\(suffix)")
    patch.insert(
      Node(
        operatorType, name: "\(stem).\(part ?? operatorType)", inputs: inputs,
        outputs: [output], attributes: attributes), before: anchor)
    return output
  }

  /// What `source` is once quantised, where the graph goes on from that only: the replacement then stands
  /// between a dequantisation of its own and the quantisation that follows.
  mutating func dequantized(_ source: ValueID, in graph: Graph) -> ValueID? {
    guard let id = graph.quantizer(of: source), let quantized = graph[id].outputs[0] else {
      return nil
    }
    let quantizer = graph[id]
    let output = patch.newValue("\(stem).dequantized")
    patch.insert(
      Node(
        "DequantizeLinear", domain: quantizer.domain, name: "\(stem).DequantizeLinear",
        inputs: [quantized] + quantizer.inputs.dropFirst(), outputs: [output],
        attributes: quantizer.attributes.filter { ["axis", "block_size"].contains($0.name) }),
      before: anchor)
    return output
  }

  /// The numbers as an initializer of the stream's element type, rounded to nearest.
  mutating func initializer(
    _ suffix: String, _ values: [Float], _ shape: [Int]
  ) throws(PlanError) -> ValueID {
    guard let tensor = Tensor(rounding: values, to: stream.type.elementType, shape: shape) else {
      throw PlanError(
        .unsupportedModel, "expected a stream of floating point, got \(stream.type.elementType)")
    }
    return patch.addInitializer("\(stem).\(suffix)", tensor)
  }
}
