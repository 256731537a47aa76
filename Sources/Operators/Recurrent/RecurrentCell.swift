import Kernels

/// What tells recurrent layers apart: how one time step changes the state.
protocol RecurrentCell: Sendable {
  /// The bias that the products with X start from, [gates, hidden]: of B [2, gates, hidden] what does
  /// not have to wait for the state. Zero where there is no B.
  func addBiases<Element: RecurrentElement>(
    _ biases: UnsafePointer<Element>?, into sum: UnsafeMutablePointer<Element>, hidden: Int)

  /// Replaces the states of all sequences that have this step.
  func advance<Element: RecurrentElement>(_ step: RecurrentStep<Element>)
}

/// The operands of one time step of one direction, for N sequences of H hidden numbers.
struct RecurrentStep<Element: RecurrentElement> {
  /// X W' + bias of this step, a row of [gates, H] for each sequence; the cell may change it.
  let gates: UnsafeMutablePointer<Element>
  let gateStride: Int
  /// [N, H], and for an LSTM the cell's, too.
  let state, cellState: UnsafeMutablePointer<Element>
  /// [N, H], contents undefined.
  let spare: UnsafeMutablePointer<Element>
  /// [gates, H, H]
  let recurrence: UnsafePointer<Element>
  /// [gates, H]
  let recurrenceBias: UnsafePointer<Element>?
  /// [3, H]
  let peepholes: UnsafePointer<Element>?
  let activations: ArraySlice<RecurrentActivation>
  let clip: Element?
  let lengths: [Int]
  let step: Int
  let hidden: Int

  /// The sequences that have this step.
  var active: some Sequence<Int> { lengths.indices.lazy.filter { step < lengths[$0] } }

  /// The gates of a sequence.
  func row(_ n: Int) -> UnsafeMutablePointer<Element> { gates + n * gateStride }

  /// Adds `matrix` [N, H] times the transposed recurrence weights of `range` to those gates.
  func addProduct(
    _ matrix: UnsafePointer<Element>, gates range: Range<Int>
  ) {
    addProduct(
      matrix, gates: range, beta: 1, into: gates + range.lowerBound * hidden, ldc: gateStride)
  }

  /// C = `matrix` [N, H] times the transposed recurrence weights of `range`, + beta C.
  func addProduct(
    _ matrix: UnsafePointer<Element>, gates range: Range<Int>, beta: Element,
    into c: UnsafeMutablePointer<Element>, ldc: Int
  ) {
    Element.gemm(
      m: lengths.count, n: range.count * hidden, k: hidden, alpha: 1,
      a: MatrixView(matrix, leadingDimension: hidden),
      b: MatrixView(
        recurrence + range.lowerBound * hidden * hidden, leadingDimension: hidden,
        isTransposed: true), beta: beta, c: c, ldc: ldc)
  }

  /// Cuts `count` numbers to the clip and applies the function at `index` to them.
  func activate(_ x: UnsafeMutablePointer<Element>, count: Int, function index: Int) {
    if let clip {
      for i in 0..<count { x[i] = x[i] > clip ? clip : x[i] < -clip ? -clip : x[i] }
    }
    Element.apply(activations[activations.startIndex + index], to: x, count: count)
  }
}
