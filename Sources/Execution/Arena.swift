import Glibc
import Synchronization
import Tensors

/// Memory for the intermediate results of one evaluation, mapped once and touched as it is used.
final class Arena: @unchecked Sendable {
  private(set) var byteCount = 0
  private(set) var base = UnsafeMutableRawPointer(bitPattern: 64)!

  deinit { release() }

  /// Makes room for `count` bytes, whose contents are undefined. Only one evaluation holds the arena.
  func reserve(_ count: Int) throws(ExecutionError) {
    guard count > byteCount else { return }
    release()
    guard
      let block = mmap(
        nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      block != MAP_FAILED
    else {
      throw ExecutionError(.memoryLimit, "cannot map \(count) bytes for intermediate results")
    }
    madvise(block, count, MADV_HUGEPAGE)
    (base, byteCount) = (block, count)
  }

  private func release() {
    if byteCount > 0 { munmap(base, byteCount) }
    byteCount = 0
  }
}

/// Arenas and blocks for results, kept for the next evaluation so that their pages are touched once.
///
/// Executors that share a pool take as many arenas together as evaluations go on at the same time.
package final class MemoryPool: Sendable {
  private struct State {
    var arenas: [Arena] = []
    var blocks: [Int: [UnsafeMutableRawPointer]] = [:]
    var keptBytes = 0
    var usedBytes = 0
    var peakBytes = 0
  }

  private static let largestKept = 1 << 26
  private let state = Mutex(UnsafeSendable(State()))

  private struct UnsafeSendable: @unchecked Sendable {
    var value: State
    init(_ value: State) { self.value = value }
  }

  package init() {}

  deinit {
    state.withLock { state in
      for block in state.value.blocks.values.joined() { free(block) }
    }
  }

  /// Bytes of all arenas, results and tensors made on the way that were alive at the same time, at most.
  var peakBytes: Int { state.withLock { $0.value.peakBytes } }

  /// Calls `body` with an arena of at least `byteCount` bytes that nobody else uses.
  func withArena<Result>(
    _ byteCount: Int, _ body: (Arena) throws(ExecutionError) -> Result
  ) throws(ExecutionError) -> Result {
    let arena = state.withLock { $0.value.arenas.popLast() } ?? Arena()
    defer { state.withLock { $0.value.arenas.append(arena) } }
    let before = arena.byteCount
    try arena.reserve(byteCount)
    account(arena.byteCount - before)
    return try body(arena)
  }

  /// A block of undefined contents that returns to the pool with its last tensor.
  func block(_ byteCount: Int) -> ByteStorage {
    let kept = state.withLock { state -> UnsafeMutableRawPointer? in
      guard let block = state.value.blocks[byteCount]?.popLast() else { return nil }
      state.value.keptBytes -= byteCount
      return UnsafeMutableRawPointer(block)
    }
    let block = kept ?? aligned_alloc(64, (max(byteCount, 1) + 63) / 64 * 64)!
    account(byteCount)
    return ByteStorage(owning: UnsafeRawBufferPointer(start: block, count: byteCount)) {
      [self] bytes in
      take(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), byteCount)
    }
  }

  private func take(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
    let address = UInt(bitPattern: block)
    let isKept = state.withLock { state in
      state.value.usedBytes -= byteCount
      guard state.value.keptBytes + byteCount <= Self.largestKept else { return false }
      state.value.keptBytes += byteCount
      state.value.blocks[byteCount, default: []].append(
        UnsafeMutableRawPointer(bitPattern: address)!)
      return true
    }
    if !isKept { free(block) }
  }

  /// Counts `bytes` as used, or as no longer used where negative.
  func account(_ bytes: Int) {
    state.withLock { state in
      state.value.usedBytes += bytes
      state.value.peakBytes = max(state.value.peakBytes, state.value.usedBytes)
    }
  }
}
