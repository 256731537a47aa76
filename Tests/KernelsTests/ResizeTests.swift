import Kernels
import Testing

@Suite struct ResizeTests {
  struct Case: Sendable {
    let count: Int
    let interpolation: Resize<Float>.Interpolation
    let transformation: Resize<Float>.CoordinateTransformation
    let antialias: Bool
    let excludeOutside: Bool
    let expected: [Float]

    init(
      _ count: Int, _ interpolation: Resize<Float>.Interpolation,
      _ transformation: Resize<Float>.CoordinateTransformation, _ antialias: Bool,
      _ excludeOutside: Bool,
      _ expected: [Float]
    ) {
      self.count = count
      self.interpolation = interpolation
      self.transformation = transformation
      self.antialias = antialias
      self.excludeOutside = excludeOutside
      self.expected = expected
    }
  }

  /// What the ONNX reference evaluator 1.23 gives for [3, -1, 4, 1, -5, 9, 2].
  static let cases: [Case] = [
    Case(4, .linear, .halfPixel, false, false, [1.5, 3.625, -4.25, 4.625]),
    Case(
      4, .cubic(coefficient: -0.5), .halfPixel, false, false,
      [1.397461, 4.02832, -5.186523, 5.035156]),
    Case(
      4, .cubic(coefficient: -0.75), .halfPixel, false, true,
      [1.404312, 4.106934, -5.408691, 5.104268]),
    Case(4, .linear, .halfPixel, true, false, [1.541667, 2.16, -0.52, 4.333333]),
    Case(
      4, .cubic(coefficient: -0.75), .halfPixel, true, false,
      [1.38105, 1.968052, -0.6320803, 4.891961]),
    Case(
      11, .linear, .halfPixel, false, false,
      [3, 1.181818, -0.5454546, 2.636364, 2.909091, 1, -2.818182, -1.181818, 7.727273, 5.181818, 2]),
    Case(
      11, .cubic(coefficient: -0.5), .halfPixel, false, false,
      [
        3.243426, 0.945154, -0.8534943, 2.969947, 3.624342, 1, -4.164538, -2.056349, 8.441022,
        5.89181, 1.574006,
      ]),
    Case(
      11, .cubic(coefficient: -0.75), .halfPixel, false, true,
      [
        3.433734, 0.9860148, -0.8384673, 2.911345, 3.887307, 1, -4.648389, -1.862511, 8.324566,
        5.927359, 1.240966,
      ]),
    Case(
      11, .linear, .halfPixel, true, false,
      [3, 1.181818, -0.5454546, 2.636364, 2.909091, 1, -2.818182, -1.181818, 7.727273, 5.181818, 2]),
    Case(
      11, .cubic(coefficient: -0.75), .halfPixel, true, false,
      [
        3.365139, 0.7817441, -0.8384674, 2.911345, 3.887301, 1, -4.648382, -1.862506, 8.324566,
        6.32569, 1.361007,
      ]),
    Case(
      14, .nearest(.preferFloor), .asymmetric, false, false,
      [3, 3, -1, -1, 4, 4, 1, 1, -5, -5, 9, 9, 2, 2]),
    Case(
      14, .nearest(.preferCeil), .asymmetric, false, false,
      [3, -1, -1, 4, 4, 1, 1, -5, -5, 9, 9, 2, 2, 2]),
    Case(
      14, .nearest(.floor), .asymmetric, false, false,
      [3, 3, -1, -1, 4, 4, 1, 1, -5, -5, 9, 9, 2, 2]),
    Case(
      14, .nearest(.ceil), .asymmetric, false, false,
      [3, -1, -1, 4, 4, 1, 1, -5, -5, 9, 9, 2, 2, 2]),
    Case(4, .linear, .halfPixelSymmetric, false, false, [1.5, 3.625, -4.25, 4.625]),
    Case(
      4, .cubic(coefficient: -0.5), .halfPixelSymmetric, false, false,
      [1.397461, 4.02832, -5.186523, 5.035156]),
    Case(
      4, .cubic(coefficient: -0.75), .halfPixelSymmetric, false, true,
      [1.404312, 4.106934, -5.408691, 5.104268]),
    Case(
      11, .linear, .halfPixelSymmetric, false, false,
      [3, 1.181818, -0.5454546, 2.636364, 2.909091, 1, -2.818182, -1.181818, 7.727273, 5.181818, 2]),
    Case(
      11, .cubic(coefficient: -0.5), .halfPixelSymmetric, false, false,
      [
        3.243426, 0.945154, -0.8534943, 2.969947, 3.624342, 1, -4.164538, -2.056349, 8.441022,
        5.89181, 1.574006,
      ]),
    Case(
      11, .cubic(coefficient: -0.75), .halfPixelSymmetric, false, true,
      [
        3.433734, 0.9860148, -0.8384673, 2.911345, 3.887307, 1, -4.648389, -1.862511, 8.324566,
        5.927359, 1.240966,
      ]),
    Case(4, .linear, .pytorchHalfPixel, false, false, [1.5, 3.625, -4.25, 4.625]),
    Case(
      4, .cubic(coefficient: -0.5), .pytorchHalfPixel, false, false,
      [1.397461, 4.02832, -5.186523, 5.035156]),
    Case(
      4, .cubic(coefficient: -0.75), .pytorchHalfPixel, false, true,
      [1.404312, 4.106934, -5.408691, 5.104268]),
    Case(
      11, .linear, .pytorchHalfPixel, false, false,
      [3, 1.181818, -0.5454546, 2.636364, 2.909091, 1, -2.818182, -1.181818, 7.727273, 5.181818, 2]),
    Case(
      11, .cubic(coefficient: -0.5), .pytorchHalfPixel, false, false,
      [
        3.243426, 0.945154, -0.8534943, 2.969947, 3.624342, 1, -4.164538, -2.056349, 8.441022,
        5.89181, 1.574006,
      ]),
    Case(
      11, .cubic(coefficient: -0.75), .pytorchHalfPixel, false, true,
      [
        3.433734, 0.9860148, -0.8384673, 2.911345, 3.887307, 1, -4.648389, -1.862511, 8.324566,
        5.927359, 1.240966,
      ]),
    Case(4, .linear, .alignCorners, false, false, [3, 4, -5, 2]),
    Case(4, .cubic(coefficient: -0.5), .alignCorners, false, false, [3, 4, -5, 2]),
    Case(4, .cubic(coefficient: -0.75), .alignCorners, false, true, [3, 4, -5, 2]),
    Case(
      11, .linear, .alignCorners, false, false,
      [3, 0.6, -2.220446e-16, 3, 2.8, 1, -2.6, -2.2, 6.2, 6.2, 2]),
    Case(
      11, .cubic(coefficient: -0.5), .alignCorners, false, false,
      [3, 0.1439995, -0.4480005, 3.367999, 3.52, 1, -3.896001, -3.144, 7.223999, 7.375999, 2]),
    Case(
      11, .cubic(coefficient: -0.75), .alignCorners, false, true,
      [3, 0.2126863, -0.4319995, 3.312, 3.808003, 1, -4.400003, -2.943999, 7.063998, 7.406717, 2]),
    Case(4, .linear, .asymmetric, false, false, [3, 2.75, -2, 7.25]),
    Case(4, .cubic(coefficient: -0.5), .asymmetric, false, false, [3, 3.101562, -3.0625, 8.5625]),
    Case(
      4, .cubic(coefficient: -0.75), .asymmetric, false, true, [3, 3.042969, -3.59375, 8.656604]),
    Case(
      11, .linear, .asymmetric, false, false,
      [
        3, 0.4545455, 0.3636364, 3.545455, 2.363636, -0.09090909, -3.909091, 1.363636, 8.363636,
        3.909091, 2,
      ]),
    Case(
      11, .cubic(coefficient: -0.5), .asymmetric, false, false,
      [
        3, -0.03981936, -0.06912082, 3.81217, 3.01728, -0.1788139, -5.085649, 1.194591, 9.12622,
        3.972202, 1.484598,
      ]),
    Case(
      11, .cubic(coefficient: -0.75), .asymmetric, false, true,
      [
        3, 0.02685485, -0.06010607, 3.776484, 3.377912, -0.5067639, -5.389933, 1.267844, 9.230111,
        4.092883, 0.8145151,
      ]),
    Case(
      4, .linear, .tfCropAndResize(start: 0.2, end: 0.9), false, false,
      [2.384186e-07, 2.2, -5, 6.2]),
    Case(
      4, .cubic(coefficient: -0.5), .tfCropAndResize(start: 0.2, end: 0.9), false, false,
      [-0.4480002, 2.8, -5, 7.375999]),
    Case(
      4, .cubic(coefficient: -0.75), .tfCropAndResize(start: 0.2, end: 0.9), false, true,
      [-0.4319989, 3.172001, -5, 7.406717]),
    Case(
      11, .linear, .tfCropAndResize(start: 0.2, end: 0.9), false, false,
      [2.384186e-07, 2.1, 3.88, 2.62, 1.36, -0.8000001, -3.32, -3.04, 2.84, 8.719999, 6.2]),
    Case(
      11, .cubic(coefficient: -0.5), .tfCropAndResize(start: 0.2, end: 0.9), false, false,
      [
        -0.4480002, 2.281413, 4.029761, 3.327939, 1.55008, -1.209498, -4.686849, -3.898453,
        3.204672, 8.917764, 7.375999,
      ]),
    Case(
      11, .cubic(coefficient: -0.75), .tfCropAndResize(start: 0.2, end: 0.9), false, true,
      [
        -0.4319989, 2.230758, 4.051647, 3.652101, 1.765503, -1.666249, -5.104159, -3.720862,
        3.180032, 8.884937, 7.406717,
      ]),
  ]

  /// Coordinates below 7 carry an error of a few 2^-22, and neighbours differ by at most 14.
  @Test(arguments: cases) func agreesWithTheReferenceEvaluator(_ test: Case) {
    let x: [Float] = [3, -1, 4, 1, -5, 9, 2]
    let resize = Resize<Float>(
      length: 7, outputLength: test.count, scale: Float(test.count) / 7,
      interpolation: test.interpolation, transformation: test.transformation,
      antialias: test.antialias, excludeOutside: test.excludeOutside)
    var y = [Float](repeating: .nan, count: test.count)
    resize.apply(x, into: &y, outer: 1, inner: 1)
    #expect(zip(y, test.expected).allSatisfy { abs($0 - $1) <= 4e-5 }, "\(y)")
  }
}
