import Kernels
import Operators
import Tensors

extension Place {
  /// Bytes that packing copies, out of a tensor that is the buffer.
  var packedByteCount: Int {
    if case .constant(let tensor) = buffer, isWhole(tensor) { 0 } else { type.byteCount }
  }

  /// The whole buffer, packed.
  static func whole(_ buffer: Buffer, _ type: ArrayType) -> Place {
    Place(
      buffer: buffer, elementType: type.elementType, layout: Layout(contiguous: type.shape))
  }

  /// A value that only the run tells anything of.
  static func untyped(_ buffer: Buffer) -> Place {
    Place(buffer: buffer, elementType: .undefined, layout: Layout(contiguous: []))
  }

  private func isWhole(_ tensor: Tensor) -> Bool {
    layout.isContiguous && layout.offset == 0 && layout.count == tensor.count
  }

  /// The elements out of the tensor that is the buffer, packed; the tensor itself where that suffices.
  func packed(from tensor: Tensor) -> Tensor {
    if isWhole(tensor) { return tensor.reshaped(layout.shape) }
    let base = tensor.region.bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!
    return packed(at: base)
  }

  /// A tensor of the elements, read from a buffer at `base`.
  func packed(at base: UnsafeRawPointer) -> Tensor {
    let storage = ByteStorage.allocate(byteCount: type.byteCount) { bytes in
      if let target = bytes.baseAddress { copy(from: base, to: target) }
    }
    do {
      return try Tensor(elementType, shape: layout.shape, region: ByteRegion(storage))
    } catch { preconditionFailure(error.message) }
  }

  /// Packs the elements, read from a buffer at `base`.
  func copy(from base: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
    guard layout.count > 0 else { return }
    let view = TensorView(elementType, layout, in: base)
    if layout.isContiguous {
      target.copyMemory(from: view.bytePointer, byteCount: type.byteCount)
    } else {
      StridedCopy.copy(
        view.bytePointer, strides: layout.strides, into: target, shape: layout.shape,
        elementSize: (elementType.bitWidth ?? 8) / 8)
    }
  }
}
