/// A block of memory that steps `firstStep ... lastStep` need.
struct BlockRequest: Sendable {
  var byteCount: Int
  var firstStep: Int
  var lastStep: Int
}

/// Offsets for blocks in one arena, so that blocks needed at the same time do not overlap.
struct ArenaLayout {
  static let alignment = 64

  private(set) var offsets: [Int]
  private(set) var byteCount: Int

  /// Places blocks from the largest to the smallest, each in the tightest gap that its lifetime leaves.
  ///
  /// - Returns: `nil` where the arena would be larger than `limit` bytes.
  /// - Complexity: quadratic in the number of blocks that live at the same time.
  init?(_ requests: [BlockRequest], limit: Int) {
    offsets = [Int](repeating: 0, count: requests.count)
    byteCount = 0
    let largestFirst = requests.indices.sorted {
      (requests[$1].byteCount, $0) < (requests[$0].byteCount, $1)
    }
    /// Blocks that are placed, by offset.
    var placed: [(start: Int, end: Int, index: Int)] = []
    for index in largestFirst {
      let request = requests[index]
      guard request.byteCount <= limit else { return nil }
      let size = (max(request.byteCount, 1) + Self.alignment - 1) / Self.alignment * Self.alignment
      var best: (offset: Int, gap: Int)?
      var end = 0
      for other in placed {
        let life = requests[other.index]
        guard life.firstStep <= request.lastStep, request.firstStep <= life.lastStep else {
          continue
        }
        let gap = other.start - end
        if gap >= size, best.map({ gap < $0.gap }) ?? true { best = (end, gap) }
        end = max(end, other.end)
      }
      let offset = best?.offset ?? end
      guard size <= limit, offset <= limit - size else { return nil }
      offsets[index] = offset
      byteCount = max(byteCount, offset + size)
      let position = placed.firstIndex { $0.start > offset } ?? placed.count
      placed.insert((offset, offset + size, index), at: position)
    }
  }
}
