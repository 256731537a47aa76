import Execution
import GraphIR
import Planning
import Statistics
import Tensors

/// Rows of a branch M, and what M T is to become for T to pass a span over.
struct BranchRows: Sendable {
  fileprivate let branch: Tensor
  fileprivate let target: Tensor
  /// h_to.
  fileprivate let end: [Float]

  init(
    _ stream: ResidualStream, branch: Tensor, sum: Tensor, target: Tensor, at places: [Int]
  ) {
    let m = stream.rows(of: branch, at: places)
    end = stream.rows(of: target, at: places)
    var rows = end
    for (index, s) in stream.rows(of: sum, at: places).enumerated() { rows[index] += m[index] - s }
    let shape = [m.count / max(stream.width, 1), stream.width]
    self.branch = Tensor(m, shape: shape)
    self.target = Tensor(rows, shape: shape)
  }
}

/// The moments of a branch's rows and of what they are to become.
struct BranchMoments: Sendable {
  private var products: StreamMoments
  private var ends: FeatureScatter

  /// No rows yet.
  init(width: Int) {
    products = StreamMoments(width: width, spans: [PointPair(0, 1)])
    ends = FeatureScatter(width: width)
  }

  /// - Throws: `NonFiniteValues` where rows are not finite, or too large to square.
  mutating func add(_ rows: BranchRows, threads: Int) throws {
    try rows.branch.withFloats { x in
      try rows.target.withFloats { y in try products.add([x, y], threads: threads) }
    }
    ends.add(rows.end)
  }

  /// Of M and of M + h_to − h_from.
  var span: SpanMoments { products.span(from: 0, to: 1) }
  /// Σ (h_to − mean)² over rows and features.
  var scatter: Double { ends.total }
}

/// Fits the folded form of spans, each on the original's values.
struct FoldedFitting {
  let study: Study
  let policy: FitPolicy
  /// Bytes that the moments of one site may take.
  let memory: Int

  /// The spans that can be folded, by position, and why others cannot.
  func choices(
    _ spans: [CandidateSpan]
  ) throws(Failure) -> (choices: [Choice], reasons: [CandidateSpan: String]) {
    var reasons: [CandidateSpan: String] = [:]
    var groups: [(site: HealingSite, spans: [CandidateSpan])] = []
    for span in spans.sorted(by: { ($0.stream, $0.from, $0.to) < ($1.stream, $1.from, $1.to) }) {
      do throws(NoFolding) {
        let site = try site(span)
        if let last = groups.indices.last, let first = groups[last].spans.first,
          first.stream == span.stream, first.from == span.from,
          byteCount(site, spans: groups[last].spans.count + 1) <= memory
        {
          groups[last].spans.append(span)
        } else {
          groups.append((site, [span]))
        }
      } catch { reasons[span] = error.reason }
    }
    var result: [Choice] = []
    for (index, group) in groups.enumerated() {
      study.diagnostics.progress("folding", Double(index) / Double(groups.count))
      guard
        let changes = try policy.isLeastSquares
          ? leastSquares(group.site, group.spans) : ridge(group.site, group.spans)
      else {
        for span in group.spans { reasons[span] = Self.notFinite }
        continue
      }
      for (span, (change, fit)) in zip(group.spans, changes) {
        let updates = change.flatMap {
          group.site.updates(adding: $0.change, $0.shift, in: study.model.graph)
        }
        result.append(
          Choice(
            span, fit,
            folding: updates == nil ? nil : change.map { SumChange(group.site, $0) },
            updates: updates ?? []))
      }
    }
    study.diagnostics.progress("folding", 1)
    return (result, reasons)
  }

  /// Checks that all of the spans can be folded.
  func check(_ spans: [CandidateSpan]) throws(Failure) {
    for span in spans {
      do throws(NoFolding) { _ = try site(span) } catch {
        throw Failure(
          .usage,
          "--form: span \(span.label(in: study.streams)) cannot be folded: \(error.reason)")
      }
    }
  }

  /// Whether a span has a weight before it that it can be folded into.
  func canFold(_ span: CandidateSpan) -> Bool {
    do throws(NoFolding) { _ = try site(span) } catch { return false }
    return true
  }

  private static let notFinite =
    "the values that its weight multiplies are not finite, or too large to square"

  private struct NoFolding: Error {
    let reason: String
  }

  private func site(_ span: CandidateSpan) throws(NoFolding) -> HealingSite {
    let site: HealingSite
    do throws(NoHealingSite) {
      site = try study.healingSites.site(
        folding: span, in: study.streams[span.stream])
    } catch { throw NoFolding(reason: error.description) }
    let bytes = byteCount(site, spans: 1)
    guard bytes <= memory else {
      throw NoFolding(reason: "its moments would take \(bytes.bytesText) of \(memory.bytesText)")
    }
    return site
  }

  private func byteCount(_ site: HealingSite, spans: Int) -> Int {
    RegressionMoments.solvingByteCount(
      inputWidth: site.inputWidth, targetWidth: saturatingProduct([site.factors.count, spans]),
      threads: study.threads)
  }

