import GraphIR
import Kernels
import Tensors

/// What the recurrent operators share: attributes, the types of inputs and outputs, and the walk along
/// the sequence that calls a cell at each time step.
///
/// Attributes: `direction` ("forward", "reverse", "bidirectional"); `hidden_size`; `activations`,
/// `activation_alpha`, `activation_beta`; `clip`: what the functions of gates take is cut to
/// ±clip, but not the cell state that the last function of an LSTM takes, as in onnxruntime; `layout`
/// from 14 on.
/// Shapes: with T time steps, N sequences, I inputs, D directions, H hidden numbers and G gates
/// X [T, N, I]; W [D, G H, I]; R [D, G H, H]; B [D, 2 G H]; sequence_lens [N]; initial states and last
/// states [D, N, H]; Y [T, D, N, H]. With layout 1 X [N, T, I], states [N, D, H], Y [N, T, D, H].
/// A sequence that is shorter than T gives zeros behind its end; the reverse direction starts at its
/// last step. The last states of an empty sequence are zero.
struct RecurrentLayer: Sendable {
  let name: String
  let gateCount: Int
  let directions: Int
  let startsReversed: Bool
  let isBatchFirst: Bool
  let hiddenSize: Int?
  let clip: Float?
  let activations: [RecurrentActivation]
  let outputCount: Int

  init(
    _ node: Node, name: String, gates: Int, defaults: [RecurrentActivation], opset: Int
  ) throws(OperatorError) {
    self.name = name
    gateCount = gates
    let direction = try node.text("direction", default: "forward")
    guard ["forward", "reverse", "bidirectional"].contains(direction) else {
      throw OperatorError(.invalidAttribute, "direction '\(direction)' is unknown")
    }
    directions = direction == "bidirectional" ? 2 : 1
    startsReversed = direction == "reverse"
    let layout = opset >= 14 ? try node.integer("layout", default: 0) : 0
    guard layout == 0 || layout == 1 else {
      throw OperatorError(.invalidAttribute, "layout: expected 0 or 1, got \(layout)")
    }
    isBatchFirst = layout == 1
    hiddenSize = node[attribute: "hidden_size"] == nil ? nil : try node.integer("hidden_size")
    clip = node[attribute: "clip"] == nil ? nil : try node.number("clip")
    if let clip, !(clip >= 0) {
      throw OperatorError(.invalidAttribute, "clip: expected at least 0, got \(clip)")
    }
    activations = try RecurrentActivation.list(node, defaults: defaults, directions: directions)
    outputCount = node.outputs.count
  }

  // MARK: Types

  /// The extents that inference has found to fit one another.
  struct Extents {
    let steps, batch, inputs, hidden: Int
  }

  func extents(_ x: [Int], recurrence: [Int]) -> Extents {
    Extents(
      steps: x[isBatchFirst ? 1 : 0], batch: x[isBatchFirst ? 0 : 1], inputs: x[2],
      hidden: recurrence[2])
  }

