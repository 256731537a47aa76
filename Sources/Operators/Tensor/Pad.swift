package import GraphIR
import Tensors

/// Y = X with elements added, or with negative counts removed, at the ends of its axes.
///
/// Attributes: `mode` ("constant", "edge", "reflect", "wrap" from 19 on); before version 11 `pads` and
/// `value`, inputs since, `axes` with them from 18 on.
/// Shapes: X [any]; pads [2n], the begins and then the ends of n axes, all where `axes` are absent;
/// value [].
package struct Pad: MovementOperator {
  /// What the added elements are.
  enum Mode: String { case constant, edge, reflect, wrap }

  let mode: Mode
  let attributes: (pads: [Int], value: Float)?

  package static let signature = OperatorSignature("Pad", since: 2, inputs: 1...4)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    let name = try node.text("mode", default: "constant")
    guard let mode = Mode(rawValue: name) else {
      throw OperatorError(.invalidAttribute, "mode '\(name)' is unknown")
    }
    self.mode = mode
    attributes =
      opset >= 11
      ? nil : (try node.integers("pads") ?? [], try node.number("value", default: 0))
    if attributes == nil, node.inputs.count < 2 || node.inputs[1] == nil {
      throw OperatorError(.arity, "expected 2 to 4 inputs, got \(node.inputs.count)")
    }
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    var type = inputs[0]!.type
    try expectMovable(type)
    if inputs.count > 2, let value = inputs[2] {
      try expectSameType(type, value.type)
      guard value.type.count == 1 else {
        throw OperatorError(.shapeMismatch, "expected one element, got \(value.type.shape)")
      }
    }
    if attributes != nil, type.elementType != .float {
      try expect("Pad", supports: type.elementType, type.elementType == .double)
    }
    guard let (begins, ends) = try pads(type.shape.count, inputs) else { return .dependsOnContents }
    for axis in type.shape.indices {
      let (some, first) = type.shape[axis].addingReportingOverflow(begins[axis])
      let (extent, second) = some.addingReportingOverflow(ends[axis])
      guard !first, !second, extent >= 0,
        mode == .constant || extent == 0 || type.shape[axis] > 0
      else {
        throw OperatorError(.invalidShape, "cannot pad \(type.shape) by \(begins) and \(ends)")
      }
      type.shape[axis] = extent
    }
    return .types([try type.checked()])
  }

  /// The elements to add before and behind each axis, or `nil` where they are not known.
  private func pads(
    _ rank: Int, _ inputs: [Operand?]
  ) throws(OperatorError) -> (begins: [Int], ends: [Int])? {
    var pads = attributes?.pads ?? []
    var axes = Array(0..<rank)
    if attributes == nil {
      guard let given = try inputs[1]?.integers("pads") else { return nil }
      pads = given
      if inputs.count > 3, let operand = inputs[3] {
        guard let given = try operand.integers("axes") else { return nil }
        axes = try normalizedAxes(given, rank: rank)
      }
    }
    guard pads.count == 2 * axes.count else {
      throw OperatorError(.shapeMismatch, "pads: expected \(2 * axes.count), got \(pads.count)")
    }
    var (begins, ends) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
    for (index, axis) in axes.enumerated() {
      (begins[axis], ends[axis]) = (pads[index], pads[axes.count + index])
    }
    return (begins, ends)
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (x, y) = (inputs[0]!, outputs[0])
    let operands = inputs.map { $0.map { Operand($0.type, value: $0.smallContents) } }
    guard y.count > 0, let (begins, _) = try pads(x.shape.count, operands) else { return }
    let size = y.elementType.movableByteCount!
    var value = [UInt8](repeating: 0, count: size)
    if let attributes {
      value =
        y.elementType == .float
        ? withUnsafeBytes(of: attributes.value) { Array($0) }
        : withUnsafeBytes(of: Double(attributes.value)) { Array($0) }
    } else if inputs.count > 2, let input = inputs[2] {
      value = Array(UnsafeRawBufferPointer(start: input.bytePointer, count: size))
    }
    // The place in X of each place in Y along each axis, -1 for an added constant.
    let sources = x.shape.indices.map { axis in
      (0..<y.shape[axis]).map { source($0 - begins[axis], extent: x.shape[axis]) }
    }
    let strides = Layout.packedStrides(of: x.shape)
    var place = [Int](repeating: 0, count: y.shape.count)
    for index in 0..<y.count {
      var offset: Int? = 0
      for axis in place.indices {
        let source = sources[axis][place[axis]]
        offset = source < 0 ? nil : offset.map { $0 + source * strides[axis] }
        if offset == nil { break }
      }
      let target = y.buffer + index * size
      if let offset {
        target.copyMemory(from: x.bytePointer + offset * size, byteCount: size)
      } else {
        target.copyMemory(from: value, byteCount: size)
      }
      advance(&place, in: y.shape)
    }
  }

  private func source(_ place: Int, extent: Int) -> Int {
    if place >= 0 && place < extent { return place }
    switch mode {
    case .constant: return -1
    case .edge: return min(max(place, 0), extent - 1)
    case .wrap: return ((place % extent) + extent) % extent
    case .reflect:
      guard extent > 1 else { return 0 }
      let period = 2 * (extent - 1)
      let folded = ((place % period) + period) % period
      return folded < extent ? folded : period - folded
    }
  }
}

/// Moves to the next place in row-major order, from the last to the first.
func advance(_ place: inout [Int], in shape: [Int]) {
  for axis in place.indices.reversed() {
    place[axis] += 1
    if place[axis] < shape[axis] { return }
    place[axis] = 0
  }
}
