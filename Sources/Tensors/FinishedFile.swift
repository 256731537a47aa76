import Glibc

/// A file with all its bytes that does not yet stand at its path; dropped, it is gone.
package final class FinishedFile {
  /// What to do about a file that stands at the path already.
  enum Presence {
    case refuse
    /// Leave it if it holds the same bytes, else refuse.
    case adopt
    case replace
  }

  package let path: String
  /// Where the file will stand: `path`, or what the link there leads to.
  private let target: String
  private let ifPresent: Presence
  private let descriptor: Int32
  /// The hidden name it has meanwhile, on file systems that know no files without a name.
  private var sibling: String?

  /// Creates the file, empty, in the folder of `path`.
  init(path: String, ifPresent: Presence) throws(FileError) {
    guard !path.isEmpty else {
      throw FileError(.uncreatable, path: path, "expected a path, got none")
    }
    guard !path.utf8.contains(0) else {
      throw FileError(.uncreatable, path: path, "expected a path, got one with a NUL")
    }
    let standing = try Self.status(at: path)
    if let standing {
      let kind = FileKind(mode: standing.st_mode)
      guard kind == .file else {
        throw FileError(.uncreatable, path: path, "cannot replace \(kind)")
      }
      guard ifPresent != .refuse else {
        throw FileError(.exists, path: path, "already exists")
      }
    }
    guard path.utf8.last != UInt8(ascii: "/") else {
      throw FileError(.uncreatable, path: path, "expected the path of a file, got a folder's")
    }
    let target = standing == nil ? path : FilePath.canonical(path) ?? path
    let mode = standing.map { $0.st_mode & 0o777 }
    let folder = FilePath.folder(of: target)
    var (descriptor, sibling): (Int32, String?) = (Self.createNameless(in: folder), nil)
    if descriptor < 0 { (descriptor, sibling) = Self.createSibling(in: folder) }
    guard descriptor >= 0 else {
      throw FileError(.uncreatable, path: path, "cannot create: \(reason(errno))")
    }
    if let mode { fchmod(descriptor, mode) }
    self.path = path
    self.target = target
    self.ifPresent = ifPresent
    self.descriptor = descriptor
    self.sibling = sibling
  }

  deinit {
    close(descriptor)
    if let sibling { unlink(sibling) }
  }

  func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var remaining = bytes
    while let address = remaining.baseAddress, !remaining.isEmpty {
      let written = write(descriptor, address, remaining.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError(.unwritable, path: path, "cannot write: \(reason(errno))")
      }
      remaining = UnsafeRawBufferPointer(rebasing: remaining[written...])
    }
  }

  func synchronise() throws(FileError) {
    guard fsync(descriptor) == 0 else {
      throw FileError(.unwritable, path: path, "cannot synchronise: \(reason(errno))")
    }
  }

  // MARK: Appearing

  /// Lets the file appear, and `companions` that it refers to before it.
  ///
  /// A cut at any moment leaves at `path` the old file with its old companions, nothing, or the new
  /// file with its new companions; never one with the companions of the other. For that
  ///
  /// 1. companions that stand there with the same bytes are left alone,
  /// 2. if any other companion would be replaced, the old file goes first,
  /// 3. the companions appear, and last the file itself,
  ///
  /// each step being on the disk before the next one begins. A cut within 3 may leave companions
  /// that nothing refers to; the next run adopts or replaces them.
  ///
  /// - Throws: `FileError`; with `.exists` if something stands at a path and must not be replaced.
  package func publish(after companions: [FinishedFile] = []) throws(FileError) {
    var appearing: [FinishedFile] = []
    var isReplacing = false
    for companion in companions {
      let isPresent = try Self.status(at: companion.target) != nil
      if isPresent, companion.ifPresent != .refuse, try companion.standsThere() { continue }
      guard !isPresent || companion.ifPresent == .replace else {
        throw FileError(.exists, path: companion.path, "already exists")
      }
      isReplacing = isReplacing || isPresent
      appearing.append(companion)
    }
    let isTaken = try Self.status(at: target) != nil
    guard !isTaken || ifPresent == .replace else {
      throw FileError(.exists, path: path, "already exists")
    }
    if isReplacing, isTaken {
      guard unlink(target) == 0 || errno == ENOENT else {
        throw FileError(.unwritable, path: path, "cannot remove: \(reason(errno))")
      }
      try synchroniseFolder()
    }
    for companion in appearing { try companion.appear() }
    for companion in appearing { try companion.synchroniseFolder() }
    try appear()
    try synchroniseFolder()
  }

  /// Takes the place at `target` in one step.
  private func appear() throws(FileError) {
    if sibling == nil {
      if Self.link(descriptor, target) { return }
      guard errno == EEXIST, ifPresent == .replace else { throw placementFault() }
      // Only a rename replaces, and only what has a name can be renamed.
      sibling = try linkSibling()
    }
    guard let sibling else { return }
    guard ifPresent == .replace ? rename(sibling, target) == 0 : Self.move(sibling, target) else {
      throw placementFault()
    }
    self.sibling = nil
  }

  private func placementFault() -> FileError {
    errno == EEXIST
      ? FileError(.exists, path: path, "already exists")
      : FileError(.unwritable, path: path, "cannot put into place: \(reason(errno))")
  }

  /// Whether the file at the target has the same bytes as this one.
  private func standsThere() throws(FileError) -> Bool {
    var (ours, theirs) = (stat(), stat())
    guard fstat(descriptor, &ours) == 0, stat(target, &theirs) == 0, ours.st_size == theirs.st_size
    else { return false }
    let standing = try MappedFile(path: target).region
    return try MappedFile(path: Self.magicLink(descriptor)).region.hasSameBytes(as: standing)
  }

  /// Brings the folder's entries to the disk, where the folder may be read and its file system can.
  private func synchroniseFolder() throws(FileError) {
    let folder = open(FilePath.folder(of: target), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    defer { close(folder) }
    guard fsync(folder) == 0 || errno == EINVAL else {
      throw FileError(.unwritable, path: path, "cannot synchronise its folder: \(reason(errno))")
    }
  }
}

