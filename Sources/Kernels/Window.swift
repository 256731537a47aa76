import CKernels

/// A window that slides over the spatial axes of an image, as convolution and pooling have.
///
/// Output position o and kernel position k meet input position o · stride + k · dilation - pad;
/// positions outside the input are padding. The C kernels take one to three spatial axes, `forEachRun`
/// any number.
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
    precondition(!input.isEmpty, "expected a spatial axis")
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

  /// Whether the C kernels can walk the window.
  package var hasKernels: Bool { input.count <= 3 }

  /// Calls the body for each run of output positions that meet elements of the input under one kernel
  /// position: the kernel position, where the run starts in the output and in the input and how far
  /// apart its neighbours lie there, and its length.
  ///
  /// Kernel positions come in row-major order; padding is passed over.
  @inline(__always)
  package func forEachRun(
    _ body: (
      _ kernel: Int, _ output: StridedLoop.Place, _ input: StridedLoop.Place, _ count: Int
    ) -> Void
  ) {
    let inputStrides = StridedLoop.contiguousStrides(input)
    let outputStrides = StridedLoop.contiguousStrides(output)
    let steps = input.indices.map { strides[$0] * inputStrides[$0] }
    var place = [Int](repeating: 0, count: kernel.count)
    for position in 0..<kernelCount {
      var (counts, firstOutput, firstInput) = ([Int](), 0, 0)
      for axis in place.indices {
        let offset = place[axis] * dilations[axis] - padsBegin[axis]
        let range = inside(axis, offset: offset)
        counts.append(range.count)
        firstOutput &+= range.lowerBound &* outputStrides[axis]
        firstInput &+= (range.lowerBound &* strides[axis] &+ offset) &* inputStrides[axis]
      }
      StridedLoop(shape: counts, strides: [outputStrides, steps]).forEachRun { places, _, count in
        body(
          position,
          StridedLoop.Place(start: firstOutput + places[0].start, step: places[0].step),
          StridedLoop.Place(start: firstInput + places[1].start, step: places[1].step), count)
      }
      for axis in place.indices.reversed() {
        place[axis] += 1
        if place[axis] < kernel[axis] { break }
        place[axis] = 0
      }
    }
  }

  /// The output positions along an axis that, moved by `offset`, lie inside the input.
  private func inside(_ axis: Int, offset: Int) -> Range<Int> {
    let stride = strides[axis]
    let low = offset < 0 ? (-offset + stride - 1) / stride : 0
    let high = offset < input[axis] ? (input[axis] - 1 - offset) / stride + 1 : 0
    let end = max(0, min(high, output[axis]))
    return min(low, end)..<end
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
