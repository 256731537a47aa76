import Glibc
package import GraphIR
import Tensors

/// Y = the weights by which a spectrum is summed into bands that are equally wide on the mel scale,
/// 2595 log10(1 + f / 700): triangles of height 1, from the middle of one band to that of the next but one.
///
/// Attributes: `output_datatype` (float).
/// Shapes: num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz [];
/// Y [dft_length / 2 + 1, num_mel_bins].
/// Types: the numbers int32 or int64, the edges float, double, float16, bfloat16; Y any number.
/// Precision: in double, rounded once. Edges of bands are those of whole bins of the spectrum.
/// Source: ONNX MelWeightMatrix-17.
package struct MelWeightMatrix: Operator {
  let elementType: ElementType

  package static let signature = OperatorSignature("MelWeightMatrix", since: 17, inputs: 5...5)

  package init(_ node: Node, opset: Int) throws(OperatorError) {
    elementType = try node.elementType("output_datatype") ?? .float
    try expect("MelWeightMatrix", supports: elementType, elementType.isNumeric)
  }

  package func infer(_ inputs: [Operand?]) throws(OperatorError) -> Inference {
    for input in inputs[3...] {
      let type = input!.type
      try expect("MelWeightMatrix", supports: type.elementType, type.elementType.isFloatingPoint)
      guard type.count == 1 else {
        throw OperatorError(.shapeMismatch, "expected one element, got \(type.shape)")
      }
    }
    _ = try scalar(inputs[2]!, "sample_rate")
    guard let bands = try scalar(inputs[0]!, "num_mel_bins"),
      let length = try scalar(inputs[1]!, "dft_length")
    else { return .dependsOnContents }
    guard bands >= 0, length >= 0, length < 1 << 48 else {
      throw OperatorError(
        .invalidValue, "expected numbers of at least 0, got \(bands) and \(length)")
    }
    return .types([try ArrayType(elementType, [length / 2 + 1, bands]).checked()])
  }

  package func evaluate(
    _ inputs: [TensorView?], _ outputs: [MutableTensorView], scratch: UnsafeMutableRawBufferPointer
  ) throws(OperatorError) {
    let (length, rate) = (inputs[1]!.integers[0], inputs[2]!.integers[0])
    guard rate > 0 else {
      throw OperatorError(.invalidValue, "sample_rate: expected at least 1, got \(rate)")
    }
    var edges: [Double] = []
    try computingInFloat(Array(inputs[3...]), []) { (inputs, _) throws(OperatorError) in
      for input in inputs {
        edges.append(
          input!.elementType == .double
            ? input!.start(as: Double.self)[0] : Double(input!.start(as: Float.self)[0]))
      }
    }
    guard edges.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
      throw OperatorError(
        .invalidValue, "edges: expected finite numbers of at least 0, got \(edges)")
    }
    let mels = edges.map { 2595 * log10(1 + $0 / 700) }
    try computingInFloat([], outputs) { (_, outputs) throws(OperatorError) in
      let y = outputs[0]
      fill(y.elementType.numeric, y) { index in
        let mel = mels[0] + Double(index) * (mels[1] - mels[0]) / Double(y.shape[1] + 2)
        let hertz = 700 * (pow(10, mel / 2595) - 1)
        let bin = (Double(length + 1) * hertz / Double(rate)).rounded(.down)
        // Beyond the spectrum, every bin is as good as another; triangles still have their slope.
        return bin.isFinite ? min(max(bin, -0x1p60), 0x1p60) : 0x1p60
      }
    }
  }

  /// - Parameter edge: the bin of the spectrum at which a band's triangle begins, the one of the next
  ///   band at which it peaks, and the one behind that at which it ends.
  private func fill<Element: NumericElement>(
    _ type: Element.Type, _ y: MutableTensorView, _ edge: (Int) -> Double
  ) {
    let (bins, bands) = (y.shape[0], y.shape[1])
    let elements = y.start(as: Element.self)
    elements.update(repeating: .zero, count: y.count)
    for band in 0..<(y.count > 0 ? bands : 0) {
      let (low, centre, high) = (edge(band), edge(band + 1), edge(band + 2))
      let first = Int(min(max(low, 0), Double(bins)))
      let last = Int(min(max(high, centre, 0), Double(bins - 1)))
      for bin in first..<max(first, last + 1) {
        let place = Double(bin)
        let weight: Double? =
          place == centre
          ? 1
          : place < centre
            ? (place - low) / (centre - low)
            : place < high ? (high - place) / (high - centre) : nil
        if let weight { elements[bin * bands + band] = Element(nearest: weight) }
      }
    }
  }
}
