extension SpanSetSearch {
  /// A search on its way.
  struct State {
    let search: SpanSetSearch
    private let size: (SpanSet) -> Int
    private(set) var measured: [Measured]
    private var known: [SpanSet: Int] = [:]
    private(set) var isOver = false
    /// The way down that is taken.
    private var descent: Descent
    /// Those not taken yet.
    private var others: [Descent]
    /// The set that the search goes on from.
    private var current: Measured { didSet { idle = [] } }
    /// Steps that save nothing beside the current set: of a form that costs more than they do.
    private var idle: Set<Step> = []
    /// What each step was last seen to add for each parameter it saves.
    private var slopes: [Step: Double]
    /// The damage that each step was seen to add when it was replaced.
    private var shares: [Step: Double] = [:]

    /// Sets that the descent came to behind the target.
    private var beyond: [Measured] = []

    /// The sum of damages that the first seed measured has.
    private static let allowedAtFirst = 0.05
    /// How far the sum of damages may change from one seed measured to the next.
    private static let longestStride = 2.0
    /// Steps replaced beyond a size, for richer forms to use up.
    private static let overshoot = 3
    /// Sets that a step takes, at least, on the way from the empty set to the target.
    private static let setsPerStep = 2
    /// Steps looked at for an exchange, on either side.
    private static let exchanged = 4

    init(
      search: SpanSetSearch, size: @escaping (SpanSet) -> Int, empty: Int
    ) {
      self.search = search
      self.size = size
      let nothing = Measured(SpanSet(), size: empty, damage: 0, strain: 0)
      measured = [nothing]
      known[nothing.set] = 0
      current = nothing
      slopes = search.estimates
      descent = search.descents[0]
      others = []
    }

    /// What is known of a set, measured now if it was not; `nil` once the budget is spent.
    private mutating func look<E: Error>(
      at set: SpanSet, _ measure: (SpanSet) throws(E) -> Measured?
    ) throws(E) -> Measured? {
      if let index = known[set] { return measured[index] }
      guard !isOver, measured.count <= search.budget, let result = try measure(set) else {
        isOver = true
        return nil
      }
      known[set] = measured.count
      measured.append(result)
      return result
    }

    // MARK: Beginning

    /// Takes the descent that the best of all seeds is of, and goes to that seed where the budget is too
    /// small to come from the empty set to the target step by step.
    mutating func begin<E: Error>(_ measure: (SpanSet) throws(E) -> Measured?) throws(E) {
      let isShort = search.budget < Self.setsPerStep * search.estimates.count
      guard isShort || search.descents.count > 1 else { return }
      try compareSeeds(measure)
      others = search.descents.filter { $0.form != descent.form }
      if !isShort { current = measured[0] }
    }

    /// Takes another way down. What is left of the budget seldom suffices for all of it, so that it begins
    /// with a seed: the smallest acceptable one, or the smallest above the size aimed at.
    ///
    /// - Returns: whether there is one, and anything left to measure with.
    mutating func turn<E: Error>(
      _ measure: (SpanSet) throws(E) -> Measured?
    ) throws(E) -> Bool {
      guard !isOver, !others.isEmpty else { return false }
      descent = others.removeFirst()
      current = measured[0]
      (slopes, shares) = (search.estimates, [:])
      switch search.target {
      case .unacceptable: _ = try bracket(descent.seeds, measure)
      case .size(let count): try goToSeed(above: count, measure)
      }
      return true
    }

    private mutating func compareSeeds<E: Error>(
      _ measure: (SpanSet) throws(E) -> Measured?
    ) throws(E) {
      switch search.target {
      case .unacceptable:
        for option in search.descents where try bracket(option.seeds, measure) { descent = option }
      case .size(let count):
        var least = Double.infinity
        for option in search.descents where search.descents.count > 1 {
          guard let seed = option.seeds.first(where: { size($0.set) <= count }),
            let result = try look(at: seed.set, measure)
          else { continue }
          if result.damage < least { (least, descent) = (result.damage, option) }
        }
        try goToSeed(above: count, measure)
      }
    }

    /// Goes to the smallest seed that is larger than the size aimed at, of those whose damage is finite: what
    /// goes on from others does not come back from there.
    private mutating func goToSeed<E: Error>(
      above count: Int, _ measure: (SpanSet) throws(E) -> Measured?
    ) throws(E) {
      guard var index = descent.seeds.lastIndex(where: { size($0.set) > count }) else { return }
      // Twice as far each time, so that little of the budget goes there.
      var stride = 1
      while index >= 0, let result = try look(at: descent.seeds[index].set, measure) {
        if result.damage.isFinite {
          current = result
          return
        }
        index -= stride
        stride *= 2
      }
    }

