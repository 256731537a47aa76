import Kernels
import Tensors

/// The trailing axes that a normalisation takes together, and the parameters that belong to them.
struct NormalizedAxes {
  let shape: [Int]
  /// The axes before them.
  let outer: [Int]

  var rows: Int { outer.reduce(1, *) }
  var count: Int { shape.reduce(1, *) }
  /// The shape of what there is one of per row.
  var summary: [Int] { outer + shape.map { _ in 1 } }

  /// - Parameter parameters: the types of scale and bias.
  /// - Throws: `OperatorError` where there is no such axis, nothing to normalise, or a parameter that
  ///   does not broadcast to the axes.
  init(_ axis: Int, _ x: ArrayType, parameters: [ArrayType]) throws(OperatorError) {
    for parameter in parameters { try expectSameType(x, parameter) }
    try self.init(axis, x.shape, parameters: parameters.map(\.shape))
  }

  init(_ axis: Int, _ x: [Int], parameters: [[Int]] = []) throws(OperatorError) {
    let axis = try normalizedAxis(axis, rank: x.count)
    shape = Array(x[axis...])
    outer = Array(x[..<axis])
    guard !shape.contains(0) else {
      throw OperatorError(.shapeMismatch, "cannot normalise over empty axes, got \(x)")
    }
    for parameter in parameters {
      guard Layout(contiguous: parameter).broadcast(to: shape) != nil else {
        throw OperatorError(
          .shapeMismatch, "expected scale and bias to broadcast to \(shape), got \(parameter)")
      }
    }
  }

  /// Room for so many repeated parameters.
  static func scratchByteCount(_ axis: Int, _ x: ArrayType, parameters: Int) -> Int {
    guard let axes = try? NormalizedAxes(axis, x.shape) else { return 0 }
    return saturatingProduct([parameters, axes.count, x.elementType.rowByteCount])
  }

  /// One element per position of the axes: the input's own, or repeated into the `place`-th part of
  /// `scratch`.
  func parameter<Element: RowElement>(
    _ view: TensorView?, _ place: Int, _ scratch: UnsafeMutableRawBufferPointer
  ) -> UnsafePointer<Element>? {
    guard let view, view.count != count else { return view?.pointer() }
    let repeated = scratch.baseAddress!.assumingMemoryBound(to: Element.self) + place * count
    StridedCopy.copy(
      view.bytePointer, strides: view.layout.broadcast(to: shape)!.strides, into: repeated,
      shape: shape, elementSize: MemoryLayout<Element>.stride)
    return UnsafePointer(repeated)
  }
}
