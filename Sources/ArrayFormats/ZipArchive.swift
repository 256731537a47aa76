internal import CZip
internal import Tensors

/// A zip archive in memory, opened for reading.
struct ZipArchive: ~Copyable {
  /// What the archive's directory says of one entry.
  struct Entry {
    var index: UInt64
    var name: String
    var byteCount: Int
    var compressedByteCount: Int
  }

  private let handle: OpaquePointer
  private let region: ByteRegion
  private let path: String

  /// Opens the archive that `region` holds; its directory must agree with its entries.
  init(_ region: ByteRegion, path: String) throws(ArrayFormatError) {
    var failure = zip_error_t()
    zip_error_init(&failure)
    defer { zip_error_fini(&failure) }
    let bytes = region.bytes
    guard !bytes.isEmpty,
      let source = zip_source_buffer_create(bytes.baseAddress, UInt64(bytes.count), 0, &failure)
    else { throw ArrayFormatError(.archive, Origin(path: path), "expected a zip archive") }
    guard let handle = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &failure) else {
      let words = String(cString: zip_error_strerror(&failure)).lowercased()
      zip_source_free(source)
      throw ArrayFormatError(
        .archive, Origin(path: path), "expected a zip archive, got: \(words)")
    }
    self.handle = handle
    self.region = region
    self.path = path
  }

  deinit { zip_discard(handle) }

  /// The entries in the order of the directory.
  func entries() throws(ArrayFormatError) -> [Entry] {
    var entries: [Entry] = []
    let count = zip_get_num_entries(handle, 0)
    for index in 0..<UInt64(max(count, 0)) {
      var status = zip_stat_t()
      zip_stat_init(&status)
      let flags = zip_flags_t(ZIP_FL_ENC_RAW)
      let wanted = UInt64(
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD
          | ZIP_STAT_ENCRYPTION_METHOD)
      guard zip_stat_index(handle, index, flags, &status) == 0, status.valid & wanted == wanted
      else {
        throw ArrayFormatError(
          .archive, Origin(path: path), "entry \(index) is not described in full")
      }
      guard let name = String(validatingCString: status.name) else {
        throw ArrayFormatError(
          .entryName, Origin(path: path), "expected a name in UTF-8 for entry \(index)")
      }
      let origin = Origin(path: path, entry: name)
      guard status.encryption_method == ZIP_EM_NONE else {
        throw ArrayFormatError(.compression, origin, "expected no encryption")
      }
      guard [ZIP_CM_STORE, ZIP_CM_DEFLATE].contains(Int32(status.comp_method)) else {
        throw ArrayFormatError(
          .compression, origin,
          "expected a stored or deflated entry, got method \(status.comp_method)")
      }
      guard let byteCount = Int(exactly: status.size),
        let compressedByteCount = Int(exactly: status.comp_size)
      else {
        throw ArrayFormatError(.archive, origin, "expected a size below 2^63")
      }
      entries.append(
        Entry(
          index: index, name: name, byteCount: byteCount, compressedByteCount: compressedByteCount))
    }
    return entries
  }

  /// The first `count` bytes of `entry`; its end and checksum are verified if that is all of it.
  func read(_ entry: Entry, count: Int) throws(ArrayFormatError) -> ByteRegion {
    let origin = Origin(path: path, entry: entry.name)
    guard let file = zip_fopen_index(handle, entry.index, 0) else {
      throw ArrayFormatError(.archive, origin, "cannot read: \(words(zip_get_error(handle)))")
    }
    defer { zip_fclose(file) }
    var failure: ArrayFormatError?
    let storage = ByteStorage.allocate(byteCount: count) { block in
      var position = 0
      while position < count {
        let got = zip_fread(file, block.baseAddress! + position, UInt64(count - position))
        guard got > 0 else {
          let cause = got < 0 ? words(zip_file_get_error(file)) : "the entry ends early"
          failure = ArrayFormatError(.archive, origin, offset: position, "cannot unpack: \(cause)")
          return
        }
        position += Int(got)
      }
      guard count == entry.byteCount else { return }
      var next: UInt8 = 0
      let got = zip_fread(file, &next, 1)
      if got != 0 {
        let cause = got < 0 ? words(zip_file_get_error(file)) : "the entry does not end in time"
        failure = ArrayFormatError(.archive, origin, offset: count, "cannot unpack: \(cause)")
      }
    }
    if let failure { throw failure }
    return ByteRegion(storage)
  }

  private func words(_ error: UnsafeMutablePointer<zip_error_t>?) -> String {
    guard let error else { return "unknown fault" }
    return String(cString: zip_error_strerror(error)).lowercased()
  }
}
