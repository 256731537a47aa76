import Tensors

/// Where in an encoded message the numbers of one tensor lie: its `raw_data` and typed fields.
struct TensorData {
  /// Consecutive numbers of one field.
  struct Run {
    let field: TensorField
    /// Bytes of the tag that each number stands behind; none where they follow each other.
    let tagWidth: Int
    var range: Range<Int>
    /// Whether the numbers follow each other.
    var isPacked: Bool { tagWidth == 0 }
  }

  var raw: Range<Int>?
  private(set) var runs: [Run] = []

  var isEmpty: Bool { raw == nil && runs.isEmpty }

  /// The fields that hold numbers, each once.
  var fields: [TensorField] {
    var result: [TensorField] = raw == nil ? [] : [.raw]
    for run in runs where !result.contains(run.field) { result.append(run.field) }
    return result
  }

  mutating func append(_ run: Run) {
    guard !run.range.isEmpty else { return }
    if let last = runs.last, last.field == run.field, !run.isPacked, last.tagWidth == run.tagWidth,
      last.range.upperBound == run.range.lowerBound
    {
      runs[runs.count - 1].range = last.range.lowerBound..<run.range.upperBound
    } else {
      runs.append(run)
    }
  }
}

/// The fields of `TensorProto` that hold numbers.
enum TensorField: Int {
  case float = 4
  case int32 = 5
  case int64 = 7
  case raw = 9
  case double = 10
  case uint64 = 11

  var name: String { self == .raw ? "raw_data" : "\(self)_data" }
}

// MARK: Numbers

extension TensorData {
  /// The bytes of numbers of a fixed `width`: where they lie in `file` if they follow each other
  /// there, else a copy.
  func fixedWidth(_ width: Int, in file: ByteRegion) -> ByteRegion {
    if runs.count == 1, runs[0].isPacked { return file.part(runs[0].range) }
    let bytes = file.bytes
    var pieces: [Range<Int>] = []
    for run in runs {
      guard !run.isPacked else {
        pieces.append(run.range)
        continue
      }
      let first = run.range.lowerBound + run.tagWidth
      for start in stride(from: first, to: run.range.upperBound, by: run.tagWidth + width) {
        pieces.append(start..<start + width)
      }
    }
    let count = pieces.reduce(0) { $0 + $1.count }
    return ByteRegion(
      ByteStorage.allocate(byteCount: count) { block in
        var position = 0
        for piece in pieces {
          let part = UnsafeRawBufferPointer(rebasing: bytes[piece])
          UnsafeMutableRawBufferPointer(rebasing: block[position...]).copyMemory(from: part)
          position += part.count
        }
      })
  }

  /// How many variable-length numbers there are in `bytes`.
  func numberCount(in bytes: UnsafeRawBufferPointer) -> Int {
    runs.reduce(0) { count, run in
      // A number ends with its only byte below 0x80, and so does a tag.
      let ends = bytes[run.range].reduce(0) { $0 + ($1 < 0x80 ? 1 : 0) }
      return count + (run.isPacked ? ends : ends / 2)
    }
  }

  /// Calls `body` with each variable-length number in `bytes`, which the scanner has checked.
  func forEachNumber<Failure: Error>(
    in bytes: UnsafeRawBufferPointer, _ body: (UInt64) throws(Failure) -> Void
  ) throws(Failure) {
    for run in runs {
      var (number, shift): (UInt64, UInt64) = (0, 0)
      var isTag = !run.isPacked
      for byte in bytes[run.range] {
        number |= UInt64(byte & 0x7f) << shift
        shift += 7
        guard byte < 0x80 else { continue }
        if !isTag { try body(number) }
        isTag = !run.isPacked && !isTag
        (number, shift) = (0, 0)
      }
    }
  }
}

extension ByteRegion {
  /// Some of the region's bytes, counted from its beginning.
  func part(_ range: Range<Int>) -> ByteRegion {
    ByteRegion(storage, offset: offset + range.lowerBound, count: range.count)
  }
}
