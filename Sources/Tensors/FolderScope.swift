/// The folders in which files may lie that another file names: its own, and where its path is a
/// link, as in download caches, that of the file the link leads to.
package struct FolderScope: Sendable {
  /// What stands at a relative path.
  package enum Finding: Sendable, Hashable {
    /// Something inside the folders; its canonical path.
    case inside(String)
    /// Something that links lead to, elsewhere.
    case outside
    /// Nothing.
    case absent
  }

  private let folders: [String]

  /// The scope of the file at `path`.
  package init(around path: String) {
    var folders = [FilePath.folder(of: path)]
    if let real = FilePath.canonical(path) { folders.append(FilePath.folder(of: real)) }
    self.folders = folders
  }

  /// What `location` leads to, links followed: in the first of the folders that has such a file.
  package func find(_ location: String) -> Finding {
    let allowed = folders.compactMap(FilePath.canonical)
    for folder in folders {
      guard let path = FilePath.canonical("\(folder)/\(location)") else { continue }
      let isAllowed = allowed.contains { FilePath.lies(path, in: $0) }
      return isAllowed ? .inside(path) : .outside
    }
    return .absent
  }
}
