import Planning
import Statistics

/// Fits of spans by themselves, for models in which no values travel from one to the next: each is
/// made once, whatever the sets that it stands in.
struct FitsAlone {
  private let selector: Selector
  private var known: [SpanSet.Member: Choice] = [:]

  /// - Parameter options: what is fitted already.
  init(selector: Selector, options: [Choice]) {
    self.selector = selector
    for option in options where selector.isSearched(option) {
      known[SpanSet.Member(option.span, option.form)] = option
    }
  }

  mutating func choices(_ set: SpanSet) throws(Failure) -> [Choice] {
    var result: [Choice] = []
    for member in set.members {
      if known[member] == nil { known[member] = try selector.fitAlone(member) }
      result.append(known[member]!)
    }
    return result
  }
}

extension Selector {
  /// Whether an option is of the size that a search counts for its form.
  func isSearched(_ option: Choice) -> Bool {
    option.fit.map.parameterCount
      == FitPolicy.searchedSize(option.form, width: study.streams[option.span.stream].width)
  }

  fileprivate func fitAlone(_ member: SpanSet.Member) throws(Failure) -> Choice {
    var policy = policy
    policy.form = member.form
    policy.rank = FitPolicy.searchedRank(width: study.streams[member.span.stream].width)
    var clock = PhaseClock()
    let fitted = try SpanSweep(study: study, policy: policy, memory: memory)
      .best([member.span], &clock)
    guard let choice = fitted.first else {
      throw Failure(
        .internalFault, "span \(member.span.label(in: study.streams)) has no fit")
    }
    return choice
  }
}