    /// Goes to the smallest seed that is expected to be acceptable and is smaller than what there is:
    /// damages are taken to grow as those predicted do, and strains as damages, from what was measured last
    /// on.
    ///
    /// - Returns: whether there is one.
    private mutating func bracket<E: Error>(
      _ seeds: [Seed], _ measure: (SpanSet) throws(E) -> Measured?
    ) throws(E) -> Bool {
      let start = seeds.lastIndex { size($0.set) >= current.size } ?? -1
      var (low, high) = (start, seeds.count)
      // What may be predicted of a seed that is just acceptable.
      var allowed =
        current.set.isEmpty || low + 1 == high ? Self.allowedAtFirst : seeds[low + 1].predicted
      while let next = (low + 1..<high).last(where: { seeds[$0].predicted <= allowed }),
        let result = try look(at: seeds[next].set, measure)
      {
        if result.isAcceptable {
          low = next
          current = result
        } else {
          high = next
        }
        allowed =
          seeds[next].predicted
          / min(max(result.strain, 1 / Self.longestStride), Self.longestStride)
      }
      return low > start
    }

    // MARK: Descent

    /// Goes on to smaller models until the target is met or nothing is left to replace.
    mutating func descend<E: Error>(
      _ measure: (SpanSet) throws(E) -> Measured?
    ) throws(E) {
      beyond = []
      while !isOver, beyond.count < most {
        guard let (next, step) = try cheapest(measure) else { break }
        shares[step] = next.damage - current.damage
        current = next
        switch search.target {
        case .unacceptable: if next.isAcceptable { beyond = [] } else { beyond.append(next) }
        case .size(let count): if next.size <= count { beyond.append(next) }
        }
      }
      // An exchange starts from the best there is.
      current = best ?? current
    }

    /// Where the budget was spent before the model was small enough, replaces what else seems cheapest.
    /// The set that gives is measured if that is still allowed; if not, its damage is infinite.
    mutating func arrive<E: Error>(_ measure: (SpanSet) throws(E) -> Measured?) throws(E) {
      guard case .size(let limit) = search.target, best == nil else { return }
      let set = arrival(at: limit)
      let smallest = measured.filter(\.damage.isFinite).map(\.size).min() ?? .max
      guard size(set) < smallest, try look(at: set, measure) == nil else { return }
      known[set] = measured.count
      measured.append(Measured(unmeasured: set, size: size(set)))
    }

    /// The current set with further steps replaced, as the descent does it or, where that does not lead
    /// there, another way down; the smallest set come by where none does.
    private func arrival(at limit: Int) -> SpanSet {
      var smallest = current.set
      let others = search.descents.map(\.form).filter { $0 != descent.form }
      for form in [descent.form] + others {
        var set = current.set
        if form != descent.form {
          set = SpanSet(set.members.map { SpanSet.Member($0.span, form) })
        }
        var rest = candidates
        var isGrowing = true
        // What saves nothing at first may do so beside what was replaced since.
        while isGrowing, size(set) > limit {
          isGrowing = false
          var left: [Step] = []
          for step in rest where size(set) > limit {
            let next = set.adding(step.index, of: step.stream, as: form)
            if size(next) < size(set) {
              set = next
              isGrowing = true
            } else {
              left.append(step)
            }
          }
          rest = left
        }
        if size(set) < size(smallest) { smallest = set }
        if size(set) <= limit { return set }
      }
      return smallest
    }

    /// How many sets behind the target are looked at, for what richer forms make of them.
    private var most: Int {
      switch search.target {
      case .unacceptable(let count): count
      case .size: Self.overshoot
      }
    }

    /// The best set measured for the target.
    private var best: Measured? {
      switch search.target {
      case .unacceptable:
        measured.filter(\.isAcceptable)
          .min { ($0.size, $0.damage) < ($1.size, $1.damage) }
      case .size(let count):
        measured.filter { $0.size <= count && $0.damage.isFinite }
          .min { ($0.damage, $0.size) < ($1.damage, $1.size) }
      }
    }

    /// The steps not replaced, those first that were last seen to add least.
    private var candidates: [Step] {
      slopes.keys.filter { !current.set.covers($0.index, of: $0.stream) && !idle.contains($0) }
        .sorted { (slopes[$0]!, $0.stream, $0.index) < (slopes[$1]!, $1.stream, $1.index) }
    }

    private mutating func cheapest<E: Error>(
      _ measure: (SpanSet) throws(E) -> Measured?
    ) throws(E) -> (Measured, Step)? {
      var fresh: [Step: Measured] = [:]
      while let step = candidates.first {
        if let result = fresh[step] { return (result, step) }
        let set = current.set.adding(step.index, of: step.stream, as: descent.form)
        let saved = current.size - size(set)
        guard saved > 0 else {
          idle.insert(step)
          continue
        }
        guard let result = try look(at: set, measure) else {
          // What was measured anew is still better than nothing.
          let seen = candidates.first { fresh[$0] != nil }
          return seen.map { (fresh[$0]!, $0) }
        }
        guard result.damage.isFinite else {
          slopes[step] = nil
          continue
        }
        slopes[step] = max(result.damage - current.damage, 0) / Double(saved)
        fresh[step] = result
      }
      return nil
    }

