import Execution
import GraphIR
import Operators
import Planning
import Statistics
import Tensors

extension Study {
  /// Runs the nodes that a choice becomes, by themselves.
  func fragment(of choice: Choice) throws(Failure) -> Executor {
    let fragment: ReplacementFragment
    do throws(PlanError) {
      fragment = try ReplacementFragment(
        choice.replacement(in: streams), in: model.graph, streams[choice.span.stream],
        opset: opset)
    } catch { throw Failure(.malformedInput, "\(loaded.path): \(error)") }
    return try executor(fragment.model)
  }

  /// What a choice makes of its span's first point.
  ///
  /// - Parameter inputs: the model's, for the same samples.
  func apply(
    _ choice: Choice, to source: Tensor, _ inputs: [String: SampleRows]
  ) throws(Failure) -> Tensor {
    let executor = try fragment(of: choice)
    var feeds = [ReplacementFragment.source: SampleRows(source)]
    if executor.feeds.contains(ReplacementFragment.mask) {
      feeds[ReplacementFragment.mask] = mask(of: choice.span.stream, in: inputs)
    }
    let samples = feeds
    return try reporting { try executor.run(samples: samples)[ReplacementFragment.result]! }
  }

  private func mask(of stream: Int, in inputs: [String: SampleRows]) -> SampleRows? {
    streams[stream].mask.flatMap { inputs[model.graph[$0].name] }
  }

  /// One for each row of all samples, zero at padding; `nil` where a stream has no mask.
  func maskFlags(of stream: ResidualStream, in inputs: [String: SampleRows]) -> [Float]? {
    stream.mask.flatMap { inputs[model.graph[$0].name] }?.all.floats
  }

  /// Rows of a sample that are not padding, on the whole.
  func rowsPerSample(of stream: ResidualStream, in samples: SampleSelection) -> Double {
    guard let flags = maskFlags(of: stream, in: samples.feeds), samples.count > 0 else {
      return max(Double(stream.type.count / max(stream.width, 1)) / Double(batching.group), 1)
    }
    return max(flags.reduce(0.0) { $0 + Double($1) } / Double(samples.count), 1)
  }

  /// The moments of one span from values at hand; `nil` where those are not finite, or too large to square.
  ///
  /// - Parameters:
  ///   - values: at both ends, for the same samples.
  ///   - inputs: the model's, for those.
  fileprivate func moments(
    of span: CandidateSpan, _ values: (x: Tensor, y: Tensor), _ inputs: [String: SampleRows],
    kinds: MomentKinds
  ) throws(Failure) -> PartStatistics? {
    let stream = streams[span.stream]
    let pair = span.pair
    var total = PartStatistics(width: stream.width, spans: [pair], kinds: kinds)
    let count = values.x.shape[0]
    let sampling = total.patches.map { PatchSampling($0, stream: stream, samples: count) }
    let mask = mask(of: span.stream, in: inputs)?.all
    let isFinite = try reporting {
      for start in Swift.stride(from: 0, to: count, by: Self.chunkSamples) {
        let samples = start..<min(start + Self.chunkSamples, count)
        let batch = StreamBatch(
          stream: stream, points: [span.from, span.to],
          values: [values.x.slice(samples), values.y.slice(samples)], mask: mask?.slice(samples),
          outliers: outliers[span.stream], firstSample: start)
        let piece = batch.piece(for: batch.points, kinds: kinds, patches: sampling)
        do { try total.add(piece, threads: threads) } catch is NonFiniteValues { return false }
      }
      return true
    }
    return isFinite ? total : nil
  }

  /// Samples whose products are summed in float before they join the totals.
  private static let chunkSamples = 16
}

extension FitPolicy {
  /// The same span in the same form, and of the same rank, fitted to values at hand; `nil` where those are
  /// not finite, or too large to square.
  ///
  /// - Parameters:
  ///   - fitted, held: at both ends of the span, with the model's inputs for the same samples.
  func refit(
    _ choice: Choice, fitted: (x: Tensor, y: Tensor), _ fittedInputs: [String: SampleRows],
    held: (x: Tensor, y: Tensor), _ heldInputs: [String: SampleRows], _ study: Study
  ) throws(Failure) -> Choice? {
    let kinds: MomentKinds =
      switch choice.form {
      case .context: .samples
      case .convolution: .patches
      default: []
      }
    guard let fitted = try study.moments(of: choice.span, fitted, fittedInputs, kinds: kinds),
      let held = try study.moments(of: choice.span, held, heldInputs, kinds: kinds)
    else { return nil }
    let evidence = SpanEvidence(fitted, held: held, choice.span.pair)
    let rank =
      choice.form != .lowRank
      ? nil
      : choice.isUnfitted
        ? Self.searchedRank(width: study.streams[choice.span.stream].width)
        : choice.weights.rank(width: study.streams[choice.span.stream].width)
    let fits = try self.fits(choice.form, evidence, try StartFactors(evidence), rank: rank)
    return fits.first.map { Choice(choice.span, $0, damage: choice.damage) } ?? choice
  }
}