  /// Types of Y, Y_h and, as far as there are as many outputs, Y_c.
  ///
  /// - Parameter peepholes: how many weights a hidden number has in the eighth input.
  func infer(_ inputs: [Operand?], peepholes: Int = 0) throws(OperatorError) -> Inference {
    let (x, w, r) = (inputs[0]!.type, inputs[1]!.type, inputs[2]!.type)
    try expect(name, supports: x.elementType, x.elementType.isFloatingPoint)
    guard x.shape.count == 3, w.shape.count == 3, r.shape.count == 3 else {
      throw OperatorError(
        .shapeMismatch,
        "X, W and R: expected three axes, got \(x.shape), \(w.shape) and \(r.shape)")
    }
    let extents = extents(x.shape, recurrence: r.shape)
    let (steps, batch, hidden) = (extents.steps, extents.batch, extents.hidden)
    if let hiddenSize, hiddenSize != hidden {
      throw OperatorError(
        .shapeMismatch, "R: expected hidden_size \(hiddenSize), got \(r.shape)")
    }
    // BLAS counts rows, columns and the distance between rows in 32 bits.
    let rows = saturatingProduct([steps, batch])
    let largest = saturatingProduct([2 * gateCount, isBatchFirst ? max(steps, 1) : 1, hidden])
    guard max(rows, largest, extents.inputs) <= Int(Int32.max) else {
      throw OperatorError(
        .invalidShape, "X of \(x.shape) with \(hidden) hidden numbers is too large")
    }
    _ = try ArrayType(.double, [steps, batch, 2 * gateCount * hidden]).checked()
    let state =
      isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    let expected: [(noun: String, shape: [Int])] = [
      ("W", [directions, gateCount * hidden, extents.inputs]),
      ("R", [directions, gateCount * hidden, hidden]),
      ("B", [directions, 2 * gateCount * hidden]), ("sequence_lens", [batch]),
      ("initial_h", state), ("initial_c", state), ("P", [directions, peepholes * hidden]),
    ]
    for (input, (noun, shape)) in zip(inputs.dropFirst(), expected) {
      guard let type = input?.type else { continue }
      if noun == "sequence_lens" {
        guard type.elementType == .int32 else {
          throw OperatorError(
            .typeMismatch, "sequence_lens: expected int32, got \(type.elementType)")
        }
      } else {
        try expectSameType(x, type)
      }
      guard type.shape == shape else {
        throw OperatorError(.shapeMismatch, "\(noun): expected \(shape), got \(type.shape)")
      }
    }
    let y = isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
    let types = [y, state, state].map { ArrayType(x.elementType, $0) }
    return .types(
      try types.prefix(outputCount).map { (type) throws(OperatorError) in try type.checked() })
  }

  /// Elements of working memory: the gates of all steps, both states, one more matrix like them, and a
  /// bias.
  private func scratchCount(_ extents: Extents) -> Int {
    let gates = saturatingProduct([extents.steps, extents.batch, gateCount, extents.hidden])
    let rest = saturatingProduct([3, extents.batch, extents.hidden])
    return saturatingSum(saturatingSum(gates, rest), gateCount * extents.hidden)
  }

  func scratchByteCount(_ inputs: [ArrayType?]) -> Int {
    let x = inputs[0]!
    return saturatingProduct([
      scratchCount(extents(x.shape, recurrence: inputs[2]!.shape)),
      x.elementType == .double ? 8 : 4,
    ])
  }

  func multiplyAdds(_ inputs: [ArrayType?]) -> Int {
    let extents = extents(inputs[0]!.shape, recurrence: inputs[2]!.shape)
    return saturatingProduct([
      directions, extents.steps, extents.batch, gateCount, extents.hidden,
      saturatingSum(extents.inputs, extents.hidden),
    ])
  }

  // MARK: Evaluation

