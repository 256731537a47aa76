import GraphIR
import Operators
import Planning
import Statistics
import Tensors

/// One pass over the streams' steps in order.
///
/// Two sets of values travel through the model from point to point, the original's and those of the
/// model rewritten so far, so that the pass costs a few runs however many steps there are. Memory is
/// bounded by the number of samples that travel.
struct SequentialPass {
  private let study: Study
  private let policy: FitPolicy
  private let memory: Int
  private let sites: HealingSiteSearch
  private var fit: Traveller
  private var held: Traveller
  private let sampleCounts: (fit: Int, held: Int)
  private let original: PartialRewrite
  /// The model with all that is done in place.
  private var rewrite: PartialRewrite
  /// What the span is that the step just passed was solved for.
  private var folded: Choice?

  private(set) var done: [Choice] = []
  private(set) var updates: [WeightUpdate] = []
  private(set) var healed: [HealedStep] = []

  /// Bytes that travelling values of one set of samples may take, where half the memory allowed is not less.
  private static let activationBytes = 128 << 20
  /// Samples that travel however little fits.
  private static let fewestSamples = 16
  /// A weight is left alone where more than this share of the held-out residual would stay.
  private static let worthwhileShare = 0.99

  /// - Parameters:
  ///   - limit: samples to use at most.
  ///   - known: what the original has of those.
  init(
    _ study: Study, _ policy: FitPolicy, memory: Int, limit: (fit: Int, held: Int)? = nil,
    known: (fit: OriginalValues, held: OriginalValues)? = nil
  ) throws(Failure) {
    self.study = study
    self.policy = policy
    self.memory = memory
    sites = study.healingSites
    // Two sets of values come in while two go out.
    let group = study.batching.group
    let largest = (study.streams.map(\.type.byteCount).max() ?? 1) / group
    let bytes = min(Self.activationBytes, memory / 2)
    let most = max(bytes / max(4 * largest, 1), Self.fewestSamples)
    let fitted = study.fit.spread(min(most, limit?.fit ?? most), group: group)
    let tested = study.held.spread(min(most, limit?.held ?? most), group: group)
    sampleCounts = (fitted.count, tested.count)
    fit = Traveller(fitted, known: known?.fit)
    held = Traveller(tested, known: known?.held)
    original = try PartialRewrite(study, [], [])
    rewrite = original
  }

  /// Of the values on their way, and of the numbers that the weight solved last has got: those of weights
  /// before it are shared by all passes that go on from here.
  var byteCount: Int {
    fit.byteCount + held.byteCount
      + (updates.last?.values.count ?? 0) * MemoryLayout<Float>.stride
  }

  /// Whether both models still compute the same.
  private var isUntouched: Bool { done.isEmpty && updates.isEmpty && folded == nil }

  // MARK: Values

  /// Of samples fitted on and of samples held out.
  private typealias Values = (fit: Tensor, held: Tensor)

  /// What the original has.
  private func targets(at value: ValueID) throws(Failure) -> Values {
    // Where both know it no executor is needed.
    if let a = fit.knownOriginal(value), let b = held.knownOriginal(value) { return (a, b) }
    let leg = try Leg(from: fit.place, to: value, in: original, study)
    return (try fit.original(on: leg, study), try held.original(on: leg, study))
  }

  /// What the rewritten model has.
  private func rewritten(at value: ValueID) throws(Failure) -> Values {
    // A point that was passed over is called what the one before it is.
    let isThere = fit.place.map { rewrite.name($0) == rewrite.name(value) } ?? false
    let leg = isThere ? nil : try Leg(from: fit.place, to: value, in: rewrite, study)
    return (try fit.rewritten(on: leg, study), try held.rewritten(on: leg, study))
  }

  private mutating func move(to value: ValueID, _ original: Values?, _ rewritten: Values) {
    fit.move(to: value, original: original?.fit, rewritten: rewritten.fit)
    held.move(to: value, original: original?.held, rewritten: rewritten.held)
  }

