import Dispatch

/// Calls `work` once for each index below `count`, on at most `threads` threads.
///
/// Of n threads, each takes every nth index, ascending.
package func forEachIndex(below count: Int, threads: Int, _ work: @Sendable (Int) -> Void) {
  let workers = min(threads, count)
  guard workers > 1 else {
    for index in 0..<count { work(index) }
    return
  }
  DispatchQueue.concurrentPerform(iterations: workers) { worker in
    for index in stride(from: worker, to: count, by: workers) { work(index) }
  }
}
