import Kernels
import Tensors

/// An `Einsum` fitted to shapes: a sequence of batched matrix products.
struct EinsumContraction {
  /// A letter of the equation, or one of the axes an ellipsis stands for, counted from the last.
  enum Label: Hashable {
    case letter(Character)
    case ellipsis(Int)
  }

  /// One product of what came before and the next input: [batch, m, k] by [batch, n, k].
  struct Step {
    /// The labels of the result, those of both operands before the left and the right ones.
    let batch, rows, columns: [Label]
    /// The labels that are summed.
    let inner: [Label]
    let leftShape, rightShape, resultShape: [Int]

    var labels: [Label] { batch + rows + columns }
    var multiplyAdds: Int { saturatingProduct(resultShape + [leftShape[leftShape.count - 1]]) }
  }

  let steps: [Step]
  let outputShape: [Int]
  private let output: [Label]
  private let terms: [[Label]]
  private let extents: [Label: Int]

  /// - Throws: `OperatorError.shapeMismatch` where the terms do not fit the shapes.
  init(_ equation: EinsumEquation, _ shapes: [[Int]]) throws(OperatorError) {
    var terms: [[Label]] = []
    var extents: [Label: Int] = [:]
    var widest = 0
    for (term, shape) in zip(equation.terms, shapes) {
      let hidden = shape.count - term.count(where: { $0 != EinsumEquation.ellipsis })
      guard hidden == 0 || (hidden > 0 && term.contains(EinsumEquation.ellipsis)) else {
        throw OperatorError(
          .shapeMismatch, "term '\(String(term))' does not fit the axes of \(shape)")
      }
      widest = max(widest, hidden)
      terms.append(Self.labels(term, ellipsis: hidden))
      for (label, extent) in zip(terms[terms.count - 1], shape) {
        let known = extents[label] ?? 1
        guard known == extent || known == 1 || extent == 1 else {
          throw OperatorError(
            .shapeMismatch, "extents of a label differ, got \(known) and \(extent)")
        }
        extents[label] = known == 1 ? extent : known
      }
    }
    let output = Self.labels(equation.output, ellipsis: widest)
    self.terms = terms
    self.extents = extents
    self.output = output
    outputShape = output.map { extents[$0] ?? 1 }

    var steps: [Step] = []
    var left = terms[0]
    for index in terms.indices.dropFirst(terms.count == 1 ? 0 : 1) {
      let right = terms.count == 1 ? [] : terms[index]
      let wanted = Set(output).union(terms.dropFirst(index + 1).flatMap { $0 })
      let step = Self.step(left, right, wanted: wanted, extents)
      steps.append(step)
      left = step.labels
    }
    self.steps = steps
  }

  private static func labels(_ term: EinsumEquation.Term, ellipsis count: Int) -> [Label] {
    term.flatMap { character in
      character == EinsumEquation.ellipsis
        ? (0..<count).reversed().map { .ellipsis($0) } : [.letter(character)]
    }
  }

  private static func step(
    _ left: [Label], _ right: [Label], wanted: Set<Label>, _ extents: [Label: Int]
  ) -> Step {
    var seen = Set<Label>()
    let labels = (left + right).filter { seen.insert($0).inserted }
    let kept = labels.filter { wanted.contains($0) }
    let batch = kept.filter { left.contains($0) && right.contains($0) }
    let rows = kept.filter { !right.contains($0) }
    let columns = kept.filter { !left.contains($0) }
    let inner = labels.filter { !wanted.contains($0) }
    func extent(_ labels: [Label]) -> [Int] { labels.map { extents[$0]! } }
    return Step(
      batch: batch, rows: rows, columns: columns, inner: inner,
      leftShape: extent(batch + rows) + [product(extent(inner))],
      rightShape: extent(batch + columns) + [product(extent(inner))],
      resultShape: extent(batch + rows + columns))
  }

  /// The product, or more than any tensor has where it overflows.
  private static func product(_ extents: [Int]) -> Int {
    extents.contains(0)
      ? 0
      : extents.reduce(1) { product, extent in
        let (value, overflow) = product.multipliedReportingOverflow(by: extent)
        return overflow ? .max : value
      }
  }

  private func count(_ labels: [Label]) -> Int { labels.reduce(1) { $0 * extents[$1]! } }

  private var packedCount: Int {
    steps.map { max(count($0.batch + $0.rows + $0.inner), count($0.batch + $0.columns + $0.inner)) }
      .max() ?? 0
  }
  private var resultCount: Int { steps.map { count($0.labels) }.max() ?? 0 }

  /// The elements of working memory: two packed operands and two results.
  var scratchCount: Int { saturatingProduct([2, saturatingSum(packedCount, resultCount)]) }

