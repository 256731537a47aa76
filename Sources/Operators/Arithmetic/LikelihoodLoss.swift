import Glibc
package import GraphIR
import Tensors

/// loss = -w[c] y[n, c, …] with c = target[n, …] and y the input, for `NegativeLogLikelihoodLoss`, or
/// log softmax of the input along the classes, for `SoftmaxCrossEntropyLoss`.
///
/// Attributes: `reduction` ("mean"): the sum of losses over the sum of weights, "sum", or "none";
/// `ignore_index`: targets that count neither as loss nor as weight.
/// Shapes: input, log_prob [N, C, any]; target [N, any]; weight [C] (ones); loss as target, or [].
/// Types: float, double, float16, bfloat16; target int32 or int64.
/// Precision: in double, rounded once.
/// Throws: `OperatorError.invalidValue` where a target is no class.
/// Source: ONNX NegativeLogLikelihoodLoss-12, 13, 22, SoftmaxCrossEntropyLoss-12, 13.
package struct LikelihoodLoss<Definition: LikelihoodLossDefinition>: Operator {
  /// What becomes of the losses.
  enum Reduction: String { case none, sum, mean }

  let reduction: Reduction
  let ignoredTarget: Int?
  let outputCount: Int

  package static var signature: OperatorSignature {
    OperatorSignature(
      Definition.name, since: 12, inputs: 2...3,
      outputs: Definition.takesLogSoftmax ? 1...2 : 1...1)
  }

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let name = try node.text("reduction", default: "mean")
    guard let reduction = Reduction(rawValue: name) else {
      throw OperatorError(.invalidAttribute, "reduction '\(name)' is unknown")
    }
    self.reduction = reduction
    ignoredTarget =
      node[attribute: "ignore_index"] == nil ? nil : try node.integer("ignore_index")
    outputCount = node.outputs.count
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    let (x, target) = (inputs[0]!.type, inputs[1]!.type)
    try expect(Definition.name, supports: x.elementType, x.elementType.isFloatingPoint)
    guard target.elementType == .int64 || target.elementType == .int32 else {
      throw OperatorError(
        .typeMismatch, "target: expected int64 or int32, got \(target.elementType)")
    }
    guard x.shape.count >= 2, target.shape == [x.shape[0]] + x.shape[2...] else {
      throw OperatorError(
        .shapeMismatch, "target of \(target.shape) does not fit input of \(x.shape)")
    }
    if let weight = inputs.input(2)?.type {
      try expectSameType(x, weight)
      guard weight.shape == [x.shape[1]] else {
        throw OperatorError(
          .shapeMismatch, "weight: expected [\(x.shape[1])], got \(weight.shape)")
      }
    }
    let loss = ArrayType(x.elementType, reduction == .none ? target.shape : [])
    return .types(Array([try loss.checked(), x].prefix(outputCount)))
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      if inputs[0]!.elementType == .double {
        try evaluate(Double.self, inputs, outputs)
      } else {
        try evaluate(Float.self, inputs, outputs)
      }
    }
  }

  private func evaluate<Element: NumericElement>(
    _ type: Element.Type, _ inputs: [TensorView?], _ outputs: [MutableTensorView]
  ) throws(OperatorError) {
    let (x, targets) = (inputs[0]!, inputs[1]!.integers)
    let weights = inputs.input(2)?.start(as: Element.self)
    let (classes, inner) = (x.shape[1], x.shape[2...].reduce(1, *))
    let losses = outputs[0].start(as: Element.self)
    let logarithms = outputs.count > 1 ? outputs[1].start(as: Element.self) : nil
    var (lossSum, weightSum) = (0.0, 0.0)
    for (sample, target) in targets.enumerated() {
      let start = sample / inner * classes * inner + sample % inner
      let scores = x.start(as: Element.self) + start
      let shift = Definition.takesLogSoftmax ? logSum(scores, classes, stride: inner) : 0
      if let logarithms {
        for c in 0..<classes {
          logarithms[start + c * inner] = Element(nearest: scores[c * inner].double - shift)
        }
      }
      var loss = 0.0
      if target != ignoredTarget {
        guard target >= 0, target < classes else {
          throw OperatorError(
            .invalidValue, "target \(target) is out of range for \(classes) classes")
        }
        let weight = weights.map { $0[target].double } ?? 1
        loss = (shift - scores[target * inner].double) * weight
        weightSum += weight
      }
      lossSum += loss
      if reduction == .none { losses[sample] = Element(nearest: loss) }
    }
    switch reduction {
    case .none: break
    case .sum: losses[0] = Element(nearest: lossSum)
    case .mean: losses[0] = Element(nearest: lossSum / weightSum)
    }
  }

  /// The logarithm of the sum of exponentials of `count` scores, `stride` apart.
  private func logSum<Element: NumericElement>(
    _ scores: UnsafePointer<Element>, _ count: Int, stride: Int
  ) -> Double {
    var largest = -Double.infinity
    for c in 0..<count { largest = max(largest, scores[c * stride].double) }
    guard largest.isFinite else { return largest }
    var sum = 0.0
    for c in 0..<count { sum += exp(scores[c * stride].double - largest) }
    return largest + log(sum)
  }
}

/// What tells the losses apart.
package protocol LikelihoodLossDefinition: Sendable {
  static var name: String { get }
  /// Whether the input are scores, not yet logarithms of probabilities.
  static var takesLogSoftmax: Bool { get }
}

/// Of logarithms of probabilities.
package enum NegativeLogLikelihood: LikelihoodLossDefinition {
  package static let name = "NegativeLogLikelihoodLoss"
  package static let takesLogSoftmax = false
}

/// Of scores.
package enum SoftmaxCrossEntropy: LikelihoodLossDefinition {
  package static let name = "SoftmaxCrossEntropyLoss"
  package static let takesLogSoftmax = true
}