// MARK: Names

extension FinishedFile {
  /// What stands at `path`, links followed.
  private static func status(at path: String) throws(FileError) -> stat? {
    var status = stat()
    if stat(path, &status) == 0 { return status }
    guard errno == ENOENT else {
      throw FileError(.uncreatable, path: path, "cannot create: \(reason(errno))")
    }
    guard lstat(path, &status) != 0 else {
      throw FileError(.uncreatable, path: path, "cannot replace a link that leads nowhere")
    }
    return nil
  }

  /// A descriptor of a new file without a name, or a negative number where there are none such.
  private static func createNameless(in folder: String) -> Int32 {
    let descriptor = open(folder, namelessFile | O_RDWR | O_CLOEXEC, 0o666)
    guard descriptor >= 0, access(magicLink(descriptor), F_OK) != 0 else { return descriptor }
    close(descriptor)
    return -1
  }

  private static func createSibling(in folder: String) -> (descriptor: Int32, path: String?) {
    while true {
      let path = siblingPath(in: folder)
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (descriptor, path) }
      guard errno == EEXIST else { return (descriptor, nil) }
    }
  }

  /// Gives the file behind `descriptor` the name `path`, unless something stands there.
  private static func link(_ descriptor: Int32, _ path: String) -> Bool {
    linkat(AT_FDCWD, magicLink(descriptor), AT_FDCWD, path, followingLinks) == 0
  }

  /// Renames a file, unless something stands at `target`; where there are no hard links that is
  /// only looked for just before.
  private static func move(_ path: String, _ target: String) -> Bool {
    if Glibc.link(path, target) == 0 {
      unlink(path)
      return true
    }
    guard errno == EPERM || errno == EOPNOTSUPP else { return false }
    guard access(target, F_OK) != 0 else {
      errno = EEXIST
      return false
    }
    return rename(path, target) == 0
  }

  /// Gives the file a hidden name in its folder.
  private func linkSibling() throws(FileError) -> String {
    while true {
      let path = Self.siblingPath(in: FilePath.folder(of: target))
      if Self.link(descriptor, path) { return path }
      guard errno == EEXIST else { throw placementFault() }
    }
  }

  /// A name that nobody has, whatever the length of the file's own.
  private static func siblingPath(in folder: String) -> String {
    "\(folder)/.rba-convert-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
  }

  /// The link by which Linux lets a process name its open files.
  private static func magicLink(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }
}

/// `O_TMPFILE` and `AT_SYMLINK_FOLLOW` of Linux, which Glibc's module leaves out.
private let namelessFile = 0o20_000_000 | O_DIRECTORY
private let followingLinks: Int32 = 0x400
