package import GraphIR
import Operators
import Tensors

/// Replaces the work of a span by one map of its first point.
///
///     before: h_to = Add(h_from, branch(h_from))
///     after:  h_to = Add(MatMul(h_from, W), b)
package struct ReplaceSpanWithLinear: Sendable {
  package static let name = "replace-span-with-linear"

  package let span: CandidateSpan
  package let form: ReplacementForm
  package let weights: ReplacementWeights

  /// Weights are those that `form` takes at the stream's width.
  package init(_ span: CandidateSpan, form: ReplacementForm, weights: ReplacementWeights = .init())
  {
    self.span = span
    self.form = form
    self.weights = weights
  }

  /// The edit of `graph`, and the value that stands for h_to after it.
  ///
  /// - Parameters:
  ///   - source: stands for h_from; another value than the stream's point where that was replaced.
  ///   - streams: found in the graph before any replacement.
  package func patch(
    reading source: ValueID, in graph: Graph, _ streams: [ResidualStream]
  ) throws(PlanError) -> (patch: GraphPatch, result: ValueID) {
    let stream = streams[span.stream]
    let target = stream.points[span.to]
    guard let anchor = graph.producer(of: target) else {
      throw PlanError(.invalidSpan, "no node computes '\(graph[target].name)'")
    }
    var builder = Builder(
      patch: GraphPatch(Self.name, of: graph), anchor: anchor, type: stream.type,
      stem: stem(in: streams))
    let source = builder.dequantized(source, in: graph) ?? source
    let result: ValueID
    switch (form, stream.layout) {
    case (.identity, _):
      result =
        graph[target].outputCount == 0
        ? source : builder.insert("Identity", [source], suffix: "output")
    case (.bias, _), (.diagonal, _):
      result = try elementwise(source, stream, &builder)
    case (.linear, .channels), (.leastSquares, .channels):
      result = try convolution(source, stream, &builder)
    case (.linear, .lastAxis), (.leastSquares, .lastAxis):
      result = try product(source, stream, &builder)
    }
    builder.patch.replace(target, with: result)
    return (builder.patch, result)
  }

  private func stem(in streams: [ResidualStream]) -> String {
    let stream = streams[span.stream]
    let prefix = streams.count == 1 ? "rba.span" : "rba.stream_\(span.stream).span"
    return "\(prefix)_\(stream.label(of: span.from))_\(stream.label(of: span.to))"
  }

  private func elementwise(
    _ source: ValueID, _ stream: ResidualStream, _ builder: inout Builder
  ) throws(PlanError) -> ValueID {
    let trailing = stream.layout == .channels ? stream.type.shape.count - 2 : 0
    let shape = [stream.width] + [Int](repeating: 1, count: trailing)
    var result = source
    if let scale = weights.weight {
      result = builder.insert(
        "Mul", [result, try builder.initializer("scale", scale, shape)], suffix: "scaled")
    }
    if let bias = weights.bias {
      result = builder.insert(
        "Add", [result, try builder.initializer("bias", bias, shape)], suffix: "output")
    }
    return result
  }

  private func product(
    _ source: ValueID, _ stream: ResidualStream, _ builder: inout Builder
  ) throws(PlanError) -> ValueID {
    let d = stream.width
    let matrix = try builder.initializer("weight", weights.weight ?? [], [d, d])
    guard let bias = weights.bias else {
      return builder.insert("MatMul", [source, matrix], suffix: "output")
    }
    let constant = try builder.initializer("bias", bias, [d])
    if stream.type.shape.count == 2 {
      return builder.insert("Gemm", [source, matrix, constant], suffix: "output")
    }
    let mapped = builder.insert("MatMul", [source, matrix], suffix: "product")
    return builder.insert("Add", [mapped, constant], suffix: "output")
  }

  /// A convolution's weights have the features written first.
  private func convolution(
    _ source: ValueID, _ stream: ResidualStream, _ builder: inout Builder
  ) throws(PlanError) -> ValueID {
    let d = stream.width
    let matrix = weights.weight ?? []
    var transposed = matrix
    for row in 0..<d {
      for column in 0..<d { transposed[column * d + row] = matrix[row * d + column] }
    }
    let kernel = [Int](repeating: 1, count: stream.type.shape.count - 2)
    var inputs = [source, try builder.initializer("weight", transposed, [d, d] + kernel)]
    if let bias = weights.bias { inputs.append(try builder.initializer("bias", bias, [d])) }
    return builder.insert(
      "Conv", inputs, suffix: "output", attributes: [Attribute("kernel_shape", kernel)])
  }
}

