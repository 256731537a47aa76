import Glibc

/// What stands at a path, links followed.
package enum FileKind: String, Sendable, CustomStringConvertible {
  case file = "a file"
  case folder = "a folder"
  case pipe = "a pipe"
  case socket = "a socket"
  case device = "a device"

  /// - Throws: `FileError` with `.notFound` if nothing stands there, `.unreadable` if that cannot be
  ///   told.
  package init(path: String) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw FileError(opening: path, errno) }
    self.init(mode: status.st_mode)
  }

  init(mode: mode_t) {
    self =
      switch mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      case S_IFIFO: .pipe
      case S_IFSOCK: .socket
      default: .device
      }
  }

  package var description: String { rawValue }
}

extension FileError {
  /// Why nothing can be read at `path`.
  init(opening path: String, _ code: Int32) {
    switch code {
    case ENOENT, ENOTDIR: self.init(.notFound, path: path, "no such file")
    default: self.init(.unreadable, path: path, "cannot open: \(reason(code))")
    }
  }
}

/// Folders, as far as inputs and outputs need them.
package enum Folder {
  /// The names of all that stands in the folder at `path`, sorted by their UTF-8.
  ///
  /// - Throws: `FileError` if the folder cannot be listed.
  package static func names(in path: String) throws(FileError) -> [String] {
    guard let folder = opendir(path) else { throw FileError(opening: path, errno) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Creates a folder at `path`, unless there is one.
  ///
  /// - Throws: `FileError` with `.uncreatable`.
  package static func create(at path: String) throws(FileError) {
    guard mkdir(path, 0o777) != 0 else { return }
    let code = errno
    guard code == EEXIST else {
      throw FileError(.uncreatable, path: path, "cannot create: \(reason(code))")
    }
    let kind = try FileKind(path: path)
    guard kind == .folder else {
      throw FileError(.uncreatable, path: path, "expected a folder, got \(kind)")
    }
  }
}