  // MARK: Spans

  /// Fits a span anew on what is there now, and goes on behind it.
  mutating func replace(_ choice: Choice) throws(Failure) {
    let stream = study.streams[choice.span.stream]
    let (from, to) = (stream.points[choice.span.from], stream.points[choice.span.to])
    var refitted = choice
    if let folded {
      refitted = folded
    } else if choice.form == .folded {
      // What it was folded into has gone, or does not help any more.
      refitted = Choice(choice.span, choice.fit, folding: nil, updates: [])
    }
    if isUntouched {
      let starts = try targets(at: from)
      move(to: from, starts, starts)
    }
    let (targets, starts) = (try targets(at: to), try rewritten(at: from))
    if choice.isUnfitted || ![.identity, .folded].contains(choice.form) && !isUntouched {
      if let fitted = try policy.refit(
        choice, fitted: (starts.fit, targets.fit), fit.inputs,
        held: (starts.held, targets.held), held.inputs, study)
      {
        refitted = fitted
      } else {
        study.diagnostics.note(
          "span \(choice.span.label(in: study.streams)) is passed over: behind the spans before it values "
            + "are not finite, or too large to square")
        refitted = Choice(unfitted: SpanSet.Member(choice.span, .identity))
      }
    }
    folded = nil
    refitted.damage = choice.damage
    done.append(refitted)
    rewrite = try PartialRewrite(study, done, updates)
    // The map is run from where the values are; the original's are not asked for before its end.
    move(to: from, nil, starts)
    move(to: to, targets, try rewritten(at: to))
  }

  // MARK: Steps that stay

  /// Solves a kept step so that its sum comes nearer to the original's, where that helps, and goes on
  /// behind it.
  mutating func heal(_ step: Int, of index: Int) throws(Failure) {
    guard !isUntouched else { return }
    let stream = study.streams[index]
    let next = stream.points[step + 1]
    let targets = try targets(at: next)
    if let site = healable(step, in: stream) {
      let weighing = study.outliers[index].map {
        Weighing(scale: $0, position: step + 1, values: targets)
      }
      try heal(
        site, stream, site.sum == next ? targets : self.targets(at: site.sum), weighing)
    }
    move(to: next, targets, try rewritten(at: next))
  }

  /// The site of a step, if there is one and its moments fit the memory allowed.
  private func healable(_ step: Int, in stream: ResidualStream) -> HealingSite? {
    do throws(NoHealingSite) {
      let site = try sites.site(of: step, in: stream)
      return fits(site, step, stream) ? site : nil
    } catch {
      // `SequentialFitting.noteWhatStays` has said why.
      return nil
    }
  }

  /// What rows weigh where some tokens are outliers: by what the original has at a point.
  private struct Weighing {
    let scale: OutlierScale
    /// Of the point, in its stream.
    let position: Int
    let values: Values

    /// - Parameter samples: those whose rows at `places` are weighed.
    func weights(
      _ stream: ResidualStream, _ samples: Range<Int>, at places: [Int], isHeld: Bool
    ) -> [Float] {
      let values = (isHeld ? values.held : values.fit).slice(samples)
      return scale.weights(
        [(position: position, rows: stream.rows(of: values, at: places))], width: stream.width)
    }
  }

  /// - Parameter targets: at the site's sum.
  private mutating func heal(
    _ site: HealingSite, _ stream: ResidualStream, _ targets: Values, _ weighing: Weighing?
  ) throws(Failure) {
    var seen = SeenValues(site)
    var change: SiteChange?
    if let solved = try solve(site, stream, targets, weighing, &seen),
      let numbers = site.updates(
        adding: solved.change.change, solved.change.shift, in: study.model.graph)
    {
      let edits = updates + numbers
      if let rewrite = rewrite(storing: edits, for: site) {
        updates = edits
        self.rewrite = rewrite
        healed.append(solved.step)
        change = solved.change
      }
    }
    advance(stream, seen, changedBy: change, targets)
  }

