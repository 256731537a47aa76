import Tensors

/// The index of a checkpoint in several files, `X.safetensors.index.json`: which file holds which
/// tensor.
struct ShardIndex {
  /// Where the index says a tensor lies.
  struct Entry {
    var name: String
    var file: String
    /// Where in the index the entry stands.
    var place: Int
  }

  var entries: [Entry] = []
  /// The bytes of all tensors together, where the index says it.
  var totalSize: Int?
  /// What else the index says of itself, where it is text.
  var metadata: [String: String] = [:]

  private static let totalSizeName = "total_size"
  private static let fileSuffix = ".safetensors"

  init() {}

  /// Reads the index `bytes` of the file at `path`.
  init(_ bytes: [UInt8], path: String) throws(SafetensorsError) {
    var scanner = JSONScanner(bytes, "the index", base: 0, path: path)
    var parts: Set<String> = []
    var index = ShardIndex()
    try scanner.readObject("the index") { (scanner, part, place) throws(SafetensorsError) in
      guard parts.insert(part).inserted else {
        throw scanner.fault(
          .duplicateName, at: place, "expected one '\(part)' in the index, got two")
      }
      switch part {
      case "metadata": try index.readMetadata(&scanner)
      case "weight_map": try index.readWeightMap(&scanner)
      default:
        throw scanner.fault(
          .unknownField, at: place, "the index has a field '\(part)' of no meaning")
      }
    }
    try scanner.finish()
    guard parts.contains("weight_map") else {
      throw SafetensorsError(.missingField, path: path, "the index has no 'weight_map'")
    }
    self = index
  }

  private mutating func readMetadata(_ scanner: inout JSONScanner) throws(SafetensorsError) {
    var keys: Set<String> = []
    var (size, texts): (Int?, [String: String]) = (nil, [:])
    try scanner.readObject("the metadata") { (scanner, key, place) throws(SafetensorsError) in
      try scanner.checkMetadataKey(key, at: place)
      guard keys.insert(key).inserted else {
        throw scanner.fault(
          .duplicateName, at: place, "expected one metadata entry '\(key)', got two")
      }
      if key == Self.totalSizeName {
        size = try scanner.readInteger("'\(key)'")
      } else if scanner.startsString() {
        texts[key] = try scanner.readString("metadata '\(key)'")
      } else {
        try scanner.skipPlainValue("metadata '\(key)'")
      }
    }
    (totalSize, metadata) = (size, texts)
  }

  private mutating func readWeightMap(_ scanner: inout JSONScanner) throws(SafetensorsError) {
    var names: Set<ExactText> = []
    var entries: [Entry] = []
    try scanner.readObject("'weight_map'") { (scanner, name, place) throws(SafetensorsError) in
      guard names.insert(ExactText(name)).inserted else {
        throw scanner.fault(
          .duplicateName, at: place, "expected one tensor named '\(name)', got two")
      }
      let file = try scanner.readString("the file of '\(name)'")
      guard Self.isFileName(file) else {
        throw scanner.fault(
          .shardName, at: place,
          "expected the name of a \(Self.fileSuffix) file beside the index, got '\(file)'")
      }
      entries.append(Entry(name: name, file: file, place: place))
    }
    self.entries = entries
  }

  /// Whether `name` can only be that of a file in the folder of the index.
  private static func isFileName(_ name: String) -> Bool {
    name.hasSuffix(fileSuffix) && name.utf8.count > fileSuffix.utf8.count
      && FilePath.isFileName(name)
  }

  /// The index as `transformers` lays it out: keys in order, two spaces for each level.
  func json() -> [UInt8] {
    var about = metadata.mapValues(jsonString)
    about[Self.totalSizeName] = totalSize.map(String.init)
    let files = entries.map { (ExactText($0.name), jsonString($0.file)) }
    let parts = [
      ("metadata", about.map { (ExactText($0), $1) }), ("weight_map", files),
    ].map { part, members in
      let lines = members.sorted { $0.0 < $1.0 }
        .map { "    \(jsonString($0.0.text)): \($0.1)" }
      return lines.isEmpty
        ? "  \"\(part)\": {}" : "  \"\(part)\": {\n\(lines.joined(separator: ",\n"))\n  }"
    }
    return Array("{\n\(parts.joined(separator: ",\n"))\n}\n".utf8)
  }
}
