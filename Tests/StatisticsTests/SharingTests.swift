import Foundation
import Synchronization
import Testing

@testable import Statistics

@Suite struct SharingTests {
  struct State {
    var calls: [Int]
    var finished: Set<Int> = []
    var running = 0
    var mostRunning = 0
    var isInOrder = true
  }

  @Test(arguments: [(0, 4), (1, 4), (7, 1), (7, 2), (9, 3), (3, 8)])
  func `each index is passed once, and no more threads run than are asked for`(
    count: Int, threads: Int
  ) {
    let state = Mutex(State(calls: Array(repeating: 0, count: count)))
    forEachIndex(below: count, threads: threads) { index in
      state.withLock {
        $0.calls[index] += 1
        $0.running += 1
        $0.mostRunning = max($0.mostRunning, $0.running)
        // So many indices are shared out among so many threads: one begins where another has ended.
        $0.isInOrder = $0.isInOrder && (index < threads || $0.finished.contains(index - threads))
      }
      // The first takes longer, so that cores that are free would take what is not theirs.
      Thread.sleep(forTimeInterval: index == 0 ? 0.05 : 0.005)
      state.withLock {
        $0.running -= 1
        $0.finished.insert(index)
      }
    }
    let end = state.withLock { $0 }
    #expect(end.calls == Array(repeating: 1, count: count))
    #expect(end.mostRunning <= threads)
    #expect(end.isInOrder)
  }
}
