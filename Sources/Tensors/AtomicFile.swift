import Glibc

/// A file that appears whole or not at all: a temporary sibling, synchronised, then renamed.
///
/// Dropping the value without `commit()` removes the temporary.
package struct AtomicFile: ~Copyable {
  package let path: String
  private let temporaryPath: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var isCommitted = false
  /// Bytes written so far.
  package private(set) var byteCount = 0

  private static let suffix = ".XXXXXX"
  private static let bufferCapacity = 1 << 20

  /// Creates the temporary beside `path`.
  ///
  /// - Throws: `FileError` with `.exists` if something stands at `path` and `overwriting` is false,
  ///   `.unwritable` if the folder does not exist or does not take the file.
  package init(path: String, overwriting: Bool) throws(FileError) {
    let (temporaryPath, descriptor) = try Self.createTemporary(
      beside: path, overwriting: overwriting)
    self.path = path
    self.temporaryPath = temporaryPath
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
    if !isCommitted { unlink(temporaryPath) }
  }

  /// Appends `bytes`.
  package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    byteCount += bytes.count
    if bytes.count >= Self.bufferCapacity {
      try flush()
      try writeThrough(bytes)
      return
    }
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.bufferCapacity { try flush() }
  }

  /// Appends `bytes`.
  package mutating func write(_ bytes: [UInt8]) throws(FileError) {
    byteCount += bytes.count
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.bufferCapacity { try flush() }
  }

  /// Synchronises the temporary and renames it to `path`.
  package mutating func commit() throws(FileError) {
    try flush()
    guard fsync(descriptor) == 0 else {
      throw FileError(.unwritable, path: path, "cannot synchronise: \(reason(errno))")
    }
    let destination = String(temporaryPath.dropLast(Self.suffix.count))
    guard rename(temporaryPath, destination) == 0 else {
      throw FileError(.unwritable, path: path, "cannot rename into place: \(reason(errno))")
    }
    isCommitted = true
  }

  /// A link stays a link: the temporary stands beside the file that the link names.
  private static func createTemporary(
    beside path: String, overwriting: Bool
  ) throws(FileError) -> (path: String, descriptor: Int32) {
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists {
      guard overwriting else { throw FileError(.exists, path: path, "already exists") }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileError(.unwritable, path: path, "cannot replace what is not a regular file")
      }
    }
    let target = realpath(path, nil).map { pointer in
      defer { free(pointer) }
      return String(cString: pointer)
    }
    var template = Array(((target ?? path) + suffix).utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else {
      throw FileError(.unwritable, path: path, "cannot create: \(reason(errno))")
    }
    fchmod(descriptor, exists ? status.st_mode & 0o777 : 0o666 & ~currentMask())
    let bytes = template.dropLast().map(UInt8.init(bitPattern:))
    return (String(decoding: bytes, as: UTF8.self), descriptor)
  }

  private mutating func flush() throws(FileError) {
    let pending = buffer
    buffer.removeAll(keepingCapacity: true)
    let failure: FileError? = pending.withUnsafeBytes { bytes in
      do throws(FileError) {
        try writeThrough(bytes)
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  private func writeThrough(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var remaining = bytes
    while !remaining.isEmpty {
      let written = Glibc.write(descriptor, remaining.baseAddress!, remaining.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError(.unwritable, path: path, "cannot write: \(reason(errno))")
      }
      remaining = UnsafeRawBufferPointer(rebasing: remaining[written...])
    }
  }
}

/// The process's file mode creation mask, which can only be read by setting it.
private func currentMask() -> mode_t {
  let mask = umask(0o022)
  umask(mask)
  return mask
}
