import GraphIR
import ONNXFormat
import Tensors
import Testing

/// The trained sample with outlier tokens planted: weights are edited, nothing is trained.
///
/// Twelve patches at the border, which digits leave blank, are marked by a direction added to their
/// positions. Hidden units added to the MLP of block 2 see the mark and blow the token up along what
/// normalisation gives of it, to a norm of about 1,000; units added to that of block 5 turn its sign.
/// Normalisation divides the norm away, so that later blocks see of these tokens little else than
/// before, and of the others the same. The rows of a block are ruled by tokens that no answer depends
/// on: least squares over block 5 turns the sign of all.
struct PlantedOutliers {
  static let width = 64
  /// The marked tokens; the class token is 0, patches follow in rows of seven.
  private static let tokens = [1, 2, 6, 7, 8, 14, 36, 42, 43, 44, 48, 49]
  /// Length of the mark, in units of a stream whose tokens are about 20 long.
  private static let mark: Float = 30
  /// What separates marked tokens from others along the mark, once normalised: others have less than
  /// 3.4, marked ones more than 5.
  private static let threshold: Float = 4
  /// How steeply the added units open; others then are so far below zero that they give nothing.
  private static let steepness: Float = 40

  private var model: Model

  /// - Parameter path: the sample, opset 17.
  init(path: String) throws {
    model = try ONNXFile.read(path: path)
    var positions: [Float] = try tensor("pos_embed").elements()
    for token in Self.tokens {
      for k in 0..<Self.width {
        positions[token * Self.width + k] += Self.mark * Self.direction(k)
      }
    }
    try replace("pos_embed", Tensor(positions, shape: [1, 50, Self.width]))
    // A third of the mark stays, so that what differs from token to token rules.
    try amplify(block: 2, by: 250, keepingOfMark: 1 / 3)
    try amplify(block: 5, by: -250, keepingOfMark: 1)
  }

  func write(to path: String) throws {
    try ONNXFile.write(model, to: path, overwriting: false)
  }

  /// The mark: of length one and mean zero.
  private static func direction(_ k: Int) -> Float { k.isMultiple(of: 2) ? 0.125 : -0.125 }

  /// Adds `factor` times the normalised token to what a block's MLP gives of marked tokens.
  ///
  /// Unit j < d computes gelu(g + n_j) and unit d gelu(g), n the normalised token before its scale and
  /// bias, g = steepness · (n · mark − threshold). Where g is large their difference is n_j, and far
  /// below zero all are nothing.
  private mutating func amplify(block: Int, by factor: Float, keepingOfMark kept: Float) throws {
    let d = Self.width
    let scale: [Float] = try tensor("blocks.\(block).norm2.weight").elements()
    let shift: [Float] = try tensor("blocks.\(block).norm2.bias").elements()
    let (first, second) = try matrices(of: block)
    var (w1, w2): ([Float], [Float]) = (try tensor(first).elements(), try tensor(second).elements())
    let hidden = w1.count / d
    var bias: [Float] = try tensor("blocks.\(block).mlp.0.bias").elements()

    let gate = (0..<d).map { Self.steepness * Self.direction($0) / scale[$0] }
    let level = (0..<d).reduce(-Self.steepness * Self.threshold) { $0 - gate[$1] * shift[$1] }
    w1 = (0..<d).flatMap { k in
      w1[k * hidden..<(k + 1) * hidden]
        + (0...d).map { unit in gate[k] + (unit == k ? 1 / scale[k] : 0) }
    }
    bias += (0...d).map { level - ($0 < d ? shift[$0] / scale[$0] : 0) }
    var total = [Float](repeating: 0, count: d)
    for unit in 0..<d {
      let row = (0..<d).map { k in
        let along = (1 - kept) * Self.direction(unit) * Self.direction(k)
        return factor * ((unit == k ? 1 : 0) - along)
      }
      w2 += row
      for k in 0..<d { total[k] -= row[k] }
    }
    w2 += total

    try replace(first, Tensor(w1, shape: [d, hidden + d + 1]))
    try replace("blocks.\(block).mlp.0.bias", Tensor(bias, shape: [hidden + d + 1]))
    try replace(second, Tensor(w2, shape: [hidden + d + 1, d]))
  }

  /// The names of both matrices of a block's MLP.
  private func matrices(of block: Int) throws -> (String, String) {
    let names = try ["mlp.0", "mlp.2"].map { part in
      let product = try #require(
        model.graph.nodes.first { $0.node.name == "/blocks.\(block)/mlp/\(part)/MatMul" })
      return model.graph[try #require(product.node.inputs[1])].name
    }
    return (names[0], names[1])
  }

  private func tensor(_ name: String) throws -> Tensor {
    let value = try #require(model.graph.value(named: name))
    return try #require(model.graph.initializer(value)).tensor
  }

  private mutating func replace(_ name: String, _ tensor: Tensor) throws {
    let value = try #require(model.graph.value(named: name))
    var patch = GraphPatch("plant-outliers", of: model.graph)
    let planted = patch.addInitializer(name, tensor)
    patch.replace(value, with: planted)
    try model.graph.apply(patch)
  }
}
