package import Tensors

extension ElementType {
  /// Whether several elements share a byte, the first one in its low bits.
  package var isPacked: Bool {
    switch self {
    case .int2, .uint2, .int4, .uint4, .float4e2m1: true
    default: false
    }
  }

  /// The type of bytes that hold one packed element each: its number, or the code of a float.
  var unpacked: ElementType {
    switch self {
    case .int2, .int4: .int8
    case .uint2, .uint4, .float4e2m1: .uint8
    default: self
    }
  }
}

/// Calls `body` with packed inputs spread to one element a byte, and packed outputs replaced by such
/// bytes, whose low bits are packed afterwards.
///
/// Packed inputs are contiguous. Beside the inputs and outputs, `unpackedByteCount` bytes are taken.
func unpackingElements(
  _ inputs: [TensorView?], _ outputs: [MutableTensorView],
  _ body: ([TensorView?], [MutableTensorView]) throws(OperatorError) -> Void
) throws(OperatorError) {
  guard
    inputs.contains(where: { $0?.elementType.isPacked == true })
      || outputs.contains(where: { $0.elementType.isPacked })
  else { return try body(inputs, outputs) }
  var temporaries: [UnsafeMutableRawPointer] = []
  defer { for temporary in temporaries { temporary.deallocate() } }
  func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    temporaries.append(.allocate(byteCount: max(byteCount, 1), alignment: 64))
    return temporaries[temporaries.count - 1]
  }
  let spread = inputs.map { input -> TensorView? in
    guard let input, input.elementType.isPacked else { return input }
    let bytes = allocate(input.count)
    unpack(
      input.buffer, input.elementType, into: bytes.assumingMemoryBound(to: UInt8.self),
      count: input.count)
    return TensorView(
      input.elementType.unpacked, Layout(contiguous: input.shape), in: UnsafeRawPointer(bytes))
  }
  let targets = outputs.map { output in
    output.elementType.isPacked
      ? MutableTensorView(output.elementType.unpacked, output.shape, in: allocate(output.count))
      : output
  }
  try body(spread, targets)
  for (output, target) in zip(outputs, targets) where output.elementType.isPacked {
    pack(target.start(), output.elementType, into: output.start(), count: output.count)
  }
}

/// The bytes that `unpackingElements` takes for tensors of these types.
func unpackedByteCount(_ types: [ArrayType]) -> Int {
  types.reduce(0) { saturatingSum($0, $1.elementType.isPacked ? $1.count : 0) }
}

/// Spreads `count` elements to one a byte; those with a sign are extended.
private func unpack(
  _ x: UnsafeRawPointer, _ type: ElementType, into y: UnsafeMutablePointer<UInt8>, count: Int
) {
  let source = x.assumingMemoryBound(to: UInt8.self)
  let bits = type.bitWidth ?? 8
  let perByte = 8 / bits
  let mask = UInt8(1 << bits - 1)
  let sign: UInt8 = type.unpacked == .int8 ? 1 << UInt8(bits - 1) : 0
  for place in 0..<perByte {
    let shift = UInt8(place * bits)
    var (i, byte) = (place, 0)
    while i < count {
      y[i] = ((source[byte] >> shift) & mask ^ sign) &- sign
      i += perByte
      byte += 1
    }
  }
}

/// Packs the low bits of `count` bytes; bits behind the last element are zero.
private func pack(
  _ x: UnsafePointer<UInt8>, _ type: ElementType, into y: UnsafeMutablePointer<UInt8>, count: Int
) {
  let bits = type.bitWidth ?? 8
  let perByte = 8 / bits
  let mask = UInt8(1 << bits - 1)
  var start = 0
  var byte = 0
  while start < count {
    var value: UInt8 = 0
    for place in 0..<min(perByte, count - start) {
      value |= (x[start + place] & mask) << UInt8(place * bits)
    }
    y[byte] = value
    start += perByte
    byte += 1
  }
}
