import Glibc
import GraphIR
import Tensors

/// Finds the bytes of tensors that lie outside the model file, and only where they may lie.
///
/// A location is a relative path. The file it leads to, links followed, must lie in the folder of
/// the model, in that of the file the model's path links to, or in the folder the user names.
final class ExternalDataFiles: ExternalTensorSource {
  private let folders: [String]
  private var mapped: [String: MappedFile] = [:]
  /// The files that were read, by the locations that lead to them.
  private(set) var files: [String: MappedFile] = [:]

  static let keys: Set<String> = ["location", "offset", "length", "checksum", "basepath"]

  /// A resolver for the model at `path`; `directory` is a further folder to look in.
  init(modelPath path: String, directory: String?) {
    var folders = [folder(of: path)]
    if let real = canonicalPath(path) { folders.append(folder(of: real)) }
    if let directory { folders.append(directory) }
    self.folders = folders
  }

  /// The bytes that `entries` describe, of which there must be `byteCount`.
  ///
  /// - Throws: `FormatError` if the entries are malformed, or lead where they may not.
  func region(_ entries: [MetadataEntry], byteCount: Int) throws(FormatError) -> ByteRegion {
    var values: [String: String] = [:]
    for entry in entries {
      let key = entry.key ?? ""
      guard Self.keys.contains(key) else {
        throw FormatError(.externalEntry, "external data has no entry called '\(key.escaped)'")
      }
      guard values.updateValue(entry.value ?? "", forKey: key) == nil else {
        throw FormatError(.externalEntry, "external data has the entry '\(key)' twice")
      }
    }
    guard let location = values["location"] else {
      throw FormatError(.externalEntry, "external data without a location")
    }
    let offset = try number(values["offset"], "offset") ?? 0
    let length = try number(values["length"], "length") ?? byteCount
    guard length == byteCount else {
      throw FormatError(
        .dataSize, "expected \(byteCount) bytes of external data, got a length of \(length)")
    }
    let file = try file(at: location)
    files[location] = file
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard !overflow, end <= file.region.count else {
      throw FormatError(
        .externalRange,
        "expected \(length) bytes at \(offset) of '\(location.escaped)', got a file of "
          + "\(file.region.count)")
    }
    return ByteRegion(file.region.storage, offset: offset, count: length)
  }

  private func number(_ text: String?, _ key: String) throws(FormatError) -> Int? {
    guard let text else { return nil }
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(text) else {
      throw FormatError(
        .externalEntry, "expected a decimal \(key) of external data, got '\(text.escaped)'")
    }
    return value
  }

  private func file(at location: String) throws(FormatError) -> MappedFile {
    guard !location.isEmpty, !location.hasPrefix("/"), !location.contains("_ORT_MEM_ADDR_") else {
      throw FormatError(
        .externalLocation, "expected a relative path to external data, got '\(location.escaped)'")
    }
    if let file = files[location] { return file }
    let allowed = folders.compactMap(canonicalPath)
    for folder in folders {
      guard let path = canonicalPath("\(folder)/\(location)") else { continue }
      if let file = mapped[path] { return file }
      guard allowed.contains(where: { path.hasPrefix($0 == "/" ? "/" : $0 + "/") }) else {
        throw FormatError(
          .externalLocation, "external data '\(location.escaped)' lies outside the model's folder")
      }
      do throws(FileError) {
        let file = try MappedFile(path: path)
        mapped[path] = file
        return file
      } catch { throw FormatError(error) }
    }
    throw FormatError(.notFound, "external data '\(location.escaped)' does not exist")
  }
}

/// The folder a path lies in.
func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The path without links or dots, if something stands there.
func canonicalPath(_ path: String) -> String? {
  guard let pointer = realpath(path, nil) else { return nil }
  defer { free(pointer) }
  return String(cString: pointer)
}