  /// Goes on to a site's sum, if what it is made of was kept: the model need not run again.
  ///
  /// - Parameter targets: at the site's sum.
  private mutating func advance(
    _ stream: ResidualStream, _ seen: SeenValues, changedBy change: SiteChange?, _ targets: Values
  ) {
    guard let x = seen.fit.sum(stream, changedBy: change, threads: study.threads),
      let y = seen.held.sum(stream, changedBy: change, threads: study.threads)
    else { return }
    move(to: seen.site.sum, targets, (x, y))
  }

  /// Solves the step before a span that is passed over toward the span's end: by ridge where that is better
  /// than what is there, by the published recipe whatever it does.
  ///
  /// - Returns: whether the step was solved.
  mutating func fold(_ choice: Choice) throws(Failure) -> Bool {
    let stream = study.streams[choice.span.stream]
    let site: HealingSite
    do throws(NoHealingSite) { site = try sites.site(folding: choice.span, in: stream) } catch {
      study.diagnostics.note(
        "span \(choice.span.label(in: study.streams)) is not folded into the step before it: \(error)"
      )
      return false
    }
    guard fits(site, choice.span.from - 1, stream) else { return false }
    let targets = try targets(at: stream.points[choice.span.to])
    var seen = SeenValues(site)
    let weighing = study.outliers[choice.span.stream].map {
      Weighing(scale: $0, position: choice.span.to, values: targets)
    }
    let change =
      try policy.isLeastSquares
      ? leastSquares(site, stream, targets)
      : solve(site, stream, targets, weighing, &seen)?.change
    guard let change,
      let edits = site.updates(adding: change.change, change.shift, in: study.model.graph),
      let rewrite = rewrite(storing: updates + edits, for: site)
    else { return false }
    try advance(stream, seen, changedBy: change, self.targets(at: site.sum))
    self.rewrite = rewrite
    folded = Choice(choice.span, choice.fit.with(ridge: change.ridge), folding: nil, updates: edits)
    return true
  }

  /// The model with new numbers in its weights; `nil`, and a note, where a weight cannot hold them: it
  /// stays as it is.
  private func rewrite(storing updates: [WeightUpdate], for site: HealingSite) -> PartialRewrite? {
    do throws(Failure) { return try PartialRewrite(study, done, updates) } catch {
      let weight = study.model.graph[site.weight].name
      study.diagnostics.note("weight '\(weight)' stays: \(error.message)")
      return nil
    }
  }

  /// Whether a site's moments fit the memory allowed.
  private func fits(_ site: HealingSite, _ step: Int, _ stream: ResidualStream) -> Bool {
    let bytes = RegressionMoments.solvingByteCount(
      inputWidth: site.inputWidth, targetWidth: site.factors.count, threads: study.threads)
    guard bytes > memory else { return true }
    study.diagnostics.note(
      "the weight of step \(stream.label(of: step)):\(stream.label(of: step + 1)) stays: "
        + "its moments would take \(bytes.bytesText) of \(memory.bytesText)")
    return false
  }

  private struct Solved {
    let change: SiteChange
    let step: HealedStep
  }

  /// What the rewritten model has at a site, of samples fitted on and of samples held out.
  private struct SeenValues {
    let site: HealingSite
    var fit: SiteValues
    var held: SiteValues

    init(_ site: HealingSite) {
      self.site = site
      (fit, held) = (SiteValues(site), SiteValues(site))
    }
  }

