import ArrayFormats
import ONNXFormat
import SafetensorsFormat
import Tensors

/// A tensor as a data file gives it.
struct NamedTensor: Sendable {
  /// As the file says; `nil` where its format has no names.
  var name: String?
  var tensor: Tensor
  /// The file it comes from.
  var path: String
}

/// The tensors of a data file, or of all data files of a folder, in the order of their names.
///
/// - Throws: `Failure` where there is no such file, or one is malformed or of no known kind.
func readTensors(_ path: String) throws(Failure) -> [NamedTensor] {
  let kind: FileKind
  do throws(FileError) { kind = try FileKind(path: path) } catch { throw Failure(error) }
  if kind == .folder { return try readFolder(path) }
  switch pathExtension(path) {
  case "npy":
    do throws(ArrayFormatError) {
      return [NamedTensor(name: nil, tensor: try NpyFile.read(path: path), path: path)]
    } catch { throw Failure(error) }
  case "npz":
    do throws(ArrayFormatError) {
      return try NpzFile.read(path: path).map {
        NamedTensor(name: $0.name, tensor: $0.tensor, path: path)
      }
    } catch { throw Failure(error) }
  case "safetensors":
    do throws(SafetensorsError) {
      return try SafetensorsFile.read(path: path).tensors.map {
        NamedTensor(name: $0.name, tensor: $0.tensor, path: path)
      }
    } catch { throw Failure(error) }
  case "pb":
    do throws(FormatError) {
      let (name, tensor) = try ONNXFile.readTensor(path: path)
      return [NamedTensor(name: name, tensor: tensor, path: path)]
    } catch { throw Failure(error, path) }
  case let other:
    let got = other.isEmpty ? "\(kind) without an extension" : "'.\(other)'"
    throw Failure(
      .malformedInput,
      "\(path): expected .npy, .npz, .safetensors, .pb or a folder of those, got \(got)")
  }
}

/// Endings of the files that a folder of data is searched for.
let knownDataEndings: Set = ["npy", "npz", "safetensors", "pb"]

private func readFolder(_ folder: String) throws(Failure) -> [NamedTensor] {
  let names: [String]
  do throws(FileError) { names = try Folder.names(in: folder) } catch { throw Failure(error) }
  var tensors: [NamedTensor] = []
  for name in names where knownDataEndings.contains(pathExtension(name)) {
    var read = try readTensors(folder + "/" + name)
    // A file of one tensor without a name is called as the file is.
    if read.count == 1, read[0].name == nil || read[0].name == "" {
      read[0].name = String(name.prefix { $0 != "." })
    }
    tensors += read
  }
  guard !tensors.isEmpty else {
    throw Failure(
      .malformedInput, "\(folder): expected .npy, .npz, .safetensors or .pb files, got none")
  }
  return tensors
}

/// What stands behind the last dot of a path's last component, in lower case.
func pathExtension(_ path: String) -> String {
  let name = FilePath.name(of: path)
  guard let dot = name.lastIndex(of: ".") else { return "" }
  return name[name.index(after: dot)...].lowercased()
}
