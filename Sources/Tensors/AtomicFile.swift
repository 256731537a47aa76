import Glibc

/// A file that appears whole or not at all.
///
/// It is written without a name and takes its name when it is complete, so that whatever ends the
/// process leaves nothing behind: at most a hidden name, where the end comes while another file is
/// replaced, or where the file system knows no files without a name. What stands at its path stays
/// there until then, and is never changed: who has it open or mapped keeps it.
package struct AtomicFile: ~Copyable {
  private let file: FinishedFile
  private var buffer: [UInt8] = []
  /// Bytes written so far.
  package private(set) var byteCount = 0

  private static let bufferCapacity = 1 << 20

  /// Opens a file that is to stand at `path`.
  ///
  /// A symbolic link stays a link: the file it leads to is replaced. Nothing but a regular file is
  /// ever replaced, so a directory, pipe or device (`/dev/null`) is refused, and so is a link that
  /// leads nowhere.
  ///
  /// - Throws: `FileError` with `.exists` if something stands at `path` and `overwriting` is false,
  ///   `.uncreatable` if no file can be made there.
  package init(path: String, overwriting: Bool) throws(FileError) {
    file = try FinishedFile(path: path, ifPresent: overwriting ? .replace : .refuse)
  }

  /// Opens a file that is to stand at `path` beside another one that refers to it.
  ///
  /// As `init(path:overwriting:)`, but a file with the very same bytes may stand there even if
  /// `overwriting` is false, as a run that was cut off leaves it; this is found out in
  /// `FinishedFile.publish(_:after:)`.
  package init(companion path: String, overwriting: Bool) throws(FileError) {
    file = try FinishedFile(path: path, ifPresent: overwriting ? .replace : .adopt)
  }

  /// Appends `bytes`.
  package mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    byteCount += bytes.count
    if bytes.count >= Self.bufferCapacity {
      try flush()
      try file.append(bytes)
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

  /// Brings all bytes to the disk; the file appears when the result is published.
  ///
  /// - Throws: `FileError` with `.unwritable`.
  package mutating func finish() throws(FileError) -> FinishedFile {
    try flush()
    try file.synchronise()
    return file
  }

  /// Finishes the file and lets it appear.
  ///
  /// - Throws: `FileError`; with `.exists` if something has come to stand there in the meantime.
  package mutating func commit() throws(FileError) { try finish().publish() }

  private mutating func flush() throws(FileError) {
    try buffer.withUnsafeBufferPointer { bytes throws(FileError) in
      try file.append(UnsafeRawBufferPointer(bytes))
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