  func evaluate<Element: ContractedElement>(
    _ inputs: [TensorView], into result: MutableTensorView,
    _ scratch: UnsafeMutableRawBufferPointer, _ type: Element.Type
  ) {
    let memory = scratch.baseAddress!.assumingMemoryBound(to: Element.self)
    let packs = (memory, memory + packedCount)
    var results = [memory + 2 * packedCount, memory + 2 * packedCount + resultCount]
    var (left, leftLabels) = (inputs[0], terms[0])
    let one: [Element] = [.one]
    one.withUnsafeBytes { one in
      for (index, step) in steps.enumerated() {
        let isUnary = inputs.count == 1
        let right =
          isUnary
          ? TensorView(Element.elementType, Layout(contiguous: []), in: one.baseAddress!)
          : inputs[index + 1]
        let isFinal = index == steps.count - 1 && step.labels == output
        let target = isFinal ? result.buffer.assumingMemoryBound(to: Element.self) : results[0]
        results.swapAt(0, 1)
        multiply(
          step, matrices(left, leftLabels, step.batch, step.rows, step.inner, packs.0),
          matrices(
            right, isUnary ? [] : terms[index + 1], step.batch, step.columns, step.inner,
            packs.1), into: target)
        left = TensorView(
          Element.elementType, Layout(contiguous: step.resultShape), in: UnsafeRawPointer(target))
        leftLabels = step.labels
      }
      guard leftLabels != output else { return }
      let order = output.map { leftLabels.firstIndex(of: $0)! }
      StridedCopy.copy(
        left.bytePointer, strides: order.map { left.strides[$0] }, into: result.buffer,
        shape: outputShape, elementSize: MemoryLayout<Element>.stride)
    }
  }

  private func multiply<Element: ContractedElement>(
    _ step: Step, _ left: TensorView, _ right: TensorView,
    into target: UnsafeMutablePointer<Element>
  ) {
    let (m, n, k) = (left.shape[1], right.shape[1], left.shape[2])
    let (a, b) = (left.layout.matrix!, right.layout.matrix!)
    for batch in 0..<left.shape[0] {
      Element.multiply(
        m: m, n: n, k: k,
        a: MatrixView(
          left.pointer(of: Element.self) + batch * left.strides[0],
          leadingDimension: a.leadingDimension, isTransposed: a.isTransposed),
        b: MatrixView(
          right.pointer(of: Element.self) + batch * right.strides[0],
          leadingDimension: b.leadingDimension, isTransposed: !b.isTransposed),
        into: target + batch * m * n)
    }
  }

  /// An operand as [batch, outer, inner] matrices that BLAS can read: a view where there is one, else
  /// packed into `memory`. A label the operand lacks, or has once, repeats it.
  private func matrices<Element: ContractedElement>(
    _ view: TensorView, _ labels: [Label], _ batch: [Label], _ outer: [Label], _ inner: [Label],
    _ memory: UnsafeMutablePointer<Element>
  ) -> TensorView {
    var strides: [Label: Int] = [:]
    for (axis, label) in labels.enumerated() where view.shape[axis] == extents[label]! {
      strides[label, default: 0] += view.strides[axis]
    }
    let axes = batch + outer + inner
    let layout = Layout(
      shape: axes.map { extents[$0]! }, strides: axes.map { strides[$0] ?? 0 },
      offset: view.layout.offset)
    let shape = [count(batch), count(outer), count(inner)]
    if let flat = layout.reshaped(shape), flat.matrix != nil {
      return TensorView(Element.elementType, flat, in: view.buffer)
    }
    StridedCopy.copy(
      view.bytePointer, strides: layout.strides, into: memory, shape: layout.shape,
      elementSize: MemoryLayout<Element>.stride)
    return TensorView(Element.elementType, Layout(contiguous: shape), in: UnsafeRawPointer(memory))
  }
}

/// A number type whose products `Einsum` sums.
protocol ContractedElement: NumericElement {
  /// C = op(A) op(B), for op(A) [m, k], op(B) [k, n] and packed C [m, n].
  static func multiply(
    m: Int, n: Int, k: Int, a: MatrixView<Self>, b: MatrixView<Self>,
    into c: UnsafeMutablePointer<Self>)
}

extension Float: ContractedElement {
  static func multiply(
    m: Int, n: Int, k: Int, a: MatrixView<Float>, b: MatrixView<Float>,
    into c: UnsafeMutablePointer<Float>
  ) { gemm(m: m, n: n, k: k, alpha: 1, a: a, b: b, beta: 0, c: c, ldc: n) }
}

extension Double: ContractedElement {
  static func multiply(
    m: Int, n: Int, k: Int, a: MatrixView<Double>, b: MatrixView<Double>,
    into c: UnsafeMutablePointer<Double>
  ) { gemm(m: m, n: n, k: k, alpha: 1, a: a, b: b, beta: 0, c: c, ldc: n) }
}

extension ContractedElement where Self: FixedWidthInteger {
  static func multiply(
    m: Int, n: Int, k: Int, a: MatrixView<Self>, b: MatrixView<Self>,
    into c: UnsafeMutablePointer<Self>
  ) {
    let (aRow, aStep) = a.isTransposed ? (1, a.leadingDimension) : (a.leadingDimension, 1)
    let (bRow, bStep) = b.isTransposed ? (1, b.leadingDimension) : (b.leadingDimension, 1)
    c.update(repeating: 0, count: m * n)
    for i in 0..<m {
      let sums = c + i * n
      for l in 0..<k {
        let (factor, row) = (a.pointer[i * aRow + l * aStep], b.pointer + l * bRow)
        for j in 0..<n { sums[j] &+= factor &* row[j * bStep] }
      }
    }
  }
}

extension Int8: ContractedElement {}
extension Int16: ContractedElement {}
extension Int32: ContractedElement {}
extension Int64: ContractedElement {}
extension UInt8: ContractedElement {}
extension UInt16: ContractedElement {}
extension UInt32: ContractedElement {}
extension UInt64: ContractedElement {}
