package import Tensors

/// How tensors are spread over files, before anything is written.
package struct ShardLayout: Sendable {
  /// The files, that to read first: the index, or the only file.
  package let paths: [String]
  private let files: [(path: String, contents: Contents)]
  /// Where there are several files.
  private let index: [UInt8]?

  private static let suffix = ".safetensors"

  /// Spreads `tensors` in their order over files of at most `maximumByteCount` bytes of elements, or
  /// of one tensor. A single file, if it holds them all, is `path`; else `X.safetensors` gives
  /// `X-00001-of-00003.safetensors` … and an index `X.safetensors.index.json`, the names that the
  /// `transformers` library looks for.
  ///
  /// - Throws: `SafetensorsError` if the format cannot hold a tensor.
  package init(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String], path: String,
    maximumByteCount: Int
  ) throws(SafetensorsError) {
    let groups = Self.split(tensors, maximumByteCount: maximumByteCount)
    guard groups.count > 1 else {
      paths = [path]
      files = [(path, try Contents(tensors, metadata: metadata, path: path))]
      index = nil
      return
    }
    let stem = path.hasSuffix(Self.suffix) ? String(path.dropLast(Self.suffix.count)) : path
    var names: Set<ExactText> = []
    var index = ShardIndex()
    index.metadata = metadata
    index.totalSize = tensors.reduce(0) { $0 + $1.tensor.byteCount }
    var files: [(path: String, contents: Contents)] = []
    for (position, group) in groups.enumerated() {
      let part = "-\(Self.padded(position + 1))-of-\(Self.padded(groups.count))\(Self.suffix)"
      files.append((stem + part, try Contents(group, metadata: [:], path: stem + part)))
      let file = FilePath.name(of: stem + part)
      for (name, _) in group {
        guard names.insert(ExactText(name)).inserted else {
          throw SafetensorsError(
            .duplicateName, path: path, "expected one tensor named '\(name)', got two")
        }
        index.entries.append(ShardIndex.Entry(name: name, file: file, place: 0))
      }
    }
    self.files = files
    self.index = index.json()
    paths = ["\(stem)\(Self.suffix).index.json"] + files.map(\.path)
  }

  /// Bytes of all files.
  package var byteCount: Int {
    files.reduce(index?.count ?? 0) { saturatingSum($0, $1.contents.byteCount) }
  }

  /// Writes the files: they appear together or not at all.
  ///
  /// - Throws: `SafetensorsError`, if a file cannot be written, or stands there already and
  ///   `overwriting` is false.
  package func write(overwriting: Bool) throws(SafetensorsError) {
    do throws(FileError) {
      var finished: [FinishedFile] = []
      for (path, contents) in files {
        var file =
          index == nil
          ? try AtomicFile(path: path, overwriting: overwriting)
          : try AtomicFile(companion: path, overwriting: overwriting)
        try contents.write(to: &file)
        finished.append(try file.finish())
      }
      guard let index else { return try finished[0].publish() }
      var file = try AtomicFile(path: paths[0], overwriting: overwriting)
      try file.write(index)
      try file.finish().publish(after: finished)
    } catch { throw SafetensorsError(error) }
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// Runs of tensors that fit; a larger tensor stands alone.
  private static func split(
    _ tensors: [(name: String, tensor: Tensor)], maximumByteCount: Int
  ) -> [[(name: String, tensor: Tensor)]] {
    var groups: [[(name: String, tensor: Tensor)]] = []
    var room = 0
    for entry in tensors {
      if groups.isEmpty || entry.tensor.byteCount > room {
        groups.append([])
        room = maximumByteCount
      }
      groups[groups.count - 1].append(entry)
      room -= entry.tensor.byteCount
    }
    return groups
  }
}
