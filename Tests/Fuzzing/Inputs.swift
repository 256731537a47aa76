/// The inputs of a run: the corpus as it is, then files made of it.
struct Inputs {
  let corpus: [[UInt8]]
  private let shape: FileShape
  private let seed: UInt64
  private let trees: [[WireField]]
  /// Arrays for archives to hold.
  private let arrays: [[UInt8]]

  init(_ shape: FileShape, corpus: [[UInt8]], arrays: [[UInt8]], seed: UInt64) {
    self.corpus = corpus
    self.shape = shape
    self.seed = seed
    self.arrays = arrays
    switch shape {
    case .wire: trees = corpus.compactMap { WireField.parse($0[...]) }
    case .pair:
      trees = corpus.compactMap { StoredArchive.decode($0).first }
        .compactMap { WireField.parse($0.contents[...]) }
    case .header, .shards: trees = corpus.compactMap(EmbeddedMessage.parse)
    case .archive, .text: trees = []
    }
  }

  /// The input at `index`: always the same for the same corpus and seed.
  func input(_ index: Int) -> [UInt8] {
    guard index >= corpus.count else { return corpus[index] }
    var random = RandomNumbers(seed: seed, index: index)
    var bytes: [UInt8]
    switch shape {
    case .wire where !random.once(in: 4):
      let message = random.message(like: random.pick(trees), others: trees)
      bytes = message.bytes
      if message.keepsForm || !random.once(in: 8) { return bytes }
    case .header(let prefix, let width) where !random.once(in: 6):
      bytes = header(&random, prefix: prefix, width: width, of: corpus)
      if !random.once(in: 6) { return bytes }
    case .text:
      bytes = random.pick(corpus)
      for _ in 0..<random.rounds() { random.mutate(text: &bytes, words: words) }
      return bytes
    case .shards: return shards(&random)
    case .pair: return pair(&random)
    case .archive where random.once(in: 2):
      let entries = (0...random.below(3)).map { number in
        let contents =
          random.once(in: 2)
          ? random.pick(arrays) : header(&random, prefix: 8, width: 2, of: arrays)
        return (name: random.once(in: 8) ? "a.npy" : "a\(number).npy", contents: contents)
      }
      bytes = StoredArchive.encode(entries)
      if !random.once(in: 8) { return bytes }
    default: bytes = random.pick(corpus)
    }
    for _ in 0..<random.rounds() { random.mutate(&bytes, others: corpus) }
    return bytes
  }

  /// A file whose text header is changed, its length most often set right.
  private func header(
    _ random: inout RandomNumbers, prefix: Int, width: Int, of files: [[UInt8]]
  ) -> [UInt8] {
    var bytes = random.pick(files)
    let start = prefix + width
    guard bytes.count >= start else { return bytes }
    let length = (0..<width).reduce(0) { $0 | Int(bytes[prefix + $1]) << (8 * $1) }
    guard length >= 0, length <= bytes.count - start else { return bytes }
    var text = Array(bytes[start..<start + length])
    random.mutate(metadata: &text, words: words, others: trees)
    bytes.replaceSubrange(start..<start + length, with: text)
    guard !random.once(in: 8) else { return bytes }
    for index in 0..<width {
      bytes[prefix + index] = UInt8(truncatingIfNeeded: text.count >> (8 * index))
    }
    return bytes
  }

  /// An index and its files, one of which is changed, left out or changed for another.
  private func shards(_ random: inout RandomNumbers) -> [UInt8] {
    var files = StoredArchive.decode(random.pick(corpus))
    guard !files.isEmpty else { return [] }
    let index = random.once(in: 3) ? random.below(files.count) : 0
    if index == 0 {
      random.mutate(metadata: &files[0].contents, words: words, others: trees)
    } else {
      switch random.below(8) {
      case 0: files.remove(at: index)
      case 1: files[index].contents = random.pick(files).contents
      case 2: random.mutate(&files[index].contents, others: files.map(\.contents))
      default:
        files[index].contents = header(
          &random, prefix: 0, width: 8, of: [files[index].contents])
      }
    }
    return StoredArchive.encode(files)
  }

  /// A model and a change of it or of another, or the same in more bytes than it needs.
  private func pair(_ random: inout RandomNumbers) -> [UInt8] {
    let tree = random.pick(trees)
    var original: [UInt8] = []
    WireField.encode(tree, into: &original)
    if random.once(in: 4) {
      var fields = tree
      for _ in 0..<2 * random.rounds() { random.lengthen(&fields) }
      var same: [UInt8] = []
      WireField.encode(fields, into: &same)
      return StoredArchive.encode([("input.onnx", original), ("same.onnx", same)])
    }
    if random.once(in: 4) { original = random.message(like: tree, others: trees).bytes }
    let model = random.once(in: 8) ? random.pick(trees) : tree
    let changed = random.message(like: model, others: trees).bytes
    return StoredArchive.encode([("input.onnx", original), ("changed.onnx", changed)])
  }

  private var words: [String] {
    (shape == .text
      ? [
        "<", ">", "{", "}", "(", ")", "[", "]", ",", "=", ":", "->", "=>", "float", "int64", "seq(",
        "optional(", "map(", "\"\"", "{}", "null", "\"schema\"", "\"weight\"", "\"AAAA\"", "...",
        "?",
        "-", ".5", "1e400", "nan", "\"\\u0000\"", "\"\\ud800\"", "\u{feff}", "@",
      ]
      : [
        "\"F32\"", "\"F4\"", "\"F6_E2M3\"", "\"BOOL\"", "\"I64\"", "\"C64\"", "\"dtype\"",
        "\"shape\"",
        "\"data_offsets\"", "\"__metadata__\"", "[", "]", "{", "}", ",", ":", "(", ")", "'<f8'",
        "'|b1'",
        "'>f4'", "'<f4'", "'<i8'", "'|O'", "'shape'", "'descr'", "'fortran_order'", "True", "False",
        "\"\\ud83d\"", "\"\\u0000\"", "null", "-", "1e1", "\u{feff}", " ", "\n", "[[", "[0,0]",
        "(2,)", "\"rba-convert.model\"", "\"rba-convert.form\"", "\"rba-convert.model-tensor\"",
        "\"1\"", "\"metadata\"", "\"weight_map\"", "\"total_size\"", "\"../a.safetensors\"",
        "\"first.onnx\"", "\"model-00001-of-00002.safetensors\"",
      ]) + names
  }

  /// Names that are one to a reader that composes characters, and names like those that are made up
  /// for repeated ones.
  private var names: [String] {
    ["\"é\"", "\"e\u{301}\"", "\"K\"", "\"\u{212A}\"", "\"a\"", "\"a#2\"", "é", "e\u{301}"]
  }
}

/// What a kind of file is made of, which tells how to change it.
enum FileShape: Equatable {
  /// Fields of a protocol buffer.
  case wire
  /// Text whose length stands before it in `width` bytes, after `prefix` others; then data.
  case header(prefix: Int, width: Int)
  case archive
  /// An index of safetensors files and those files, in an archive.
  case shards
  /// Two models in an archive.
  case pair
  case text
}