  /// Hands values of the original to `work`, batch by batch; `false` once `merge` finds rows that are not
  /// finite, or too large to square.
  private func observe<Result: Sendable>(
    _ values: [ValueID], _ samples: SampleSelection,
    work: @Sendable (Range<Int>, [ValueID: Tensor]) throws -> Result,
    merge: (Result) throws -> Void
  ) throws(Failure) -> Bool {
    let names = values.map { study.model.graph[$0].name }
    let executor = try study.executor(fetches: Set(names).sorted())
    return try study.reporting {
      do {
        try study.forEachBatch(
          of: samples, executor,
          work: { batch, range in
            let fetched = zip(values, names).map { ($0, batch.fetches[$1]!) }
            return try work(range, Dictionary(fetched, uniquingKeysWith: { first, _ in first }))
          }, merge: merge)
      } catch is NonFiniteValues { return false }
      return true
    }
  }

  /// The change and the fit of a span; no change where none is better on held-out rows.
  private typealias Solved = (change: SiteChange?, fit: Fit)

  /// For each span; `nil` where rows are not finite, or too large to square: nothing is to be learnt from
  /// them.
  private func ridge(
    _ site: HealingSite, _ spans: [CandidateSpan]
  ) throws(Failure) -> [Solved]? {
    let stream = study.streams[spans[0].stream]
    let width = stream.width
    let ends = spans.map { stream.points[$0.to] }
    let (outliers, positions) = (study.outliers[spans[0].stream], spans.map(\.to))
    var parts: [RegressionMoments] = []
    var scatter = spans.map { _ in FeatureScatter(width: width) }
    for isHeld in [false, true] {
      let samples = isHeld ? study.held : study.fit
      let mask = study.maskFlags(of: stream, in: samples.feeds)
      var moments = RegressionMoments(
        inputWidth: site.inputWidth, targetWidth: width * spans.count)
      let isFinite = try observe([site.input, site.sum] + ends, samples) { range, values in
        let sum = values[site.sum]!
        let choice = RowChoice(
          rowsPerSample: sum.count / width / max(range.count, 1), samples: samples.count,
          limit: SiteMoments.rowLimit(site, isHeld: isHeld), mask: mask)
        let places = choice.rows(of: range)
        let targets = ends.map { stream.rows(of: values[$0]!, at: places) }
        let start = stream.rows(of: sum, at: places)
        var errors = [Float](repeating: 0, count: places.count * width * ends.count)
        for (block, target) in targets.enumerated() {
          for (index, value) in target.enumerated() {
            let place = (index / width * ends.count + block) * width + index % width
            errors[place] = value - start[index]
          }
        }
        let inputs = site.rows(of: values[site.input]!, at: places, like: sum)
        let weights = outliers?.weights(Array(zip(positions, targets)), width: width)
        return (inputs, errors, targets, weights)
      } merge: { inputs, errors, targets, weights in
        try inputs.withUnsafeBufferPointer { inputs in
          try errors.withUnsafeBufferPointer { errors in
            try moments.add(inputs, errors, weights: weights, threads: study.threads)
          }
        }
        guard isHeld else { return }
        for (block, target) in targets.enumerated() {
          scatter[block].add(target, weights: weights)
        }
      }
      guard isFinite else { return nil }
      parts.append(moments)
    }
    let tested = parts.removeLast()
    let energies = tested.targetEnergies(blocks: spans.count)
    let solutions = site.solve(parts.removeLast(), held: consume tested, blocks: spans.count)
    return spans.indices.map { index in
      let solution = solutions[index]
      let change = solution.map {
        SiteChange(change: $0.change, shift: $0.shift, ridge: $0.ridge)
      }
      return (
        change,
        Fit.passingOver(
          ridge: solution?.ridge ?? 0, residual: solution?.heldAfter ?? energies[index],
          scatter: scatter[index].total)
      )
    }
  }

  private func leastSquares(
    _ site: HealingSite, _ spans: [CandidateSpan]
  ) throws(Failure) -> [Solved]? {
    let stream = study.streams[spans[0].stream]
    let ends = spans.map { stream.points[$0.to] }
    let none = BranchMoments(width: stream.width)
    var parts = [[BranchMoments]](repeating: Array(repeating: none, count: spans.count), count: 2)
    for part in 0..<2 {
      let samples = part == 0 ? study.fit : study.held
      let mask = study.maskFlags(of: stream, in: samples.feeds)
      let isFinite = try observe([site.branch, site.sum] + ends, samples) { range, values in
        let sum = values[site.sum]!
        let rows = RowChoice(
          rowsPerSample: sum.count / stream.width / max(range.count, 1), samples: samples.count,
          mask: mask
        ).rows(of: range)
        return ends.map { end in
          BranchRows(
            stream, branch: values[site.branch]!, sum: sum, target: values[end]!, at: rows)
        }
      } merge: { rows in
        for index in rows.indices {
          try parts[part][index].add(rows[index], threads: study.threads)
        }
      }
      guard isFinite else { return nil }
    }
    var result: [Solved] = []
    for (fitted, held) in zip(parts[0], parts[1]) {
      result.append(
        try site.leastSquares(
          fitted.span, held: held.span, scatter: held.scatter, in: study.model.graph))
    }
    return result
  }
}