    // MARK: Forms

    /// Gives spans of the sets behind the target richer forms, those first of which most is hoped, for as
    /// long as that pays: what does too much damage may pass, and still be smaller; what is smaller than
    /// need be may do less damage.
    mutating func climb<E: Error>(_ measure: (SpanSet) throws(E) -> Measured?) throws(E) {
      for start in beyond {
        var set = start
        var refused = Set<SpanSet>()
        while !isOver {
          let limit: Int
          switch search.target {
          case .unacceptable: limit = set.isAcceptable ? 0 : (best?.size ?? .max) - 1
          case .size(let count): limit = count
          }
          let hopes = enrichments(of: set, within: limit).filter { !refused.contains($0) }
          guard let next = hopes.first, let result = try look(at: next, measure) else { break }
          if result.damage < set.damage { set = result } else { refused.insert(next) }
        }
      }
      current = best ?? current
    }

    /// Sets in which one span has a richer form and which are no larger than `limit`; those first that can
    /// take most away for each parameter: the damage that the span's steps have added.
    private func enrichments(of start: Measured, within limit: Int) -> [SpanSet] {
      var result: [(set: SpanSet, hope: Double)] = []
      for member in start.set.members {
        let share = (member.span.from..<member.span.to).reduce(0.0) {
          $0 + self.share(of: Step(stream: member.span.stream, index: $1))
        }
        for form in search.forms where form != member.form {
          let set = start.set.changing(member, to: form)
          let richer = size(set)
          guard richer > start.size, richer <= limit else { continue }
          result.append((set, share / Double(richer - start.size)))
        }
      }
      return result.enumerated()
        .sorted { ($1.element.hope, $0.offset) < ($0.element.hope, $1.offset) }.map(\.element.set)
    }

    // MARK: Exchange

    /// Keeps one step again and replaces another instead, or gives a span another form.
    ///
    /// - Returns: whether a better set was found.
    mutating func exchange<E: Error>(
      _ measure: (SpanSet) throws(E) -> Measured?
    ) throws(E) -> Bool {
      let start = current
      for set in neighbours(of: start) {
        guard let result = try look(at: set, measure) else { return false }
        if isBetter(result, than: start) {
          current = result
          return true
        }
      }
      return false
    }

    private func isBetter(_ a: Measured, than b: Measured) -> Bool {
      switch search.target {
      case .unacceptable:
        // At the same size, less damage leaves room for a further step.
        a.isAcceptable && a.size <= b.size
          && (a.size < b.size || a.damage < b.damage * 0.99)
      case .size(let count):
        a.size <= count && a.damage < b.damage * 0.999
      }
    }

    /// Sets one exchange away and not measured yet, those first of which most is hoped.
    private func neighbours(of start: Measured) -> [SpanSet] {
      let added = candidates.prefix(Self.exchanged)
      let restored = restorable(start.set).prefix(4 * Self.exchanged)
        .map { start.set.keeping($0.index, of: $0.stream) }
      var limit = start.size
      var result: [SpanSet] = []
      switch search.target {
      case .unacceptable:
        // Another step than the cheapest may still pass.
        result += added.map { start.set.adding($0.index, of: $0.stream, as: descent.form) }
          .filter { size($0) < limit }
      case .size(let count):
        limit = count
        result += enrichments(of: start, within: limit)
      }
      for step in added {
        for set in restored {
          let set = set.adding(step.index, of: step.stream, as: descent.form)
          if size(set) <= limit { result.append(set) }
        }
      }
      for member in start.set.members where member.form != descent.form {
        result.append(start.set.changing(member, to: descent.form))
      }
      return result.filter { known[$0] == nil }
    }

    /// The damage that a step has added, or may have where it came with a seed.
    private func share(of step: Step) -> Double {
      if let share = shares[step] { return max(share, 0) }
      let alone = SpanSet().adding(step.index, of: step.stream, as: descent.form)
      let saved = max(measured[0].size - size(alone), 0)
      return (search.estimates[step] ?? 0) * Double(saved)
    }

    /// The replaced steps, those first that were seen to add most.
    private func restorable(_ set: SpanSet) -> [Step] {
      set.members.flatMap { member in
        (member.span.from..<member.span.to).map { Step(stream: member.span.stream, index: $0) }
      }
      .sorted {
        (share(of: $1), $0.stream, $0.index) < (share(of: $0), $1.stream, $1.index)
      }
    }
  }
}
