package import GraphIR
import Tensors

/// The tensor's parts along an axis, as a sequence.
///
/// Attributes: axis (0); keepdims (1): whether parts of one element keep the axis, where `split` is absent.
/// Shapes: split [] for parts of one length, the last possibly shorter, or [parts] for the length of each.
/// Source: ONNX SplitToSequence-11, 24.
package struct SplitToSequence: ValueOperator {
  package static let signature = OperatorSignature("SplitToSequence", since: 11, inputs: 1...2)

  private let axis: Int
  private let keepsAxis: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis", default: 0)
    keepsAxis = try node.flag("keepdims", default: true)
  }

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    let tensor = try values[0]!.tensor("input 0")
    let axis = try normalizedAxis(axis, rank: tensor.shape.count)
    try expectMovable("SplitToSequence", ArrayType(tensor))
    let split = values.count > 1 ? try values[1]?.tensor("split") : nil
    if split == nil, !keepsAxis {
      return [
        .sequence(
          try unstack(tensor, axis: axis, maximumBytes: maximumBytes).map { .tensor($0) })
      ]
    }
    // Parts of another axis than the first are copied, all of them.
    let rest = axis == 0 ? maximumBytes : maximumBytes - tensor.byteCount
    let moved = try moveAxis(of: tensor, from: axis, to: 0, maximumBytes: rest)
    var parts: [RuntimeValue] = []
    var start = 0
    for length in try lengths(split, of: tensor.shape[axis]) {
      parts.append(
        .tensor(
          try moveAxis(
            of: moved.slice(start..<start + length), from: 0, to: axis, maximumBytes: maximumBytes))
      )
      start += length
    }
    return [.sequence(parts)]
  }

  /// The length of each part of an axis.
  private func lengths(_ split: Tensor?, of extent: Int) throws(OperatorError) -> [Int] {
    guard let split else {
      try expectPartCount(extent)
      return [Int](repeating: 1, count: extent)
    }
    guard let lengths = split.integers, split.shape.count <= 1 else {
      throw OperatorError(.typeMismatch, "split: expected integers, got \(ArrayType(split))")
    }
    if split.shape.isEmpty {
      guard let length = lengths.first, length > 0 else {
        throw OperatorError(.invalidValue, "split: expected a positive length, got \(lengths)")
      }
      try expectPartCount(extent / length)
      return stride(from: 0, to: extent, by: length).map { min(length, extent - $0) }
    }
    var rest = extent
    for length in lengths {
      guard length >= 0, length <= rest else { rest = -1; break }
      rest -= length
    }
    guard rest == 0 else {
      throw OperatorError(.invalidValue, "split \(lengths) does not add up to \(extent)")
    }
    return lengths
  }
}

/// The sequence's tensors one behind the other along an axis, or along a new one.
///
/// Attributes: axis; new_axis (0).
/// Source: ONNX ConcatFromSequence-11.
package struct ConcatFromSequence: ValueOperator {
  package static let signature = OperatorSignature("ConcatFromSequence", since: 11, inputs: 1...1)

  private let axis: Int
  private let addsAxis: Bool

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    axis = try node.integer("axis")
    addsAxis = try node.flag("new_axis", default: false)
  }

  package func evaluate(
    values: [RuntimeValue?], maximumBytes: Int
  ) throws(OperatorError) -> [RuntimeValue] {
    var tensors: [Tensor] = []
    for (index, element) in try values[0]!.elements("input 0").enumerated() {
      tensors.append(try element.tensor("element \(index)"))
    }
    guard !tensors.isEmpty else {
      throw OperatorError(.invalidValue, "cannot join a sequence of no elements")
    }
    if addsAxis {
      return [
        .tensor(try stack(tensors, declared: nil, axis: axis, maximumBytes: maximumBytes))
      ]
    }
    return [.tensor(try concatenate(tensors, axis: axis, maximumBytes: maximumBytes))]
  }
}
