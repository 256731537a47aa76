package import Tensors

/// A `.npz` file: a zip archive of `.npy` files, stored or deflated.
package enum NpzFile {
  /// Reads every array of the archive at `path`, in its order; names are without `.npy`.
  ///
  /// Nothing is allocated before an array's own header, the archive's directory and the size of
  /// the whole agree. An archive may unpack to a hundred times its size, or to a gibibyte if that
  /// is more.
  ///
  /// - Throws: `ArrayFormatError`, naming the entry and the first fault.
  package static func read(path: String)
    throws(ArrayFormatError) -> [(name: String, tensor: Tensor)]
  {
    let file: MappedFile
    do throws(FileError) { file = try MappedFile(path: path) } catch {
      throw ArrayFormatError(error)
    }
    return try decode(file.region, path: path)
  }

  /// Reads the whole archive that `region` holds; `path` is for messages.
  static func decode(_ region: ByteRegion, path: String)
    throws(ArrayFormatError) -> [(name: String, tensor: Tensor)]
  {
    let archive = try ZipArchive(region, path: path)
    let entries = try archive.entries()
    try checkSizes(entries, archiveByteCount: region.count, path: path)
    var names: Set<String> = []
    var arrays: [(name: String, tensor: Tensor)] = []
    for entry in entries {
      let origin = Origin(path: path, entry: entry.name)
      guard entry.name.hasSuffix(".npy") else {
        throw ArrayFormatError(.entryName, origin, "expected a name that ends in '.npy'")
      }
      let name = String(entry.name.dropLast(4))
      guard names.insert(name).inserted else {
        throw ArrayFormatError(.entryName, origin, "expected one entry of this name, got two")
      }
      arrays.append((name, try readArray(entry, of: archive, origin)))
    }
    return arrays
  }

  private static func readArray(
    _ entry: ZipArchive.Entry, of archive: borrowing ZipArchive, _ origin: Origin
  ) throws(ArrayFormatError) -> Tensor {
    let prefix = try archive.read(entry, count: min(entry.byteCount, NpyHeader.maximumPrefix))
    let header = try NpyHeader(prefix.bytes, origin)
    guard entry.byteCount - header.dataOffset == header.dataByteCount else {
      throw ArrayFormatError(
        .dataSize, origin, offset: header.dataOffset,
        "expected \(header.dataByteCount) bytes for \(header.elementType)\(header.shape), "
          + "got \(entry.byteCount - header.dataOffset)")
    }
    return try NpyFile.decode(archive.read(entry, count: entry.byteCount), origin)
  }

  /// Refuses entries that share their compressed bytes, and archives that unpack to too much.
  private static func checkSizes(
    _ entries: [ZipArchive.Entry], archiveByteCount: Int, path: String
  ) throws(ArrayFormatError) {
    let origin = Origin(path: path)
    let (scaled, isHuge) = archiveByteCount.multipliedReportingOverflow(by: maximumExpansion)
    let limit = isHuge ? Int.max : max(scaled, minimumLimit)
    var compressed = 0
    var unpacked = 0
    for entry in entries {
      let (compressedSum, compressedOverflow) = compressed.addingReportingOverflow(
        entry.compressedByteCount)
      let (unpackedSum, unpackedOverflow) = unpacked.addingReportingOverflow(entry.byteCount)
      guard !compressedOverflow, compressedSum <= archiveByteCount else {
        throw ArrayFormatError(
          .archive, origin, "expected entries of at most \(archiveByteCount) bytes in all")
      }
      guard !unpackedOverflow, unpackedSum <= limit else {
        throw ArrayFormatError(
          .expansion, origin, "expected the entries to unpack to at most \(limit) bytes")
      }
      compressed = compressedSum
      unpacked = unpackedSum
    }
  }

  private static let maximumExpansion = 100
  private static let minimumLimit = 1 << 30
}
