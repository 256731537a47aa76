import Glibc
import GraphIR
import Tensors

/// Where the entries of external data lead.
struct ExternalLocation {
  /// As the model has it: relative, and never out of the folder it is relative to.
  let path: String
  let offset: Int

  private static let keys: Set<String> = ["location", "offset", "length", "checksum", "basepath"]

  /// What `entries` say of a tensor of `byteCount` bytes.
  ///
  /// - Throws: `FormatError` if entries are unknown, repeated, missing or malformed.
  init(_ entries: [MetadataEntry], byteCount: Int) throws(FormatError) {
    var values: [String: String] = [:]
    for entry in entries {
      let key = entry.key ?? ""
      guard Self.keys.contains(key) else {
        throw FormatError(.externalEntry, "external data has no entry called '\(key.shown)'")
      }
      guard values.updateValue(entry.value ?? "", forKey: key) == nil else {
        throw FormatError(.externalEntry, "external data has the entry '\(key)' twice")
      }
    }
    guard let path = values["location"] else {
      throw FormatError(.externalEntry, "external data without a location")
    }
    offset = try Self.number(values["offset"], "offset") ?? 0
    let length = try Self.number(values["length"], "length") ?? byteCount
    guard length == byteCount else {
      throw FormatError(
        .dataSize, "expected \(byteCount) bytes of external data, got a length of \(length)")
    }
    guard Self.isRelative(path) else {
      throw FormatError(
        .externalLocation, "expected a relative path to external data, got '\(path.shown)'")
    }
    guard Self.staysInside(path) else {
      throw FormatError(
        .externalLocation, "external data '\(path.shown)' lies outside the model's folder")
    }
    self.path = path
  }

  private static func number(_ text: String?, _ key: String) throws(FormatError) -> Int? {
    guard let text else { return nil }
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(text) else {
      throw FormatError(
        .externalEntry, "expected a decimal \(key) of external data, got '\(text.shown)'")
    }
    return value
  }

  private static func isRelative(_ path: String) -> Bool {
    // What onnxruntime takes for an address in its own memory is no path.
    !path.isEmpty && FilePath.isRelative(path) && !path.utf8.contains(0)
      && !path.contains("_ORT_MEM_ADDR_")
  }

  private static func staysInside(_ path: String) -> Bool {
    var depth = 0
    for component in FilePath.components(of: path) {
      switch component {
      case ".": continue
      case "..": depth -= 1
      default: depth += 1
      }
      if depth < 0 { return false }
    }
    return true
  }
}

/// Finds the bytes of tensors that lie outside the model file, and only where they may lie.
///
/// The file a location leads to, links followed, must lie in the folder of the model, in that of
/// the file the model's path links to, or in the folder the user names. It is then opened without
/// following any link, so that nothing can be put in its place in between. A file with several
/// names is refused, as another of them may be anywhere; the folder the user names is trusted.
final class ExternalDataFiles: ExternalTensorSource {
  /// A folder that data may lie in; canonical.
  private struct Folder {
    let path: String
    let isTrusted: Bool
  }

  /// The folders that locations are relative to.
  private let bases: [String]
  private let allowed: [Folder]
  private var mapped: [ExactText: MappedFile] = [:]
  /// The files that were read, by the locations that lead to them.
  private(set) var files: [ExactText: MappedFile] = [:]

  /// A resolver for the model at `path`; `directory` is a further folder to look in.
  init(modelPath path: String, directory: String?) {
    var bases = [FilePath.folder(of: path)]
    if let real = FilePath.canonical(path) { bases.append(FilePath.folder(of: real)) }
    let trusted = directory.flatMap(FilePath.canonical).map { Folder(path: $0, isTrusted: true) }
    self.allowed =
      (trusted.map { [$0] } ?? [])
      + bases.compactMap(FilePath.canonical).map { Folder(path: $0, isTrusted: false) }
    if let directory { bases.append(directory) }
    self.bases = bases
  }

  func region(_ entries: [MetadataEntry], byteCount: Int) throws(FormatError) -> ByteRegion {
    let location = try ExternalLocation(entries, byteCount: byteCount)
    let file = try file(at: location.path)
    let (end, overflow) = location.offset.addingReportingOverflow(byteCount)
    guard !overflow, end <= file.region.count else {
      throw FormatError(
        .externalRange,
        "expected \(byteCount) bytes at \(location.offset) of '\(location.path.shown)', got a file "
          + "of \(file.region.count)")
    }
    return ByteRegion(file.region.storage, offset: location.offset, count: byteCount)
  }

  /// The canonical path that `location` leads to.
  ///
  /// - Throws: `FormatError` if nothing stands there, or it lies where it may not.
  func path(of location: String) throws(FormatError) -> String {
    try allowedPlace(of: location).path
  }

  private func allowedPlace(
    of location: String
  ) throws(FormatError) -> (path: String, folder: Folder) {
    for base in bases {
      guard let path = FilePath.canonical("\(base)/\(location)") else { continue }
      guard let folder = allowed.first(where: { FilePath.lies(path, in: $0.path) }) else {
        throw FormatError(
          .externalLocation, "external data '\(location.shown)' lies outside the model's folder")
      }
      return (path, folder)
    }
    throw FormatError(.notFound, "external data '\(location.shown)' does not exist")
  }

  private func file(at location: String) throws(FormatError) -> MappedFile {
    if let file = files[ExactText(location)] { return file }
    let (path, folder) = try allowedPlace(of: location)
    let file: MappedFile
    if let known = mapped[ExactText(path)] {
      file = known
    } else {
      let descriptor = try open(path, in: folder, location)
      do throws(FileError) { file = try MappedFile(descriptor: descriptor, path: path) } catch {
        throw FormatError(error)
      }
      mapped[ExactText(path)] = file
    }
    files[ExactText(location)] = file
    return file
  }

  /// Opens what stands at a canonical path, going from its folder downwards and through no link.
  private func open(
    _ path: String, in folder: Folder, _ location: String
  ) throws(FormatError) -> Int32 {
    var components = FilePath.components(of: path)
    components.removeFirst(FilePath.components(of: folder.path).count)
    let name = components.popLast() ?? ""
    let throughFolders = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    var descriptor = Glibc.open(folder.path, throughFolders)
    func descend(_ component: String, _ flags: Int32) {
      let next = openat(descriptor, component, flags)
      let code = errno
      if descriptor >= 0 { close(descriptor) }
      descriptor = next
      errno = code
    }
    for component in components where descriptor >= 0 { descend(component, throughFolders) }
    // A pipe must not be waited for.
    if descriptor >= 0 { descend(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) }
    guard descriptor >= 0 else {
      throw FormatError(
        .unreadable,
        "cannot open external data '\(location.shown)': \(String(cString: strerror(errno)))"
      )
    }
    var status = stat()
    if !folder.isTrusted, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_nlink > 1
    {
      close(descriptor)
      throw FormatError(
        .externalLocation,
        "external data '\(location.shown)' has \(status.st_nlink) hard links, "
          + "of which one may lie outside the model's folder")
    }
    return descriptor
  }
}
