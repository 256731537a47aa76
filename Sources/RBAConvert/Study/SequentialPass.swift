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
  /// The model with all that is done in place.
  private var rewrite: PartialRewrite
  /// What the span is that the step just passed was solved for.
  private var folded: Choice?

  private(set) var done: [Choice] = []
  private(set) var updates: [WeightUpdate] = []
  private(set) var healed: [HealedStep] = []

  /// Bytes that travelling values of one set of samples may take.
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
    let largest = study.streams.map(\.type.byteCount).max() ?? 1
    let most = max(Self.activationBytes / max(4 * largest, 1), Self.fewestSamples)
    sampleCounts = (
      min(most, limit?.fit ?? most, study.fit.count),
      min(most, limit?.held ?? most, study.held.count)
    )
    fit = Traveller(study.fit, limit: sampleCounts.fit, known: known?.fit)
    held = Traveller(study.held, limit: sampleCounts.held, known: known?.held)
    rewrite = try PartialRewrite(study, [], [])
  }

  /// Of the values on their way.
  var byteCount: Int { fit.byteCount + held.byteCount }

  /// Whether both models still compute the same.
  private var isUntouched: Bool { done.isEmpty && updates.isEmpty && folded == nil }

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
    let fits = try values(fit, from, to)
    let helds = try values(held, from, to)
    if choice.isUnfitted || ![.identity, .folded].contains(choice.form) && !isUntouched {
      refitted = try policy.refit(
        choice, fitted: fits, fit.inputs, held: helds, held.inputs, study)
    }
    folded = nil
    refitted.damage = choice.damage
    // The map is run from where the values are.
    fit.move(to: from, original: fits.y, rewritten: fits.x)
    held.move(to: from, original: helds.y, rewritten: helds.x)
    done.append(refitted)
    rewrite = try PartialRewrite(study, done, updates)
    let (x, y) = (
      try fit.rewritten(to, in: rewrite, study), try held.rewritten(to, in: rewrite, study)
    )
    fit.move(to: to, original: fits.y, rewritten: x)
    held.move(to: to, original: helds.y, rewritten: y)
  }

  /// What the rewritten model has at a span's start, and the original at its end.
  private func values(
    _ traveller: Traveller, _ from: ValueID, _ to: ValueID
  ) throws(Failure) -> (x: Tensor, y: Tensor) {
    let originals = try traveller.originals(isUntouched ? [from, to] : [to], study)
    if let x = originals[from] { return (x, originals[to]!) }
    return (try traveller.rewritten(from, in: rewrite, study), originals[to]!)
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
      try heal(site, stream, site.sum == next ? targets : self.targets(at: site.sum))
    }
    let (x, y) = (
      try fit.rewritten(next, in: rewrite, study), try held.rewritten(next, in: rewrite, study)
    )
    fit.move(to: next, original: targets.fit, rewritten: x)
    held.move(to: next, original: targets.held, rewritten: y)
  }

  /// The site of a step, if there is one and its moments fit the memory allowed.
  private func healable(_ step: Int, in stream: ResidualStream) -> HealingSite? {
    do throws(NoHealingSite) {
      let site = try sites.site(of: step, in: stream)
      return fits(site, step, stream) ? site : nil
    } catch { return nil }
  }

  /// - Parameter targets: at the site's sum.
  private mutating func heal(
    _ site: HealingSite, _ stream: ResidualStream, _ targets: Targets
  ) throws(Failure) {
    var seen = SeenValues(site)
    var change: SiteChange?
    if let solved = try solve(site, stream, targets, &seen) {
      let edits = updates + solved.updates
      // Numbers that the weight's type cannot hold leave it as it is.
      if let rewrite = try? PartialRewrite(study, done, edits) {
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
    _ stream: ResidualStream, _ seen: SeenValues, changedBy change: SiteChange?, _ targets: Targets
  ) {
    guard let x = seen.fit.sum(stream, changedBy: change, threads: study.threads),
      let y = seen.held.sum(stream, changedBy: change, threads: study.threads)
    else { return }
    fit.move(to: seen.site.sum, original: targets.fit, rewritten: x)
    held.move(to: seen.site.sum, original: targets.held, rewritten: y)
  }

  /// What the original has, of samples fitted on and of samples held out.
  private typealias Targets = (fit: Tensor, held: Tensor)

  private func targets(at value: ValueID) throws(Failure) -> Targets {
    (try fit.originals([value], study)[value]!, try held.originals([value], study)[value]!)
  }

  /// Solves the step before a span that is passed over toward the span's end.
  ///
  /// - Returns: whether that is better than what is there.
  mutating func fold(_ choice: Choice) throws(Failure) -> Bool {
    let stream = study.streams[choice.span.stream]
    let site: HealingSite
    do throws(NoHealingSite) { site = try sites.site(folding: choice.span, in: stream) } catch {
      return false
    }
    guard fits(site, choice.span.from - 1, stream) else { return false }
    let targets = try targets(at: stream.points[choice.span.to])
    var seen = SeenValues(site)
    let change =
      try policy.isLeastSquares
      ? leastSquares(site, stream, targets) : solve(site, stream, targets, &seen)?.change
    guard let change,
      let edits = site.updates(adding: change.change, change.shift, in: study.model.graph),
      let rewrite = try? PartialRewrite(study, done, updates + edits)
    else { return false }
    try advance(stream, seen, changedBy: change, self.targets(at: site.sum))
    self.rewrite = rewrite
    folded = Choice(choice.span, choice.fit.with(ridge: change.ridge), folding: nil, updates: edits)
    return true
  }

  /// Whether a site's moments fit the memory allowed.
  private func fits(_ site: HealingSite, _ step: Int, _ stream: ResidualStream) -> Bool {
    let bytes = RegressionMoments.solvingByteCount(
      inputWidth: site.inputWidth, targetWidth: site.factors.count, threads: study.threads)
    guard bytes > memory else { return true }
    study.diagnostics.note(
      "the weight of step \(stream.label(of: step)):\(stream.label(of: step + 1)) stays: "
        + "its moments would take \(bytes >> 20) of \(memory >> 20) MB")
    return false
  }

  private struct Solved {
    let change: SiteChange
    let updates: [WeightUpdate]
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
    _ site: HealingSite, _ stream: ResidualStream, _ targets: Targets, _ seen: inout SeenValues
  ) throws(Failure) -> Solved? {
    let fitMoments = try gather(fit, stream, targets.fit, &seen.fit, isHeld: false)
    let heldMoments = try gather(held, stream, targets.held, &seen.held, isHeld: true)
    guard let (fitted, _) = fitMoments, let (tested, scatter) = heldMoments,
      let solution = site.solve(consume fitted, held: consume tested)[0],
      solution.heldAfter < Self.worthwhileShare * solution.heldBefore,
      let updates = site.updates(
        adding: solution.change, solution.shift, in: study.model.graph)
    else { return nil }
    let graph = study.model.graph
    let step = HealedStep(
      node: graph[site.node].label, weight: graph[site.weight].name, ridge: solution.ridge,
      errorBefore: scatter > 0 ? solution.heldBefore / scatter : 0,
      errorAfter: scatter > 0 ? solution.heldAfter / scatter : 0)
    return Solved(
      change: SiteChange(change: solution.change, shift: solution.shift, ridge: solution.ridge),
      updates: updates, step: step)
  }

  /// `nil` where rows are not finite, or too large to square: nothing is to be learnt from them.
  private func gather(
    _ traveller: Traveller, _ stream: ResidualStream, _ target: Tensor, _ seen: inout SiteValues,
    isHeld: Bool
  ) throws(Failure) -> (moments: RegressionMoments, scatter: Double)? {
    let site = seen.site
    var result: SiteMoments? = SiteMoments(site)
    let samples = isHeld ? sampleCounts.held : sampleCounts.fit
    let rows = RowChoice(
      rowsPerSample: target.count / stream.width / max(target.shape[0], 1), samples: samples,
      limit: SiteMoments.rowLimit(site, isHeld: isHeld),
      mask: study.maskFlags(of: stream, in: traveller.inputs))
    try traveller.forEachBatch(of: [site.input, site.sum], in: rewrite, study) { range, values in
      let (input, sum) = (values[site.input]!, values[site.sum]!)
      let rows = SiteMoments.Rows(
        site, stream, input: input, sum: sum, target: target.slice(range), at: rows.rows(of: range))
      return (input, sum, rows)
    } merge: { input, sum, rows in
      seen.add(input, sum: sum)
      if result?.add(rows, threads: study.threads) == false { result = nil }
    }
    return result.map { ($0.moments, $0.scatter) }
  }

  /// The published recipe: T by least squares so that M T + (h_from − M) ≈ h_to, M the branch, T taken
  /// into the weight and bias.
  ///
  /// Source: arXiv 2505.02819.
  private func leastSquares(
    _ site: HealingSite, _ stream: ResidualStream, _ targets: Targets
  ) throws(Failure) -> SiteChange? {
    var parts: [SpanMoments] = []
    for (traveller, target) in [(fit, targets.fit), (held, targets.held)] {
      var moments = StreamMoments(width: stream.width, spans: [PointPair(0, 1)])
      let samples = max(target.shape[0], 1)
      let rows = RowChoice(
        rowsPerSample: target.count / stream.width / samples, samples: samples,
        mask: study.maskFlags(of: stream, in: traveller.inputs))
      try traveller.forEachBatch(of: [site.branch, site.sum], in: rewrite, study) { range, values in
        BranchRows(
          stream, branch: values[site.branch]!, sum: values[site.sum]!,
          target: target.slice(range), at: rows.rows(of: range))
      } merge: {
        try $0.add(to: &moments, threads: study.threads)
      }
      parts.append(moments.span(from: 0, to: 1))
    }
    let fit = try FitPolicy.leastSquares(parts[0], held: parts[1])
    guard case .linear(let matrix, _) = fit.map else { return nil }
    return site.change(multiplyingBranchBy: matrix, in: study.model.graph)
  }
}
