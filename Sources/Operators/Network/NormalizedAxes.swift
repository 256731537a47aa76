import Kernels
import Tensors

/// The trailing axes that a normalisation takes together, and the parameters that belong to them.
struct NormalizedAxes {
  let shape: [Int]
  /// The axes before them.
  let outer: [Int]

  var rows: Int { outer.reduce(1, *) }
  var count: Int { shape.reduce(1, *) }

  /// - Parameter parameters: the types of scale and bias.
  /// - Throws: `OperatorError` where there is no such axis, nothing to normalise, or a parameter that
  ///   does not broadcast to the axes.
  init(_ axis: Int, _ x: ArrayType, parameters: [ArrayType]) throws(OperatorError) {
    let axis = try normalizedAxis(axis, rank: x.shape.count)
    shape = Array(x.shape[axis...])
    outer = Array(x.shape[..<axis])
    guard !shape.contains(0) else {
      throw OperatorError(.shapeMismatch, "cannot normalise over empty axes, got \(x.shape)")
    }
    for parameter in parameters {
      try expectSameType(x, parameter)
      guard Layout(contiguous: parameter.shape).broadcast(to: shape) != nil else {
        throw OperatorError(
          .shapeMismatch,
          "expected scale and bias to broadcast to \(shape), got \(parameter.shape)")
      }
    }
  }

  /// Room for so many repeated parameters.
  static func scratchByteCount(_ axis: Int, _ x: ArrayType, parameters: Int) -> Int {
    guard let axes = try? NormalizedAxes(axis, x, parameters: []) else { return 0 }
    return parameters * axes.count * MemoryLayout<Float>.stride
  }

  /// One element per position of the axes: the input's own, or repeated into the `place`-th part of
  /// `scratch`.
  func parameter(
    _ view: TensorView?, _ place: Int, _ scratch: UnsafeMutableRawBufferPointer
  ) -> UnsafePointer<Float>? {
    guard let view, view.count != count else { return view?.pointer(of: Float.self) }
    let repeated = scratch.baseAddress!.assumingMemoryBound(to: Float.self) + place * count
    StridedCopy.copy(
      view.bytePointer, strides: view.layout.broadcast(to: shape)!.strides, into: repeated,
      shape: shape, elementSize: MemoryLayout<Float>.stride)
    return UnsafePointer(repeated)
  }
}
