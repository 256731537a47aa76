import Foundation
import Tensors

/// A small network in ONNX's textual syntax, in the making. Values are float; weights are noise.
struct NetworkText {
  let input: String
  /// What is said of the model beside its opset.
  var domains = ""
  var opset = 17
  /// Function definitions.
  var functions = ""
  /// Outputs, as the graph declares them.
  var outputs: [String] = []
  private var weights: [String] = []
  private var nodes: [String] = []
  private var count = 0

  /// - Parameter input: the shape of `x`, such as `N, 3, 4`.
  init(_ input: String) { self.input = input }

  var text: String {
    """
    <ir_version: 8, opset_import: ["" : \(opset)\(domains)]>
    g (float[\(input)] x) => (\(outputs.joined(separator: ", ")))
    <
      \(weights.joined(separator: ",\n  "))
    >
    {
      \(nodes.joined(separator: "\n  "))
    }
    \(functions)
    """
  }

  private mutating func name(_ stem: String) -> String {
    count += 1
    return "\(stem)\(count)"
  }

  /// A weight of small noise around `centre`, so that residual branches stay small beside the skip.
  mutating func weight(_ shape: [Int], _ centre: Float = 0, spread: Float = 0.5) -> String {
    let name = name("w")
    var state = UInt32(truncatingIfNeeded: count &* 2_654_435_761) | 1
    let numbers = (0..<shape.reduce(1, *)).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return "\(centre + (Float(state >> 8) / 0x1p24 - 0.5) * spread)"
    }
    weights.append("float\(shape) \(name) = {\(numbers.joined(separator: ", "))}")
    return name
  }

  /// An initializer spelt out, such as `int64[1] = {2}`.
  mutating func constant(_ type: String, _ contents: String) -> String {
    let name = name("c")
    weights.append("\(type) \(name) = {\(contents)}")
    return name
  }

  /// One node; `operation` may hold attributes.
  @discardableResult
  mutating func apply(_ operation: String, _ inputs: String..., to output: String? = nil) -> String
  {
    let output = output ?? name("v")
    nodes.append("\(output) = \(operation) (\(inputs.joined(separator: ", ")))")
    return output
  }

  // MARK: Branches

  mutating func mlp(_ x: String, _ d: Int = 4) -> String {
    let hidden = apply("Relu", apply("MatMul", x, weight([d, 2 * d])))
    return apply("MatMul", hidden, weight([2 * d, d]))
  }

  mutating func attention(_ x: String, _ d: Int = 4, swapped: Bool = false) -> String {
    let query = apply("MatMul", x, weight([d, d]))
    let key = apply("MatMul", x, weight([d, d]))
    let value = apply("MatMul", x, weight([d, d]))
    let scores = apply("MatMul", query, apply("Transpose <perm = [0, 2, 1]>", key))
    let mixed = apply("MatMul", apply("Softmax <axis = -1>", scores), value)
    return apply("MatMul", mixed, weight([d, d]))
  }

  /// Layer normalisation from its parts.
  mutating func norm(_ x: String, _ d: Int = 4, to output: String? = nil) -> String {
    let mean = apply("ReduceMean <axes = [-1]>", x)
    let centred = apply("Sub", x, mean)
    let variance = apply("ReduceMean <axes = [-1]>", apply("Mul", centred, centred))
    let shifted = apply("Add", variance, constant("float", "1e-5"))
    let scaled = apply("Div", centred, apply("Sqrt", shifted))
    return apply(
      "Add", apply("Mul", scaled, weight([d], 1)), weight([d]), to: output)
  }

  mutating func conv(_ x: String, _ d: Int = 4) -> String {
    apply("Conv <pads = [1, 1, 1, 1]>", x, weight([d, d, 3, 3], spread: 0.2), weight([d]))
  }
}
