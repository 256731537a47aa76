package import Tensors

/// A `.npy` file: one array.
package enum NpyFile {
  /// Maps and checks the array at `path`.
  ///
  /// An array in C order shares the mapped file's memory; one in Fortran order is transposed.
  ///
  /// - Throws: `ArrayFormatError`, naming the first fault.
  package static func read(path: String) throws(ArrayFormatError) -> Tensor {
    let file: MappedFile
    do throws(FileError) { file = try MappedFile(path: path) } catch {
      throw ArrayFormatError(error)
    }
    return try decode(file.region, Origin(path: path))
  }

  /// Writes `tensor` to `path`, in C order.
  ///
  /// - Throws: `ArrayFormatError`; with `.file` and `FileError.Code.exists` if something stands at
  ///   `path` and `overwriting` is false.
  package static func write(_ tensor: Tensor, path: String, overwriting: Bool)
    throws(ArrayFormatError)
  {
    let header = try NpyHeader.encode(tensor, Origin(path: path))
    do throws(FileError) {
      var file = try AtomicFile(path: path, overwriting: overwriting)
      try file.write(header)
      try file.write(tensor.region.bytes)
      try file.commit()
    } catch { throw ArrayFormatError(error) }
  }

  /// The array that the whole of `region` holds.
  static func decode(_ region: ByteRegion, _ origin: Origin) throws(ArrayFormatError) -> Tensor {
    let header = try NpyHeader(region.bytes, origin)
    let dataCount = region.count - header.dataOffset
    guard dataCount == header.dataByteCount else {
      throw ArrayFormatError(
        .dataSize, origin, offset: header.dataOffset,
        "expected \(header.dataByteCount) bytes for \(header.elementType)\(header.shape), "
          + "got \(dataCount)")
    }
    let data = ByteRegion(
      region.storage, offset: region.offset + header.dataOffset, count: dataCount)
    if header.elementType == .bool, let index = data.bytes.firstIndex(where: { $0 > 1 }) {
      throw ArrayFormatError(
        .truthValue, origin, offset: header.dataOffset + index,
        "expected a truth value 0 or 1, got \(data.bytes[index])")
    }
    let isTransposed = header.isFortranOrder && header.shape.count > 1
    do throws(TensorError) {
      return try Tensor(
        header.elementType, shape: header.shape,
        region: isTransposed ? rowMajor(data, header) : data)
    } catch { throw ArrayFormatError(.dataSize, origin, error.message) }
  }

  /// The elements of `data`, which are in Fortran order, in C order.
  private static func rowMajor(_ data: ByteRegion, _ header: NpyHeader) -> ByteRegion {
    let storage = ByteStorage.allocate(byteCount: data.count) { block in
      switch header.elementType.bitWidth {
      case 8: gather(UInt8.self, from: data.bytes, shape: header.shape, into: block)
      case 16: gather(UInt16.self, from: data.bytes, shape: header.shape, into: block)
      case 32: gather(UInt32.self, from: data.bytes, shape: header.shape, into: block)
      default: gather(UInt64.self, from: data.bytes, shape: header.shape, into: block)
      }
    }
    return ByteRegion(storage)
  }

  /// Writes elements in the order in which the last index runs fastest.
  private static func gather<Element: FixedWidthInteger & BitwiseCopyable>(
    _ type: Element.Type, from source: UnsafeRawBufferPointer, shape: [Int],
    into block: UnsafeMutableRawBufferPointer
  ) {
    let width = MemoryLayout<Element>.size
    guard !block.isEmpty else { return }
    var strides = [width]
    for dimension in shape.dropLast() { strides.append(strides.last! * dimension) }
    var index = [Int](repeating: 0, count: shape.count)
    var offset = 0
    let last = shape.count - 1
    for position in stride(from: 0, to: block.count, by: width) {
      block.storeBytes(
        of: source.loadUnaligned(fromByteOffset: offset, as: Element.self),
        toByteOffset: position, as: Element.self)
      var axis = last
      while axis >= 0 {
        index[axis] += 1
        offset += strides[axis]
        if index[axis] < shape[axis] { break }
        offset -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
