import CKernels

/// A window that slides over the spatial axes of an image, as convolution and pooling have.
///
/// One to three spatial axes. Output position o and kernel position k meet input position
/// o · stride + k · dilation - pad; positions outside the input are padding.
package struct Window: Sendable {
  package let input: [Int]
  package let kernel: [Int]
  package let output: [Int]
  package let strides: [Int]
  package let dilations: [Int]
  package let padsBegin: [Int]

  /// Every array has one entry per spatial axis; `output` is what the operator's shape rule gives.
  package init(
    input: [Int], kernel: [Int], output: [Int], strides: [Int], dilations: [Int], padsBegin: [Int]
  ) {
    precondition((1...3).contains(input.count), "expected one to three spatial axes")
    precondition(
      [kernel, output, strides, dilations, padsBegin].allSatisfy { $0.count == input.count },
      "expected one entry per spatial axis")
    self.input = input
    self.kernel = kernel
    self.output = output
    self.strides = strides
    self.dilations = dilations
    self.padsBegin = padsBegin
  }

  package var inputCount: Int { input.reduce(1, *) }
  package var kernelCount: Int { kernel.reduce(1, *) }
  package var outputCount: Int { output.reduce(1, *) }

  /// The output rows: all spatial axes but the last.
  var outputRows: Int { output.dropLast().reduce(1, *) }
  var outputWidth: Int { output[output.count - 1] }

  /// Whether output and input positions are the same, so that the input is its own column matrix.
  var isPointwise: Bool {
    kernelCount == 1 && strides.allSatisfy { $0 == 1 } && padsBegin.allSatisfy { $0 == 0 }
      && input == output
  }

  var cWindow: kernel_window {
    func three(_ values: [Int], _ fill: Int64) -> (Int64, Int64, Int64) {
      let padded = [Int64](repeating: fill, count: 3 - values.count) + values.map(Int64.init)
      return (padded[0], padded[1], padded[2])
    }
    return kernel_window(
      input: three(input, 1), kernel: three(kernel, 1), output: three(output, 1),
      stride: three(strides, 1), dilation: three(dilations, 1), pad: three(padsBegin, 0))
  }
}
