import Kernels
import Testing

/// Small integers, so that every sum below is exact in float and the expected equality is exact.
private func integers(_ count: Int, _ seed: Int) -> [Float] {
  (0..<count).map { Float(($0 * 7919 + seed * 31) % 17 - 8) }
}

@Suite struct ConvolutionTests {
  struct Case: Sendable {
    var (batch, inputChannels, outputChannels, groups) = (1, 1, 1, 1)
    var input, kernel, strides, dilations, padsBegin, padsEnd: [Int]

    var window: Window {
      Window(
        input: input, kernel: kernel,
        output: input.indices.map {
          (input[$0] + padsBegin[$0] + padsEnd[$0] - dilations[$0] * (kernel[$0] - 1) - 1)
            / strides[$0] + 1
        }, strides: strides, dilations: dilations, padsBegin: padsBegin)
    }
  }

  static let cases = [
    Case(
      batch: 2, inputChannels: 4, outputChannels: 6, groups: 2, input: [7, 9], kernel: [3, 3],
      strides: [1, 1], dilations: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1]),
    Case(
      batch: 1, inputChannels: 3, outputChannels: 5, groups: 1, input: [11, 10], kernel: [5, 2],
      strides: [2, 3], dilations: [1, 2], padsBegin: [2, 0], padsEnd: [1, 4]),
    Case(
      batch: 2, inputChannels: 3, outputChannels: 6, groups: 3, input: [6, 8], kernel: [3, 3],
      strides: [2, 2], dilations: [1, 1], padsBegin: [0, 1], padsEnd: [1, 0]),
    Case(
      batch: 2, inputChannels: 5, outputChannels: 4, groups: 1, input: [4, 6], kernel: [1, 1],
      strides: [1, 1], dilations: [1, 1], padsBegin: [0, 0], padsEnd: [0, 0]),
    Case(
      batch: 1, inputChannels: 2, outputChannels: 3, groups: 1, input: [20], kernel: [4],
      strides: [3], dilations: [2], padsBegin: [7], padsEnd: [3]),
    Case(
      batch: 1, inputChannels: 2, outputChannels: 2, groups: 1, input: [4, 5, 6],
      kernel: [2, 3, 2], strides: [1, 2, 1], dilations: [2, 1, 1], padsBegin: [1, 1, 0],
      padsEnd: [0, 1, 1]),
    Case(
      batch: 1, inputChannels: 96, outputChannels: 2, groups: 1, input: [40, 40], kernel: [3, 3],
      strides: [1, 1], dilations: [1, 1], padsBegin: [1, 1], padsEnd: [1, 1]),
  ]

  /// The input index under each (output, kernel) position, nil in the padding.
  static func places(_ w: Window) -> [[Int?]] {
    func index(_ flat: Int, _ shape: [Int]) -> [Int] {
      var rest = flat
      return shape.reversed().map { extent in
        defer { rest /= extent }
        return rest % extent
      }.reversed()
    }
    return (0..<w.outputCount).map { o in
      (0..<w.kernelCount).map { k in
        let (o, k) = (index(o, w.output), index(k, w.kernel))
        var flat = 0
        for a in w.input.indices {
          let at = o[a] * w.strides[a] + k[a] * w.dilations[a] - w.padsBegin[a]
          guard (0..<w.input[a]).contains(at) else { return nil }
          flat = flat * w.input[a] + at
        }
        return flat
      }
    }
  }

  @Test(arguments: cases) func agreesWithTheDefinition(_ test: Case) {
    let w = test.window
    let places = Self.places(w)
    let depth = test.inputChannels / test.groups
    let rows = test.outputChannels / test.groups
    let x = integers(test.batch * test.inputChannels * w.inputCount, 1)
    let weights = integers(test.outputChannels * depth * w.kernelCount, 2)
    let bias = integers(test.outputChannels, 3)
    var expected: [Float] = []
    for n in 0..<test.batch {
      for m in 0..<test.outputChannels {
        for place in places {
          var sum = bias[m]
          for c in 0..<depth {
            for (k, at) in place.enumerated() {
              guard let at else { continue }
              let channel = n * test.inputChannels + m / rows * depth + c
              sum += weights[(m * depth + c) * w.kernelCount + k] * x[channel * w.inputCount + at]
            }
          }
          expected.append(max(sum, 0))
        }
      }
    }
    let convolution = Convolution(
      batch: test.batch, inputChannels: test.inputChannels, outputChannels: test.outputChannels,
      groups: test.groups, window: w)
    var scratch = [Float](repeating: .nan, count: max(1, convolution.scratchCount))
    var y = [Float](repeating: .nan, count: expected.count)
    bias.withUnsafeBufferPointer {
      convolution.apply(
        x, weights: weights, into: &y,
        epilogue: Epilogue(rowBias: $0.baseAddress, activation: .relu), scratch: &scratch)
    }
    #expect(y == expected)
  }

  @Test(arguments: cases) func transposedScattersWhatConvolutionGathers(_ test: Case) {
    let w = test.window
    let places = Self.places(w)
    let (inputs, outputs) = (test.outputChannels, test.inputChannels)
    let channels = outputs / test.groups
    let x = integers(test.batch * inputs * w.outputCount, 4)
    let weights = integers(inputs * channels * w.kernelCount, 5)
    let bias = integers(outputs, 6)
    var expected = (0..<test.batch * outputs * w.inputCount).map {
      bias[$0 / w.inputCount % outputs]
    }
    for n in 0..<test.batch {
      for i in 0..<inputs {
        for c in 0..<channels {
          let out = n * outputs + i / (inputs / test.groups) * channels + c
          for (o, place) in places.enumerated() {
            for (k, at) in place.enumerated() {
              guard let at else { continue }
              expected[out * w.inputCount + at] +=
                x[(n * inputs + i) * w.outputCount + o]
                * weights[(i * channels + c) * w.kernelCount + k]
            }
          }
        }
      }
    }
    let transposed = TransposedConvolution(
      batch: test.batch, inputChannels: inputs, outputChannels: outputs, groups: test.groups,
      window: w)
    var scratch = [Float](repeating: .nan, count: transposed.scratchCount)
    var y = [Float](repeating: .nan, count: expected.count)
    transposed.apply(x, weights: weights, bias: bias, into: &y, scratch: &scratch)
    #expect(y == expected)
  }

  @Test(arguments: cases) func poolingAgreesWithTheDefinition(_ test: Case) {
    let w = test.window
    let places = Self.places(w)
    let x = integers(2 * w.inputCount, 7)
    var (largest, average) = ([Float](), [Float]())
    for plane in 0..<2 {
      for place in places {
        let values = place.compactMap { $0 }.map { x[plane * w.inputCount + $0] }
        largest.append(values.max() ?? -.infinity)
        average.append(values.reduce(0, +) / Float(values.count))
      }
    }
    var y = [Float](repeating: .nan, count: largest.count)
    Pooling.maximum(x, into: &y, planes: 2, window: w)
    #expect(y == largest)
    Pooling.average(x, into: &y, planes: 2, window: w, countsPadding: false, padsEnd: test.padsEnd)
    #expect(zip(y, average).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) })
  }
}
