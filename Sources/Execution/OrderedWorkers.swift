import Dispatch
import Synchronization

/// Does numbered pieces of work on several threads and hands the results on in order.
struct OrderedWorkers: Sendable {
  let threads: Int

  private struct State<Result: Sendable>: Sendable {
    var next = 0
    var merged = 0
    var isMerging = false
    var hasFailed = false
    var done: [Int: Swift.Result<Result, any Error>] = [:]
    var failure: (any Error)?
  }

  /// Calls `work` for each index on some thread, and `merge` with the results: one at a time, in order.
  ///
  /// At most one result more than there are threads is being made or waits to be merged.
  ///
  /// - Throws: the error of the lowest index that failed; later pieces are not started.
  func forEach<Result: Sendable>(
    _ count: Int, work: @Sendable (Int) throws -> Result, merge: (Result) throws -> Void
  ) throws {
    guard threads > 1, count > 1 else {
      for index in 0..<count { try merge(work(index)) }
      return
    }
    let state = Mutex(State<Result>())
    // Counts up from zero: one that is let go with less than it began with traps, and results that are
    // not merged after a failure keep their permits.
    let permits = DispatchSemaphore(value: 0)
    for _ in 0...threads { permits.signal() }
    // Only the thread that holds `isMerging` calls it, so its state never sees two threads at once.
    nonisolated(unsafe) let merge = merge
    withoutActuallyEscaping(work) { work in
      DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
        while true {
          permits.wait()
          let claimed = state.withLock { state -> Int? in
            guard !state.hasFailed, state.next < count else { return nil }
            state.next += 1
            return state.next - 1
          }
          guard let index = claimed else {
            permits.signal()
            return
          }
          let result = Swift.Result { try work(index) }
          let isMerger = state.withLock { state in
            state.done[index] = result
            if case .failure = result { state.hasFailed = true }
            guard !state.isMerging else { return false }
            state.isMerging = true
            return true
          }
          guard isMerger else { continue }
          while let result = Self.take(state) {
            do { try merge(result.get()) } catch {
              state.withLock { state in
                state.hasFailed = true
                if state.failure == nil { state.failure = error }
              }
            }
            permits.signal()
          }
        }
      }
    }
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  /// The next result in order; `nil`, and the end of merging, where it is not there yet.
  private static func take<Result: Sendable>(
    _ state: borrowing Mutex<State<Result>>
  ) -> Swift.Result<Result, any Error>? {
    state.withLock { state in
      guard state.failure == nil, let result = state.done.removeValue(forKey: state.merged) else {
        state.isMerging = false
        return nil
      }
      state.merged += 1
      return result
    }
  }
}
