/// Looks for sets of spans that do little damage for what they save, by measuring whole sets.
///
/// First it is seen which form does less damage at the size aimed at: steps that are passed over, or
/// fewer of them left out for a richer form. From the empty set on, the step is replaced by that form
/// next that adds the least damage for each parameter saved. What a step adds is known once it is
/// measured beside the steps already replaced; it mostly grows from then on, so steps are measured again
/// in the order of what was last known of them, until the best of those measured anew comes before the
/// rest (lazy greedy; Minoux 1978). What that finds is then bettered by exchanges: a step is kept again
/// for another, and a span gets another form. What is left of the budget then goes into the other form.
///
/// Deterministic: what is measured, and in which order, depends on the numbers measured only.
package struct SpanSetSearch {
  /// What was measured of a set.
  package struct Measured: Sendable {
    package let set: SpanSet
    /// Of the model that is left, in the unit that the search counts in: parameters or bytes.
    package let size: Int
    /// Infinite of a set whose outputs are not finite or never vary in the original, and of one that was come
    /// by, but not measured.
    package let damage: Double
    /// How much of what is allowed the set uses: acceptable are those that use at most all of it.
    package let strain: Double
    /// Whether it was only come by where sets had been measured enough.
    package let isUnmeasured: Bool

    package var isAcceptable: Bool { strain <= 1 }

    package init(_ set: SpanSet, size: Int, damage: Double, strain: Double) {
      self.set = set
      self.size = size
      self.damage = damage
      self.strain = strain
      isUnmeasured = false
    }

    init(unmeasured set: SpanSet, size: Int) {
      self.set = set
      self.size = size
      damage = .infinity
      strain = .infinity
      isUnmeasured = true
    }
  }

  /// A set to begin with.
  package struct Seed: Sendable {
    package let set: SpanSet
    /// The sum of what its spans do alone.
    package let predicted: Double

    package init(_ set: SpanSet, predicted: Double) {
      self.set = set
      self.predicted = predicted
    }
  }

  /// A way down to smaller models.
  package struct Descent: Sendable {
    /// What takes a step's place at first.
    package let form: ReplacementForm
    /// Sets of falling size, to begin with.
    package let seeds: [Seed]

    package init(_ form: ReplacementForm, seeds: [Seed] = []) {
      self.form = form
      self.seeds = seeds
    }
  }

  /// A step that may be replaced.
  package struct Step: Sendable, Hashable {
    package let stream: Int
    package let index: Int

    package init(stream: Int, index: Int) {
      self.stream = stream
      self.index = index
    }
  }

  /// When the search has gone far enough.
  package enum Target: Sendable {
    /// Once so many sets in a row are not acceptable.
    case unacceptable(inARow: Int)
    /// Once the model is at most so large.
    case size(Int)
  }

  /// How much the damage is first taken to grow for each parameter a step saves; absent for those that
  /// are never replaced.
  package let estimates: [Step: Double]
  /// The ways down: the one that seems best is taken first, the others with what is left of the budget.
  package let descents: [Descent]
  /// Forms that a span may get besides, by parameters.
  package let forms: [ReplacementForm]
  package let target: Target
  /// Sets to measure at most.
  package let budget: Int

  package init(
    estimates: [Step: Double], descents: [Descent], forms: [ReplacementForm], target: Target,
    budget: Int
  ) {
    precondition(!descents.isEmpty, "a search needs a way down")
    self.estimates = estimates
    self.descents = descents
    self.forms = forms
    self.target = target
    self.budget = budget
  }

  /// The sets measured, in the order in which they were.
  ///
  /// - Parameters:
  ///   - size: of the model that is left by a set.
  ///   - measure: `nil` ends the search.
  package func run<E: Error>(
    size: @escaping (SpanSet) -> Int, measure: (SpanSet) throws(E) -> Measured?
  ) throws(E) -> [Measured] {
    var state = State(search: self, size: size, empty: size(SpanSet()))
    try state.begin(measure)
    repeat {
      repeat {
        try state.descend(measure)
        try state.climb(measure)
      } while try state.exchange(measure)
    } while try state.turn(measure)
    try state.arrive(measure)
    return state.measured
  }
}
