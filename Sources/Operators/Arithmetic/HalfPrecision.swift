import Kernels
import Tensors

/// Calls `body` with inputs of `float16` and `bfloat16` widened to `float`, and outputs of those types
/// replaced by `float` ones that are rounded to nearest afterwards.
func computingInFloat(
  _ inputs: [TensorView?], _ outputs: [MutableTensorView],
  _ body: ([TensorView?], [MutableTensorView]) throws(OperatorError) -> Void
) throws(OperatorError) {
  let halves = inputs.contains { $0?.elementType.isHalf == true }
  guard halves || outputs.contains(where: { $0.elementType.isHalf }) else {
    return try body(inputs, outputs)
  }
  var temporaries: [UnsafeMutableRawPointer] = []
  defer { for temporary in temporaries { temporary.deallocate() } }
  func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    temporaries.append(.allocate(byteCount: max(byteCount, 1), alignment: 64))
    return temporaries[temporaries.count - 1]
  }
  let widened = inputs.map { input -> TensorView? in
    guard let input, input.elementType.isHalf else { return input }
    let packed = allocate(input.count * 2)
    StridedCopy.copy(
      input.bytePointer, strides: input.strides, into: packed, shape: input.shape, elementSize: 2)
    let floats = allocate(input.count * 4)
    let source = UnsafePointer(packed.assumingMemoryBound(to: UInt16.self))
    let target = floats.assumingMemoryBound(to: Float.self)
    if input.elementType == .float16 {
      Conversion.halfToFloat(source, into: target, count: input.count)
    } else {
      Conversion.bfloat16ToFloat(source, into: target, count: input.count)
    }
    return TensorView(.float, Layout(contiguous: input.shape), in: UnsafeRawPointer(floats))
  }
  let wide = outputs.map { output in
    output.elementType.isHalf
      ? MutableTensorView(.float, output.shape, in: allocate(output.count * 4)) : output
  }
  try body(widened, wide)
  for (output, wide) in zip(outputs, wide) where output.elementType.isHalf {
    let source = UnsafePointer(wide.start(as: Float.self))
    if output.elementType == .float16 {
      Conversion.floatToHalf(source, into: output.start(), count: output.count)
    } else {
      Conversion.floatToBFloat16(source, into: output.start(), count: output.count)
    }
  }
}
