import Execution
import GraphIR
import Planning
import Tensors
import Testing

@testable import RBAConvert

/// The sum that another weight gives, from what was kept, is what the model computes with that weight.
@Suite struct SiteValuesTests {
  private let study: Study
  private let stream: ResidualStream

  init() throws {
    study = try Analysis(
      input: Sample.model, plan: nil, overwriting: false,
      data: DataRequest(paths: [Sample.calibration], maximumSamples: 12),
      selection: SelectionOptions(), machine: Machine(threads: 2)
    ).study(LoadedModel(path: Sample.model), Notes().diagnostics).0
    stream = study.streams[0]
  }

  private func run(_ names: [String], _ updates: [WeightUpdate] = []) throws -> [String: Tensor] {
    let rewrite = try PartialRewrite(study, [], updates)
    let executor = try study.executor(
      rewrite.model, feeds: study.fit.feeds.keys.sorted(), fetches: names.sorted())
    return try executor.run(samples: study.fit.feeds)
  }

  /// The values of a site in two batches.
  private func values(_ site: HealingSite, capacity: Int = .max) throws -> SiteValues {
    let graph = study.model.graph
    let fetched = try run([graph[site.input].name, graph[site.sum].name])
    let (input, sum) = (fetched[graph[site.input].name]!, fetched[graph[site.sum].name]!)
    var values = SiteValues(site, capacity: capacity)
    for range in [0..<5, 5..<sum.shape[0]] {
      values.add(input.slice(range), sum: sum.slice(range))
    }
    return values
  }

  /// Of an attention and of an MLP.
  @Test(arguments: [6, 7]) func theSumIsThatOfTheChangedWeight(step: Int) throws {
    let site = try study.healingSites.site(of: step, in: stream)
    let (k, width) = (site.inputWidth, site.factors.count)
    var source = RandomSource(seed: 7)
    let change = SiteChange(
      change: (0..<k * width).map { _ in Double(source.normal()) / Double(k) },
      shift: (0..<width).map { _ in Double(source.normal()) }, ridge: 0)
    let updates = try #require(
      site.updates(adding: change.change, change.shift, in: study.model.graph))
    let name = study.model.graph[site.sum].name
    let (before, after) = (try run([name])[name]!.floats!, try run([name], updates)[name]!.floats!)
    let values = try values(site)
    let kept = try #require(values.sum(stream, changedBy: nil, threads: 1)?.floats)
    let changed = try #require(values.sum(stream, changedBy: change, threads: 2)?.floats)
    #expect(kept == before)
    // Sums of k products in float, grouped otherwise.
    let largest = after.lazy.map(abs).max()!
    let tolerance = Float(k) * Float.ulpOfOne * largest
    #expect(zip(changed, after).allSatisfy { abs($0 - $1) <= tolerance })
    #expect(zip(before, after).contains { abs($0 - $1) > 0.1 })
  }

  @Test func moreThanThereIsRoomForIsNotKept() throws {
    let site = try study.healingSites.site(of: 7, in: stream)
    #expect(try values(site, capacity: 1 << 16).sum(stream, changedBy: nil, threads: 1) == nil)
  }
}
