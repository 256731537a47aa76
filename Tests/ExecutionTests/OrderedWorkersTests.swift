import Dispatch
import Testing

@testable import Execution

@Suite struct OrderedWorkersTests {
  private struct Fault: Error, Equatable { let index: Int }

  /// The second result is there and never merged when the first piece fails.
  @Test func resultsBehindAFailureAreLetGo() {
    for _ in 0..<20 {
      let isSecondDone = DispatchSemaphore(value: 0)
      var merged: [Int] = []
      #expect(throws: Fault(index: 0)) {
        try OrderedWorkers(threads: 2).forEach(
          8,
          work: { index in
            if index == 0 {
              isSecondDone.wait()
              throw Fault(index: 0)
            }
            if index == 1 { isSecondDone.signal() }
            return index
          }, merge: { merged.append($0) })
      }
      #expect(merged == [])
    }
  }

  @Test(arguments: [1, 2, 3, 8])
  func resultsComeInOrder(threads: Int) throws {
    var merged: [Int] = []
    try OrderedWorkers(threads: threads).forEach(
      100, work: { $0 * $0 }, merge: { merged.append($0) })
    #expect(merged == (0..<100).map { $0 * $0 })
  }
}
