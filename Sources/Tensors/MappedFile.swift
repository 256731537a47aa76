import Glibc

/// A regular file mapped read-only.
package struct MappedFile: Sendable {
  package let path: String
  package let region: ByteRegion

  /// Maps the whole of the regular file at `path`; an empty file gives an empty region.
  ///
  /// The file may be replaced meanwhile, for its bytes stay; who cuts it short ends the process by
  /// `SIGBUS`.
  ///
  /// - Throws: `FileError`; never blocks on a pipe or device.
  package init(path: String) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileError(opening: path, errno) }
    try self.init(descriptor: descriptor, path: path)
  }

  /// Maps the whole of a regular file that is open for reading, and closes `descriptor`.
  ///
  /// - Throws: `FileError`, which calls the file `path`.
  package init(descriptor: Int32, path: String) throws(FileError) {
    self.path = path
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw FileError(.unreadable, path: path, "cannot examine: \(reason(errno))")
    }
    let kind = FileKind(mode: status.st_mode)
    guard kind == .file else {
      throw FileError(.notRegularFile, path: path, "expected a file, got \(kind)")
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      region = ByteRegion(copying: [])
      return
    }
    guard let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      address != MAP_FAILED
    else { throw FileError(.unreadable, path: path, "cannot map: \(reason(errno))") }
    region = ByteRegion(
      ByteStorage(owning: UnsafeRawBufferPointer(start: address, count: count)) { bytes in
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count)
      })
  }
}

/// The system's words for an error number.
func reason(_ code: Int32) -> String { String(cString: strerror(code)).lowercased() }
