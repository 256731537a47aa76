import Dispatch

/// Calls `work` once for each index below `count`, on several threads where `threads` is more than one.
package func forEachIndex(below count: Int, threads: Int, _ work: @Sendable (Int) -> Void) {
  if threads > 1, count > 1 {
    DispatchQueue.concurrentPerform(iterations: count, execute: work)
  } else {
    for index in 0..<count { work(index) }
  }
}