  /// `nil` where nothing is better on held-out rows than what is there.
  private func solve(
    _ site: HealingSite, _ stream: ResidualStream, _ targets: Values, _ weighing: Weighing?,
    _ seen: inout SeenValues
  ) throws(Failure) -> Solved? {
    let leg = try Leg(from: fit.place, to: site.input, site.sum, in: rewrite, study)
    let fitMoments = try gather(
      fit, on: leg, stream, targets.fit, weighing, &seen.fit, isHeld: false)
    let heldMoments = try gather(
      held, on: leg, stream, targets.held, weighing, &seen.held, isHeld: true)
    if fitMoments == nil || heldMoments == nil { noteNotFinite(site) }
    guard let (fitted, _) = fitMoments, let (tested, scatter) = heldMoments,
      let solution = site.solve(consume fitted, held: consume tested)[0],
      solution.heldAfter < Self.worthwhileShare * solution.heldBefore
    else { return nil }
    let graph = study.model.graph
    let step = HealedStep(
      node: graph[site.node].label, weight: graph[site.weight].name, ridge: solution.ridge,
      errorBefore: scatter > 0 ? solution.heldBefore / scatter : 0,
      errorAfter: scatter > 0 ? solution.heldAfter / scatter : 0)
    return Solved(
      change: SiteChange(change: solution.change, shift: solution.shift, ridge: solution.ridge),
      step: step)
  }

  private func noteNotFinite(_ site: HealingSite) {
    study.diagnostics.note(
      "weight '\(study.model.graph[site.weight].name)' stays: the values that it multiplies are not "
        + "finite, or too large to square")
  }

  /// `nil` where rows are not finite, or too large to square: nothing is to be learnt from them.
  private func gather(
    _ traveller: Traveller, on leg: Leg, _ stream: ResidualStream, _ target: Tensor,
    _ weighing: Weighing?, _ seen: inout SiteValues, isHeld: Bool
  ) throws(Failure) -> (moments: RegressionMoments, scatter: Double)? {
    let site = seen.site
    var result: SiteMoments? = SiteMoments(site)
    let samples = isHeld ? sampleCounts.held : sampleCounts.fit
    let rows = RowChoice(
      rowsPerSample: target.count / stream.width / max(target.shape[0], 1), samples: samples,
      limit: SiteMoments.rowLimit(site, isHeld: isHeld),
      mask: study.maskFlags(of: stream, in: traveller.inputs))
    try traveller.forEachBatch(on: leg, study) { range, values in
      let (input, sum) = (values[site.input]!, values[site.sum]!)
      let places = rows.rows(of: range)
      let weights = weighing?.weights(stream, range, at: places, isHeld: isHeld)
      let rows = SiteMoments.Rows(
        site, stream, input: input, sum: sum, target: target.slice(range), at: places,
        weights: weights)
      return (input, sum, rows)
    } merge: { input, sum, rows in
      seen.add(input, sum: sum)
      if result?.add(rows, threads: study.threads) == false { result = nil }
    }
    return result.map { ($0.moments, $0.scatter) }
  }

  /// The published recipe; `nil` where T is not in what is stored, or rows are not finite, or too large to
  /// square.
  private func leastSquares(
    _ site: HealingSite, _ stream: ResidualStream, _ targets: Values
  ) throws(Failure) -> SiteChange? {
    var parts: [BranchMoments] = []
    let leg = try Leg(from: fit.place, to: site.branch, site.sum, in: rewrite, study)
    for (traveller, target) in [(fit, targets.fit), (held, targets.held)] {
      var moments: BranchMoments? = BranchMoments(width: stream.width)
      let samples = max(target.shape[0], 1)
      let rows = RowChoice(
        rowsPerSample: target.count / stream.width / samples, samples: samples,
        mask: study.maskFlags(of: stream, in: traveller.inputs))
      try traveller.forEachBatch(on: leg, study) { range, values in
        BranchRows(
          stream, branch: values[site.branch]!, sum: values[site.sum]!,
          target: target.slice(range), at: rows.rows(of: range))
      } merge: { rows in
        do { try moments?.add(rows, threads: study.threads) } catch is NonFiniteValues {
          moments = nil
        }
      }
      guard let moments else {
        noteNotFinite(site)
        return nil
      }
      parts.append(moments)
    }
    return try site.leastSquares(
      parts[0].span, held: parts[1].span, scatter: parts[1].scatter, in: study.model.graph
    ).change
  }
}
