package import Tensors

/// A safetensors file: named tensors, and text about them.
///
/// Source: the format's text, https://github.com/huggingface/safetensors. Where the reference
/// reader is laxer than that text (repeated names, a header that does not begin with `{`), this
/// one refuses.
package struct SafetensorsFile: Sendable {
  /// The tensors by their place in the file; they share the mapped file's memory.
  package let tensors: [(name: String, tensor: Tensor)]
  package let metadata: [String: String]
  /// The mapped file; of a checkpoint in several files the index and then its files.
  package let files: [MappedFile]

  static let lengthByteCount = 8
  static let maximumHeaderByteCount = 100_000_000

  /// Maps and checks the file at `path`; no element is read or copied.
  ///
  /// - Throws: `SafetensorsError`, naming the first fault.
  package static func read(path: String) throws(SafetensorsError) -> SafetensorsFile {
    let file: MappedFile
    do throws(FileError) { file = try MappedFile(path: path) } catch {
      throw SafetensorsError(error)
    }
    return try read(file)
  }

  /// Checks `file`, which is mapped no second time; no element is read or copied.
  ///
  /// - Throws: `SafetensorsError`, naming the first fault.
  package static func read(_ file: MappedFile) throws(SafetensorsError) -> SafetensorsFile {
    try decode(file.region, path: file.path, file: file)
  }

  /// Reads the whole file that `region` holds; `path` is for messages.
  static func decode(
    _ region: ByteRegion, path: String, file: MappedFile? = nil
  ) throws(SafetensorsError) -> SafetensorsFile {
    let dataStart = try dataOffset(of: region, path: path)
    let header = try Header(
      unsafe Array(region.bytes[lengthByteCount..<dataStart]), base: lengthByteCount, path: path)
    let dataCount = region.count - dataStart
    var position = 0
    var tensors: [(name: String, tensor: Tensor)] = []
    tensors.reserveCapacity(header.entries.count)
    for entry in header.entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      func fault(_ code: SafetensorsError.Code, _ message: String) -> SafetensorsError {
        SafetensorsError(
          code, path: path, offset: entry.place, "tensor '\(entry.name)': \(message)")
      }
      guard entry.begin == position else {
        throw fault(
          entry.begin < position ? .overlap : .hole,
          "expected its data to begin at \(position), got \(entry.begin)")
      }
      guard let bits = bitCount(of: entry) else {
        throw fault(.shapeOverflow, "the size of shape \(entry.shape) overflows")
      }
      guard bits % 8 == 0 else {
        throw fault(.partialByte, "expected whole bytes, got \(bits) bits")
      }
      guard entry.end >= entry.begin, entry.end - entry.begin == bits / 8 else {
        throw fault(
          .dataSize,
          "expected \(bits / 8) bytes for shape \(entry.shape), got offsets "
            + "[\(entry.begin), \(entry.end)]")
      }
      guard entry.end <= dataCount else {
        throw fault(
          .pastEnd, "expected its data to end by \(dataCount), got \(entry.end)")
      }
      let bytes = ByteRegion(
        region.storage, offset: region.offset + dataStart + entry.begin, count: bits / 8)
      do throws(TensorError) {
        let tensor = try Tensor(entry.elementType, shape: entry.shape, region: bytes)
        tensors.append((entry.name, tensor))
      } catch { throw fault(.dataSize, error.message) }
      position = entry.end
    }
    guard position == dataCount else {
      throw SafetensorsError(
        .hole, path: path, offset: dataStart + position,
        "expected the tensors to fill \(dataCount) bytes, got \(position)")
    }
    return SafetensorsFile(
      tensors: tensors, metadata: header.metadata, files: file.map { [$0] } ?? [])
  }

  /// Where the tensors' bytes begin: the length of the header, checked, and its own eight bytes.
  private static func dataOffset(of region: ByteRegion, path: String)
    throws(SafetensorsError) -> Int
  {
    guard region.count >= lengthByteCount else {
      throw SafetensorsError(
        .tooShort, path: path, offset: region.count,
        "expected \(lengthByteCount) bytes of header length, got \(region.count)")
    }
    let length = unsafe UInt64(
      littleEndian: region.bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(maximumHeaderByteCount) else {
      throw SafetensorsError(
        .headerTooLong, path: path, offset: 0,
        "expected a header of at most \(maximumHeaderByteCount) bytes, got \(length)")
    }
    let (end, overflow) = lengthByteCount.addingReportingOverflow(Int(length))
    guard !overflow, end <= region.count else {
      throw SafetensorsError(
        .headerPastEnd, path: path, offset: 0,
        "expected a header of at most \(region.count - lengthByteCount) bytes, got \(length)")
    }
    return end
  }

  /// The bits of a tensor's elements, multiplied in the order of the shape; `nil` on overflow.
  private static func bitCount(of entry: Header.Entry) -> Int? {
    var count = 1
    for dimension in entry.shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow else { return nil }
      count = product
    }
    let (bits, overflow) = count.multipliedReportingOverflow(by: entry.elementType.bitWidth ?? 0)
    return overflow ? nil : bits
  }
}
