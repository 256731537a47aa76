import Tensors

/// Scales or zero points of the matrices of a product: one number for all, or one for each line, which is
/// a row of the left operand or a column of the right one.
///
/// Shapes: [] or [1]; [lines]; [batch…, lines, 1] for rows, [batch…, 1, lines] for columns.
struct LineParameters {
  enum Line { case row, column }

  /// The numbers as the operand's matrices repeat them; `nil` where they are one.
  private let layout: Layout?
  private let matrixCount: Int
  /// How far the numbers of neighbouring lines are apart; 0 where they are one.
  let step: Int

  /// - Parameters:
  ///   - operand: the operand's shape.
  ///   - batch: the axes before the matrices of the product, which those of the operand broadcast to.
  init(
    _ shape: [Int], of operand: [Int], _ line: Line, batch: [Int], noun: String
  ) throws(OperatorError) {
    if shape.reduce(1, *) == 1, shape.count <= max(operand.count, 1) {
      layout = nil
      matrixCount = batch.reduce(1, *)
      step = 0
      return
    }
    let rank = operand.count
    let lines = rank < 2 ? 1 : operand[rank - (line == .row ? 2 : 1)]
    let matrix = line == .row ? [lines, 1] : [1, lines]
    let full = shape.count == 1 ? (line == .row ? shape + [1] : [1] + shape) : shape
    guard rank >= 2, full.count >= 2, Array(full.suffix(2)) == matrix,
      full.count == 2 || Array(full.dropLast(2)) == Array(operand.dropLast(2)),
      let layout = Layout(contiguous: full).broadcast(to: batch + matrix)
    else {
      throw OperatorError(
        .shapeMismatch,
        "\(noun): expected one number or \(lines) for \(operand), got shape \(shape)")
    }
    self.layout = layout
    matrixCount = batch.reduce(1, *)
    step = layout.strides[layout.strides.count - (line == .row ? 2 : 1)]
  }

  /// Where the numbers of each matrix start. There may be more matrices without elements than memory
  /// holds offsets: only for results that have some.
  var offsets: [Int] { layout?.matrixOffsets ?? [Int](repeating: 0, count: matrixCount) }
}
