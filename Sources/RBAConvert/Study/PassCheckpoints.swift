import Planning

/// Passes on their way over the streams' steps, for sets of spans that begin alike: what a pass has done
/// before a step depends on the spans up to there only.
///
/// Those not used for longest go once their values take too much memory. What the original has is kept
/// besides, for all passes.
final class PassCheckpoints {
  /// What a pass has come to.
  private struct Prefix: Hashable {
    let stream: Int
    let step: Int
    /// The spans that begin at this step or before it.
    let members: [SpanSet.Member]

    init(_ stream: Int, _ step: Int, of members: [SpanSet.Member]) {
      self.stream = stream
      self.step = step
      self.members = members.filter { ($0.span.stream, $0.span.from) <= (stream, step) }
    }
  }

  private var saved: [Prefix: (pass: SequentialPass, lastUse: Int)] = [:]
  private var byteCount = 0
  private var useCount = 0
  /// Bytes that values of all passes may take.
  private let capacity: Int

  /// What the original has of the samples fitted on, and of those held out.
  let originals: (fit: OriginalValues, held: OriginalValues)

  /// - Parameter capacity: bytes that all passes' values may take, and as many the original's.
  init(capacity: Int) {
    self.capacity = capacity
    // Half as many are held out.
    originals = (
      OriginalValues(capacity: capacity / 3 * 2), OriginalValues(capacity: capacity / 3)
    )
  }

  /// The pass that has come furthest over the spans of a set.
  ///
  /// - Parameter steps: how many each stream has.
  func furthest(
    over members: [SpanSet.Member], steps: [Int]
  ) -> (pass: SequentialPass, stream: Int, step: Int)? {
    for stream in steps.indices.reversed() {
      for step in (0..<steps[stream]).reversed() {
        let prefix = Prefix(stream, step, of: members)
        guard let pass = saved[prefix]?.pass else { continue }
        useCount += 1
        saved[prefix]!.lastUse = useCount
        return (pass, stream, step)
      }
    }
    return nil
  }

  /// Keeps a pass that has come to a step, where it is one of those that there is room for.
  ///
  /// - Parameter stepCount: of all streams.
  func save(
    _ pass: SequentialPass, at step: Int, of stream: Int, over members: [SpanSet.Member],
    stepCount: Int
  ) {
    let bytes = pass.byteCount
    // All of two sets' passes, where there is little room some of their steps.
    let stride = max(2 * stepCount * bytes / max(capacity, 1), 1)
    let prefix = Prefix(stream, step, of: members)
    guard bytes > 0, bytes <= capacity, step % stride == 0, saved[prefix] == nil else { return }
    while byteCount + bytes > capacity,
      let oldest = saved.min(by: { $0.value.lastUse < $1.value.lastUse })
    {
      byteCount -= oldest.value.pass.byteCount
      saved[oldest.key] = nil
    }
    useCount += 1
    saved[prefix] = (pass, useCount)
    byteCount += bytes
  }
}
