import GraphIR
import Kernels
import Tensors

/// The window of a pooling operator over x [N, C, spatial…], and the padding behind each axis.
///
/// - Throws: `OperatorError` where x, the attributes and the kernel do not fit one another.
func poolWindow(
  _ attributes: SpatialAttributes, _ x: ArrayType
) throws(OperatorError) -> (window: Window, padsEnd: [Int]) {
  guard x.shape.count >= 3 else {
    throw OperatorError(.shapeMismatch, "expected at least three axes, got \(x.shape)")
  }
  guard let kernel = attributes.kernel else {
    throw OperatorError(.invalidAttribute, "attribute 'kernel_shape' is missing")
  }
  return try attributes.window(input: Array(x.shape[2...]), kernel: kernel)
}

/// The type of what pooling with that window gives.
func pooledType(_ x: ArrayType, _ window: Window) throws(OperatorError) -> ArrayType {
  try ArrayType(x.elementType, x.shape[..<2] + window.output).checked()
}

/// y = Σ f(x) over each window, for any number of spatial axes; padding takes no part.
@inline(__always)
func sumWindows<Element: BinaryFloatingPoint>(
  _ x: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>, planes: Int,
  _ window: Window, _ f: (Element) -> Element
) {
  let (inputs, outputs) = (window.inputCount, window.outputCount)
  y.update(repeating: 0, count: planes * outputs)
  window.forEachRun { _, output, input, count in
    for plane in 0..<planes {
      let target = y + plane * outputs + output.start
      let source = x + plane * inputs + input.start
      for i in 0..<count { target[i * output.step] += f(source[i * input.step]) }
    }
  }
}
