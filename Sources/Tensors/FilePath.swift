import Glibc

/// What paths say, byte by byte: a separator is one whatever mark follows it.
package enum FilePath {
  private static let separator = UInt8(ascii: "/")

  /// The folder a path lies in.
  package static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: separator) else { return "." }
    return slash == path.startIndex ? "/" : String(path.utf8[..<slash])!
  }

  /// The last component of a path; empty if there is none.
  package static func name(of path: String) -> String { components(of: path).last ?? "" }

  /// The parts between separators that are not empty.
  package static func components(of path: String) -> [String] {
    path.utf8.split(separator: separator).map { String($0)! }
  }

  /// Whether the path does not start at a folder of its own choice.
  package static func isRelative(_ path: String) -> Bool { path.utf8.first != separator }

  /// Whether `name` can only be that of a file in the folder it is looked for in.
  package static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".."
      && !name.utf8.contains { $0 == separator || $0 == 0 }
  }

  /// Whether `path` lies somewhere below `folder`; both canonical.
  package static func lies(_ path: String, in folder: String) -> Bool {
    let prefix = folder == "/" ? "/" : folder + "/"
    return path.utf8.starts(with: prefix.utf8)
  }

  /// The path without links or dots, if something stands there.
  package static func canonical(_ path: String) -> String? {
    guard let pointer = realpath(path, nil) else { return nil }
    defer { free(pointer) }
    return String(cString: pointer)
  }
}
