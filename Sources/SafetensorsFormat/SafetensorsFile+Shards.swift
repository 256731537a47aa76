package import Tensors

extension SafetensorsFile {
  /// Reads a checkpoint in several files, whose index is the file at `path`.
  ///
  /// Tensors come in the order of the index. The files lie beside the index, or where links of both
  /// lead to one other folder; what else they say in their metadata is not kept.
  ///
  /// - Throws: `SafetensorsError`, naming the first fault of the index, of a file, or between them.
  package static func readShards(index path: String) throws(SafetensorsError) -> SafetensorsFile {
    let file: MappedFile
    do throws(FileError) { file = try MappedFile(path: path) } catch {
      throw SafetensorsError(error)
    }
    return try readShards(index: file)
  }

  /// Reads a checkpoint in several files, whose index is `file`.
  ///
  /// - Throws: `SafetensorsError`, naming the first fault of the index, of a file, or between them.
  package static func readShards(
    index file: MappedFile
  ) throws(SafetensorsError) -> SafetensorsFile {
    let path = file.path
    guard file.region.count <= maximumHeaderByteCount else {
      throw SafetensorsError(
        .headerTooLong, path: path,
        "expected an index of at most \(maximumHeaderByteCount) bytes, got \(file.region.count)")
    }
    let index = try ShardIndex(unsafe Array(file.region.bytes), path: path)
    let homes = Dictionary(index.entries.map { (ExactText($0.name), $0.file) }) { first, _ in first
    }
    let scope = FolderScope(around: path)
    var files = [file]
    var found: [ExactText: Tensor] = [:]
    var visited: Set<ExactText> = []
    for entry in index.entries where visited.insert(ExactText(entry.file)).inserted {
      let shard = try read(shard: entry, in: scope, index: path)
      files += shard.files
      for (name, tensor) in shard.tensors {
        guard homes[ExactText(name)] == entry.file else {
          let place = homes[ExactText(name)].map { "in '\($0)'" } ?? "nowhere"
          throw SafetensorsError(
            .unexpectedTensor, path: shard.files[0].path,
            "expected tensor '\(name)' \(place), as the index says, got it here")
        }
        found[ExactText(name)] = tensor
      }
    }
    var tensors: [(name: String, tensor: Tensor)] = []
    for entry in index.entries {
      guard let tensor = found[ExactText(entry.name)] else {
        throw SafetensorsError(
          .missingTensor, path: path, offset: entry.place,
          "expected tensor '\(entry.name)' in '\(entry.file)', which does not hold it")
      }
      tensors.append((entry.name, tensor))
    }
    // Each lies in mapped memory of its own, so that the sum does not overflow.
    let size = tensors.reduce(0) { $0 + $1.tensor.byteCount }
    if let expected = index.totalSize, expected != size {
      throw SafetensorsError(
        .totalSize, path: path, "expected tensors of \(expected) bytes in all, got \(size)")
    }
    return SafetensorsFile(tensors: tensors, metadata: index.metadata, files: files)
  }

  private static func read(
    shard entry: ShardIndex.Entry, in scope: FolderScope, index path: String
  ) throws(SafetensorsError) -> SafetensorsFile {
    switch scope.find(entry.file) {
    case .inside(let file): return try read(path: file)
    case .outside:
      throw SafetensorsError(
        .shardLocation, path: path, offset: entry.place,
        "'\(entry.file)' lies outside the folder of the index")
    case .absent:
      let file = "\(FilePath.folder(of: path))/\(entry.file)"
      throw SafetensorsError(FileError(.notFound, path: file, "no such file"))
    }
  }
}
