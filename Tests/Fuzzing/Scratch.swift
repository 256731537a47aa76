import Glibc
import Tensors

/// A folder for one process, in memory where the system has such.
final class Scratch {
  private let folder: String

  init() throws {
    let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    var template = Array("\(parent)/rba-fuzz.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Fault("cannot make a folder in \(parent)") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    clear()
    rmdir(folder)
  }

  /// Removes all files.
  func clear() {
    for name in fileNames(in: folder) { unlink(path(name)) }
  }

  func path(_ name: String) -> String { "\(folder)/\(name)" }

  /// Writes a file anew: what was mapped of the old one stays as it is.
  func write(_ bytes: [UInt8], name: String) throws -> String {
    let path = path(name)
    unlink(path)
    try writeFile(bytes, to: path)
    return path
  }

  func haveSameBytes(_ first: String, _ second: String) throws -> Bool {
    try MappedFile(path: first).region.hasSameBytes(as: MappedFile(path: second).region)
  }
}

/// A fault of the run itself.
struct Fault: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// The names of the files in a folder, in order.
func fileNames(in folder: String) -> [String] {
  guard let stream = opendir(folder) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted()
}

func readFile(_ path: String) throws -> [UInt8] {
  let region = try MappedFile(path: path).region
  return withExtendedLifetime(region) { Array(region.bytes) }
}

func writeFile(_ bytes: [UInt8], to path: String) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw Fault("cannot create \(path)") }
  defer { close(descriptor) }
  guard writeAll(bytes, to: descriptor) else { throw Fault("cannot write \(path)") }
}

func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  var position = 0
  while position < bytes.count {
    let count = bytes.withUnsafeBytes {
      write(descriptor, $0.baseAddress! + position, bytes.count - position)
    }
    guard count > 0 else { return false }
    position += count
  }
  return true
}
