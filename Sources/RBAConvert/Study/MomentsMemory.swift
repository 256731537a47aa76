import Planning
import Statistics
import Tensors

extension Int {
  /// A number of bytes for people.
  var bytesText: String { self >= 1 << 20 ? "\(self >> 20) MB" : "\(self >> 10) kB" }
}

extension Study {
  /// The longest beginning of `spans` whose moments fit `memory` bytes; one span at least.
  ///
  /// - Parameter kinds: the moments taken beside those of tokens, by stream.
  func fitting(
    _ spans: ArraySlice<CandidateSpan>, memory: Int, kinds: [MomentKinds]
  ) -> ArraySlice<CandidateSpan> {
    if momentsByteCount(spans, kinds: kinds) <= memory { return spans }
    var (low, high) = (1, spans.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if momentsByteCount(spans.prefix(middle), kinds: kinds) <= memory {
        low = middle
      } else {
        high = middle
      }
    }
    return spans.prefix(low)
  }

  /// Bytes of the moments of spans: those fitted on, those held out, and the workers' products.
  func momentsByteCount(
    _ spans: some Collection<CandidateSpan>, kinds: [MomentKinds]
  ) -> Int {
    var total = 0
    for (index, group) in Dictionary(grouping: spans, by: \.stream) {
      let width = streams[index].width
      let bytes = PartStatistics.byteCount(
        width: width, spans: group.map(\.pair), kinds: kinds[index])
      for part in [bytes, bytes, saturatingProduct([4, width, width, threads])] {
        total = saturatingSum(total, part)
      }
    }
    return total
  }
}
