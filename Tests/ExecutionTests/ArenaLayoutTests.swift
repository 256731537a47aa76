import Testing

@testable import Execution

@Suite struct ArenaLayoutTests {
  @Test(arguments: 0..<50) func blocksThatLiveTogetherDoNotOverlap(seed: Int) throws {
    let requests = (0..<40).map { index in
      let hash = (index * 7919 + seed * 104_729) % 1009
      return BlockRequest(
        byteCount: hash * 3, firstStep: hash % 20, lastStep: hash % 20 + hash % 7)
    }
    let layout = try #require(ArenaLayout(requests, limit: .max))
    for (i, a) in requests.enumerated() {
      #expect(layout.offsets[i] % ArenaLayout.alignment == 0)
      #expect(layout.offsets[i] + a.byteCount <= layout.byteCount)
      for (j, b) in requests.enumerated().dropFirst(i + 1)
      where a.firstStep <= b.lastStep && b.firstStep <= a.lastStep {
        let apart =
          layout.offsets[i] + a.byteCount <= layout.offsets[j]
          || layout.offsets[j] + b.byteCount <= layout.offsets[i]
        #expect(apart)
      }
    }
  }

  @Test func blocksThatNeverMeetShareMemory() throws {
    let layout = try #require(
      ArenaLayout(
        [
          BlockRequest(byteCount: 128, firstStep: 0, lastStep: 1),
          BlockRequest(byteCount: 64, firstStep: 2, lastStep: 3),
        ], limit: 128))
    #expect(layout.byteCount == 128)
  }

  @Test(arguments: [129, Int.max]) func moreThanTheLimitHasNoLayout(byteCount: Int) {
    let request = BlockRequest(byteCount: byteCount, firstStep: 0, lastStep: 0)
    #expect(ArenaLayout([request], limit: 128) == nil)
  }
}