/// Collects the nodes and initializers of one replacement under readable names.
private struct Builder {
  var patch: GraphPatch
  let anchor: NodeID
  let type: ArrayType
  let stem: String

  mutating func insert(
    _ operatorType: String, _ inputs: [ValueID], suffix: String, attributes: [Attribute] = []
  ) -> ValueID {
    let output = patch.newValue("\(stem).\(suffix)")
    patch.insert(
      Node(
        operatorType, name: "\(stem).\(operatorType)", inputs: inputs, outputs: [output],
        attributes: attributes), before: anchor)
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
    let tensor: Tensor
    switch type.elementType {
    case .float: tensor = Tensor(values, shape: shape)
    case .double: tensor = Tensor(values.map(Double.init), shape: shape)
    case .float16:
      tensor = try halfWidth(values.map { Float16($0).bitPattern }, shape)
    case .bfloat16:
      tensor = try halfWidth(
        values.map { value in
          let bits = value.bitPattern
          return UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
        }, shape)
    default:
      throw PlanError(
        .unsupportedModel, "expected a stream of floating point, got \(type.elementType)")
    }
    return patch.addInitializer("\(stem).\(suffix)", tensor)
  }

  private func halfWidth(_ patterns: [UInt16], _ shape: [Int]) throws(PlanError) -> Tensor {
    let bytes = patterns.flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
    do throws(TensorError) {
      return try Tensor(type.elementType, shape: shape, region: ByteRegion(copying: bytes))
    } catch { throw PlanError(.invalidWeights, error.message) }
  }
}

extension Graph {
  /// The node that quantises `value`, where that is all that becomes of it.
  fileprivate func quantizer(of value: ValueID) -> NodeID? {
    guard let first = self[value].users.first, self[value].outputCount == 0,
      self[value].users.allSatisfy({ user in
        let node = self[user]
        return node.operatorType == "QuantizeLinear" && node.outputs.first ?? nil != nil
          && node.inputs[0] == value && !node.inputs.dropFirst().contains(value)
      })
    else { return nil }
    return first
  }

  /// What a replacement that starts at the point `value` reads: the point, or what dequantising it takes.
  func readings(of value: ValueID) -> [ValueID] {
    guard let id = quantizer(of: value), let quantized = self[id].outputs[0] else { return [value] }
    return [quantized] + self[id].inputs.dropFirst().compactMap(\.self)
  }

  /// Replaces spans that do not overlap, in order of position, and removes what nothing needs then.
  ///
  /// - Parameter opset: the imported version of the default operator set.
  /// - Returns: for each replaced point the value that stands for it now.
  /// - Throws: `PlanError` if the model's operator set is older than broadcasting or a patch fails;
  ///   the graph is then as it was.
  @discardableResult
  package mutating func replace(
    _ replacements: [ReplaceSpanWithLinear], _ streams: [ResidualStream], opset: Int
  ) throws(PlanError) -> [ValueID: ValueID] {
    guard opset >= 7 else {
      throw PlanError(.unsupportedModel, "expected operator set 7 or later, got \(opset)")
    }
    var copy = self
    var standIns: [ValueID: ValueID] = [:]
    let ordered = replacements.sorted {
      ($0.span.stream, $0.span.from) < ($1.span.stream, $1.span.from)
    }
    for replacement in ordered {
      let points = streams[replacement.span.stream].points
      let source = points[replacement.span.from]
      let (patch, result) = try replacement.patch(
        reading: standIns[source] ?? source, in: copy, streams)
      do throws(GraphError) { try copy.apply(patch) } catch {
        throw PlanError(.invalidSpan, error.message)
      }
      standIns[points[replacement.span.to]] = result
    }
    copy.removeDeadParts()
    self = copy
    return standIns
  }
}