  /// Computes the outputs with `cell`, which works in `float` or `double`.
  func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView],
    scratch: UnsafeMutableRawBufferPointer, _ cell: some RecurrentCell
  ) throws(OperatorError) {
    try computingInFloat(inputs, outputs) { (inputs, outputs) throws(OperatorError) in
      if inputs[0]!.elementType == .double {
        try walk(Double.self, inputs, outputs, scratch, cell)
      } else {
        try walk(Float.self, inputs, outputs, scratch, cell)
      }
    }
  }

  private func walk<Element: RecurrentElement>(
    _ type: Element.Type, _ inputs: [TensorView?], _ outputs: [MutableTensorView],
    _ scratch: UnsafeMutableRawBufferPointer, _ cell: some RecurrentCell
  ) throws(OperatorError) {
    func input(_ index: Int) -> UnsafePointer<Element>? {
      index < inputs.count ? inputs[index].map { $0.start(as: Element.self) } : nil
    }
    let x = inputs[0]!
    let extents = extents(x.shape, recurrence: inputs[2]!.shape)
    let (steps, batch, hidden) = (extents.steps, extents.batch, extents.hidden)
    // Where states have no numbers, there may be more sequences than memory holds lengths, or more steps
    // than one walks.
    guard hidden > 0, batch > 0 else { return }
    let lengths = try lengths(inputs, extents)
    let width = gateCount * hidden
    let memory = scratch.bindMemory(to: Element.self).baseAddress!
    let state = memory + steps * batch * width
    let cellState = state + batch * hidden
    let spare = cellState + batch * hidden
    let bias = spare + batch * hidden
    for direction in 0..<directions {
      let isReversed = startsReversed || direction == 1
      cell.addBiases(
        input(3).map { $0 + direction * 2 * width }, into: bias, hidden: hidden)
      for row in 0..<(steps * batch) {
        (memory + row * width).update(from: bias, count: width)
      }
      Element.gemm(
        m: steps * batch, n: width, k: extents.inputs, alpha: 1,
        a: MatrixView(x.start(as: Element.self), leadingDimension: extents.inputs),
        b: MatrixView(
          input(1)! + direction * width * extents.inputs, leadingDimension: extents.inputs,
          isTransposed: true), beta: 1, c: memory, ldc: width)
      load(input(5), into: state, direction, extents)
      load(input(6), into: cellState, direction, extents)
      for index in 0..<steps {
        let step = isReversed ? steps - 1 - index : index
        cell.advance(
          RecurrentStep(
            gates: memory + (isBatchFirst ? step : step * batch) * width,
            gateStride: isBatchFirst ? steps * width : width,
            state: state, cellState: cellState, spare: spare,
            recurrence: input(2)! + direction * width * hidden,
            recurrenceBias: input(3).map { $0 + direction * 2 * width + width },
            peepholes: input(7).map { $0 + direction * 3 * hidden },
            activations: activations[
              (direction * activations.count / directions)...], clip: clip.map { Element($0) },
            lengths: lengths, step: step, hidden: hidden))
        guard let y = outputs.first?.start(as: Element.self) else { continue }
        for n in 0..<batch {
          let place =
            isBatchFirst
            ? (n * steps + step) * directions + direction
            : (step * directions + direction) * batch + n
          let row = y + place * hidden
          if step < lengths[n] {
            row.update(from: state + n * hidden, count: hidden)
          } else {
            row.update(repeating: 0, count: hidden)
          }
        }
      }
      for (output, last) in zip(outputs.dropFirst(), [state, cellState]) {
        store(last, into: output.start(as: Element.self), direction, lengths, extents)
      }
    }
  }

  /// The number of steps of each sequence.
  private func lengths(
    _ inputs: [TensorView?], _ extents: Extents
  ) throws(OperatorError) -> [Int] {
    guard let lengths = inputs.input(4) else {
      return [Int](repeating: extents.steps, count: extents.batch)
    }
    for length in lengths.integers where length < 0 || length > extents.steps {
      throw OperatorError(
        .invalidValue, "sequence_lens: expected at most \(extents.steps), got \(length)")
    }
    return lengths.integers
  }

  private func stateRow(_ n: Int, _ direction: Int, _ extents: Extents) -> Int {
    (isBatchFirst ? n * directions + direction : direction * extents.batch + n) * extents.hidden
  }

  private func load<Element: RecurrentElement>(
    _ initial: UnsafePointer<Element>?, into state: UnsafeMutablePointer<Element>,
    _ direction: Int, _ extents: Extents
  ) {
    for n in 0..<extents.batch {
      let row = state + n * extents.hidden
      if let initial {
        row.update(from: initial + stateRow(n, direction, extents), count: extents.hidden)
      } else {
        row.update(repeating: 0, count: extents.hidden)
      }
    }
  }

  private func store<Element: RecurrentElement>(
    _ state: UnsafeMutablePointer<Element>, into output: UnsafeMutablePointer<Element>,
    _ direction: Int, _ lengths: [Int], _ extents: Extents
  ) {
    for n in 0..<extents.batch {
      let row = output + stateRow(n, direction, extents)
      if lengths[n] > 0 {
        row.update(from: state + n * extents.hidden, count: extents.hidden)
      } else {
        row.update(repeating: 0, count: extents.hidden)
      }
    }
  }
}
