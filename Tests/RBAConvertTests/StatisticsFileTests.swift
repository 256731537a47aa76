import ArrayFormats
import Foundation
import GraphIR
import ONNXFormat
import Planning
import SafetensorsFormat
import Statistics
import Tensors
import Testing

@testable import RBAConvert

/// Statistics gathered, written, read, merged and used, on a small network.
@Suite struct StatisticsFileTests {
  private let folder: TemporaryFolder
  private let model: String

  init() throws {
    folder = try TemporaryFolder()
    model = folder.path("model.onnx")
    try Self.write(blocks: 6, to: model)
  }

  private static func write(blocks: Int, to path: String) throws {
    var net = NetworkText("N, 3, 4")
    var h = net.apply("Add", "x", net.weight([3, 4]), to: "h0")
    for index in 1...blocks {
      let normed = net.norm(h)
      let branch = index % 2 == 1 ? net.attention(normed) : net.mlp(normed)
      h = net.apply("Add", h, branch, to: "h\(index)")
    }
    net.outputs = ["float[N, 3, 4] \(net.norm(h))"]
    try ONNXFile.write(try Model(text: net.text), to: path, overwriting: false)
  }

  /// Samples `range` of the same noise, in a file.
  private func data(_ range: Range<Int>, scale: Float = 1) throws -> String {
    let path = folder.path("data-\(range.lowerBound)-\(range.upperBound)-\(scale).npy")
    let all = ArchitectureTests.noise([64, 3, 4]).elements(as: Float.self).map { $0 * scale }
    try NpyFile.write(
      Tensor(all, shape: [64, 3, 4]).slice(range), path: path, overwriting: true)
    return path
  }

  @discardableResult
  private func gather(
    _ range: Range<Int>, to name: String, threads: Int = 1
  ) throws -> String {
    let path = folder.path(name)
    _ = try StatisticsGathering(
      input: model, output: path, overwriting: false, data: DataRequest(paths: [try data(range)]),
      holdout: 0.5, machine: Machine(threads: threads)
    ).run(.silent)
    return path
  }

  /// The same with so little memory that few spans' moments fit.
  private func gatherFew(
    _ range: Range<Int>, to name: String, notes: Notes = Notes()
  ) throws -> String {
    let path = folder.path(name)
    let analysis = Analysis(
      input: model, plan: nil, overwriting: false, data: DataRequest(paths: [try data(range)]),
      selection: SelectionOptions(holdout: 0.5), machine: Machine(threads: 1))
    let study = try analysis.study(LoadedModel(path: model), notes.diagnostics).0
    try study.writeStatistics(to: path, source: "data", wanted: [], memory: 3000)
    return path
  }

  private func convert(
    _ data: String, statistics: String?, to name: String, selection: SelectionOptions,
    threads: Int = 1, notes: Notes = Notes()
  ) throws -> Data {
    let path = folder.path(name)
    let report = try Conversion(
      input: model, output: path, overwriting: true, recordsProvenance: true,
      data: DataRequest(paths: [data], statistics: statistics), selection: selection,
      machine: Machine(threads: threads)
    ).run(notes.diagnostics)
    #expect(report.output == path)
    return try bytes(path)
  }

  private func read(_ path: String) throws(Failure) -> StatisticsFile {
    try StatisticsFile(path: path)
  }

  // MARK: The file

  @Test func gatheringTwiceGivesTheSameBytesOnAnyNumberOfThreads() throws {
    let (a, b) = (
      try gather(0..<32, to: "a.safetensors"), try gather(0..<32, to: "b.safetensors", threads: 3)
    )
    #expect(try bytes(a) == bytes(b))
    let header = try read(a).header
    #expect(header.streams.map(\.points) == [["h0", "h1", "h2", "h3", "h4", "h5", "h6"]])
    // 21 spans of seven points, and the products of the first six with themselves.
    #expect(header.streams[0].pairs.count == 27)
    #expect(header.streams[0].rows == .init(fit: 48, held: 48))
    #expect(header.samples == .init(fit: 16, held: 16))
  }

  @Test func momentsComeBackToTheBit() throws {
    let file = try read(gather(0..<32, to: "a.safetensors"))
    let spans = file.header.streams[0].pairs.filter { $0.from < $0.to }
    let copy = folder.path("copy.safetensors")
    var profiles = PointProfiles(width: 4, points: file.points(ofStream: 0))
    for (index, point) in profiles.points.enumerated() {
      let pair = try #require(file.profiles(of: point, stream: 0))
      (profiles[.fit][index], profiles[.held][index]) = (pair.fit, pair.held)
    }
    let moments = StreamStatistics(
      fit: file.moments(of: spans, stream: 0, .fit), held: file.moments(of: spans, stream: 0, .held)
    )
    try StatisticsFile.write(
      file.header, [StreamRecord(moments: moments, profiles: profiles)], to: copy)
    #expect(try bytes(copy) == bytes(file.path))
  }

  @Test func aFileCutAnywhereIsRefused() throws {
    let whole = try bytes(gather(0..<8, to: "a.safetensors"))
    let path = folder.path("cut.safetensors")
    for count in stride(from: 0, to: whole.count, by: 67) {
      try whole.prefix(count).write(to: URL(filePath: path))
      let refusal = try failure { () throws(Failure) in try read(path) }
      #expect(refusal.status == .malformedInput)
      #expect(refusal.message.hasPrefix(path))
    }
  }

  @Test func aFileWithAnyByteChangedNeverTraps() throws {
    var whole = try bytes(gather(0..<8, to: "a.safetensors"))
    let path = folder.path("changed.safetensors")
    var refused = 0
    for index in stride(from: 0, to: whole.count, by: 41) {
      let byte = whole[index]
      whole[index] = byte ^ 0x15
      try whole.write(to: URL(filePath: path))
      whole[index] = byte
      do throws(Failure) { _ = try read(path) } catch { refused += 1 }
    }
    #expect(refused > 100)
  }

  private func edit(
    _ path: String, _ body: (inout [String: Tensor], inout [String: String]) throws -> Void
  ) throws -> String {
    let file = try SafetensorsFile.read(path: path)
    var tensors = Dictionary(uniqueKeysWithValues: file.tensors)
    var metadata = file.metadata
    try body(&tensors, &metadata)
    let edited = folder.path("edited.safetensors")
    try SafetensorsFile.write(
      tensors.map { ($0.key, $0.value) }, metadata: metadata, path: edited, overwriting: true)
    return edited
  }

  @Test(arguments: [
    ("fit.0.mean.1", Tensor([Double](repeating: .nan, count: 4)), "expected finite sums, got nan"),
    ("fit.0.mean.1", Tensor([1e61, 0, 0, 0]), "expected finite sums, got 1e+61"),
    (
      "held.0.squares.2", Tensor([Double](repeating: -1, count: 4)),
      "expected sums of squares, got -1.0"
    ),
    (
      "held.0.samples.0", Tensor([Double](repeating: -1, count: 16), shape: [2, 8]),
      "expected sums of squares, got -1.0"
    ),
    (
      "fit.0.products.0.1", Tensor([Float](repeating: 1, count: 16), shape: [4, 4]),
      "expected double[4, 4], got float[4, 4]"
    ),
    (
      "fit.0.products.0.1", Tensor([Double](repeating: 1, count: 16), shape: [16]),
      "expected double[4, 4], got double[16]"
    ),
    ("fit.1.mean.0", Tensor([0.0, 0, 0, 0]), "its metadata know none of it"),
    ("more", Tensor([0.0]), "its metadata know none of it"),
  ])
  func wrongTensorsAreRefused(name: String, tensor: Tensor, message: String) throws {
    let path = try edit(gather(0..<8, to: "a.safetensors")) { tensors, _ in
      tensors[name] = tensor
    }
    let refusal = try failure { () throws(Failure) in try read(path) }
    #expect(refusal.status == .malformedInput)
    #expect(refusal.message == "\(path): tensor '\(name)': \(message)")
  }

  /// Products that no rows have, of numbers each of which a file may hold.
  @Test(arguments: [
    ("fit.0.products.1.1", 0.0), ("held.0.products.0.0", -1e30), ("fit.0.products.2.5", 1e30),
    ("fit.0.products.2.5", -1e30), ("held.0.means.products.1.1", 0),
    ("fit.0.means.products.0.3", 1e30),
  ])
  func productsThatSquaresDoNotAllowAreRefused(name: String, number: Double) throws {
    let path = try edit(gather(0..<8, to: "a.safetensors")) { tensors, _ in
      _ = try #require(tensors[name])
      tensors[name] = Tensor([Double](repeating: number, count: 16), shape: [4, 4])
    }
    let refusal = try failure { () throws(Failure) in try read(path) }
    #expect(refusal.status == .malformedInput)
    #expect(
      refusal.message
        == "\(path): tensor '\(name)': expected products within what the sums of squares allow, "
        + "got \(number)")
  }

  /// Squares of tiny numbers are zero in float, while their products with others are not.
  @Test func momentsOfDeadAndOfTinyFeaturesAreRead() throws {
    func rows(_ scales: [Float]) -> [Float] {
      let noise = ArchitectureTests.noise([100, 4]).elements(as: Float.self)
      return noise.indices.map { noise[$0] * scales[$0 % 4] }
    }
    let (x, y) = (rows([0, 1e-25, 1e-20, 1e15]), rows([1e15, 1e-37, 0, 1e-10]))
    var part = PartStatistics(width: 4, spans: [PointPair(0, 1)], kinds: [])
    try x.withUnsafeBufferPointer { x in
      try y.withUnsafeBufferPointer { y in try part.tokens.add([x, y]) }
    }
    let (path, counts) = (
      folder.path("tiny.safetensors"), StatisticsHeader.Counts(fit: 100, held: 100)
    )
    let header = StatisticsHeader(
      model: "00",
      streams: [
        .init(
          points: ["a", "b"], shape: [1, 4], width: 4, pairs: [PointPair(0, 0), PointPair(0, 1)],
          rows: counts, profiled: counts)
      ],
      sources: [.init(name: "data", samples: counts, digest: "00")])
    let record = StreamRecord(
      moments: StreamStatistics(fit: part, held: part),
      profiles: PointProfiles(width: 4, points: [0, 1]))
    try StatisticsFile.write(header, [record], to: path)
    #expect(try read(path).points(ofStream: 0) == [0, 1])
  }

  @Test func missingPartsAreNamed() throws {
    let whole = try gather(0..<8, to: "a.safetensors")
    let tensor = try edit(whole) { tensors, _ in tensors["held.0.mean.3"] = nil }
    #expect(
      try failure { () throws(Failure) in try read(tensor) }.message
        == "\(tensor): tensor 'held.0.mean.3' is missing")
    let header = try edit(whole) { _, metadata in metadata = [:] }
    #expect(
      try failure { () throws(Failure) in try read(header) }.message
        == "\(header): expected statistics that rba-convert wrote, "
        + "with metadata 'rba-convert.statistics'")
    let schema = try edit(whole) { _, metadata in metadata["rba-convert.statistics"] = "{}" }
    #expect(
      try failure { () throws(Failure) in try read(schema) }.message
        == "\(schema): metadata 'rba-convert.statistics': 'schema' is missing")
    let model = try failure { () throws(Failure) in try read(self.model) }
    #expect(model.status == .malformedInput)
  }

  // MARK: Its use

  /// Spans in sequence, a frontier, and a guard.
  static let selections = [
    SelectionOptions(spans: "0.5:1,2:3", holdout: 0.5),
    SelectionOptions(targetParameters: "80%", holdout: 0.5, searchedSets: 4),
    SelectionOptions(maximumDrop: 0.5, holdout: 0.5, searchedSets: 4),
  ]

  @Test(arguments: selections.indices)
  func theSameDataGiveTheSameBytesWithAndWithoutStatistics(_ index: Int) throws {
    let (data, selection) = (try data(0..<32), Self.selections[index])
    let gathered = try gather(0..<32, to: "gathered.safetensors")
    let written = folder.path("written.safetensors")
    let without = try convert(data, statistics: nil, to: "0.onnx", selection: selection)
    for (name, statistics, threads) in [
      ("1", gathered, 1), ("2", gathered, 3), ("3", written, 1), ("4", written, 2),
    ] {
      let with = try convert(
        data, statistics: statistics, to: "\(name).onnx", selection: selection, threads: threads)
      #expect(with == without)
    }
    #expect(try read(written).header.streams[0].pairs.count == 27)
  }

  @Test func whatTheFileLacksIsGathered() throws {
    let whole = try gather(0..<32, to: "whole.safetensors")
    let selection = SelectionOptions(spans: "0.5:1,2:3", holdout: 0.5)
    let file = try read(whole)
    // Only the pairs of one of both spans are left.
    var header = file.header
    header.streams[0].pairs = [PointPair(1, 1), PointPair(1, 2)]
    let part = try edit(whole) { tensors, metadata in
      metadata["rba-convert.statistics"] = try header.json()
      tensors = tensors.filter { name, _ in
        // Those of samples' means have a word more.
        let point = name.replacing("means.", with: "").split(separator: ".").dropFirst(3)
        return name.contains("products")
          ? ["1.1", "1.2"].contains(point.joined(separator: "."))
          : point == ["1"] || point == ["2"]
      }
    }
    let data = try data(0..<32)
    let expected = try convert(data, statistics: nil, to: "a.onnx", selection: selection)
    #expect(
      try convert(data, statistics: part, to: "b.onnx", selection: selection) == expected)
  }

  @Test func fewSamplesJudgeWhatManyWereFittedOn() throws {
    let many = try gather(0..<56, to: "many.safetensors")
    let few = try data(56..<64)
    let notes = Notes()
    let selection = SelectionOptions(spans: "0.5:1,2:3", form: "linear", holdout: 0.5)
    let with = try convert(
      few, statistics: many, to: "a.onnx", selection: selection, notes: notes)
    let without = try convert(few, statistics: nil, to: "b.onnx", selection: selection)
    #expect(with != without)
    #expect(
      notes.lines == [
        Self.noteOnOtherSamples(many),
        "maps are fitted on the 28 samples of \(many), none anew in sequence",
      ])
    // Four samples of three rows cannot fit four features and a shift as well as 28 can.
    func error(_ name: String) throws -> Double {
      try Verification(
        a: model, b: folder.path(name), data: DataRequest(paths: [try data(0..<64)]),
        maximumError: 1, minimumAgreement: nil, machine: Machine(threads: 1)
      ).run(.silent).outputs[0].relativeError
    }
    #expect(try error("a.onnx") < error("b.onnx"))
  }

  @Test func dataAreKnownByTheirContents() throws {
    let selection = SelectionOptions(spans: "2:3", holdout: 0.5)
    let statistics = try gather(0..<32, to: "a.safetensors")
    let (same, others) = (Notes(), Notes())
    let path = try data(0..<32)
    let link = folder.path("link.npy")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    _ = try convert(link, statistics: statistics, to: "a.onnx", selection: selection, notes: same)
    #expect(same.lines == [])
    // Others under the name of those that were gathered from.
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.moveItem(atPath: data(32..<64), toPath: path)
    _ = try convert(path, statistics: statistics, to: "b.onnx", selection: selection, notes: others)
    #expect(others.lines == [Self.noteOnOtherSamples(statistics)])
  }

  /// Sets that are searched for are fitted on the data where the file is of no more samples.
  @Test(arguments: 1..<3)
  func statisticsThatNothingIsFittedOnAreNotNoted(_ index: Int) throws {
    let notes = Notes()
    _ = try convert(
      data(0..<32), statistics: gather(32..<64, to: "a.safetensors"), to: "a.onnx",
      selection: Self.selections[index], notes: notes)
    #expect(!notes.lines.contains { $0.contains("may be among those fitted on") })
  }

  /// However many samples a file is of.
  @Test(arguments: ["identity", "folded"])
  func statisticsOfMoreSamplesThatNothingIsFittedOnAreNotNoted(form: String) throws {
    let notes = Notes()
    _ = try convert(
      data(0..<16), statistics: gather(16..<64, to: "more.safetensors"), to: "a.onnx",
      selection: SelectionOptions(spans: "2:3", form: form), notes: notes)
    #expect(!notes.lines.contains { $0.contains("fitted on") })
  }

  /// One that is of the data given says nothing of what the others are of.
  @Test func mergedWithOthersIsNoted() throws {
    let own = try gather(0..<32, to: "a.safetensors")
    let merged = try merge([own, gather(32..<64, to: "b.safetensors")]).output
    let notes = Notes()
    _ = try convert(
      data(0..<32), statistics: merged, to: "a.onnx",
      selection: SelectionOptions(spans: "2:3", holdout: 0.5), notes: notes)
    #expect(
      notes.lines.first
        == "\(merged): samples held out now may be among those fitted on of \(try data(32..<64)), and the "
        + "loss then be larger than is told")
  }

  @Test func samplesThatCountMoreThanOnceAreNoted() throws {
    let (one, other) = (
      try gather(0..<8, to: "a.safetensors"), try gather(8..<16, to: "b.safetensors")
    )
    let copy = folder.path("copy.safetensors")
    try FileManager.default.copyItem(atPath: one, toPath: copy)
    let (notes, none) = (Notes(), Notes())
    _ = try merge([one, other, copy], notes: notes)
    _ = try merge([one, other], notes: none)
    #expect(
      notes.lines == [
        "\(try data(0..<8)): its samples were gathered before, so they count more than once"
      ])
    #expect(none.lines == [])
  }

  @Test func dataSplitAnewMayCountMoreThanOnce() throws {
    let path = folder.path("quarter.safetensors")
    _ = try StatisticsGathering(
      input: model, output: path, overwriting: false,
      data: DataRequest(paths: [try data(0..<32)]), holdout: 0.25, machine: Machine(threads: 1)
    ).run(.silent)
    let notes = Notes()
    _ = try merge([gather(0..<32, to: "half.safetensors"), path], notes: notes)
    #expect(
      notes.lines == [
        "\(try data(0..<32)): gathered from 2 times, each time with other samples fitted on: what is the "
          + "same in them counts more than once, and may be both fitted on and held out"
      ])
  }

  @Test func anotherHoldoutIsNoted() throws {
    let statistics = try gather(0..<32, to: "a.safetensors")
    let notes = Notes()
    _ = try convert(
      data(0..<32), statistics: statistics, to: "a.onnx",
      selection: SelectionOptions(spans: "2:3", holdout: 0.25), notes: notes)
    #expect(
      notes.lines == [Self.noteOnOtherSamples(statistics)])
  }

  private static func noteOnOtherSamples(_ path: String) -> String {
    "\(path): samples held out now may be among those fitted on, and the loss then be larger than is "
      + "told; give other samples, or those of one gather-stats run with its --holdout"
  }

  @Test func shortMemoryHoldsTheShortestSpans() throws {
    let notes = Notes()
    // 27 pairs of 128 bytes, twice, do not fit.
    let path = try gatherFew(0..<32, to: "a.safetensors", notes: notes)
    let pairs = try read(path).header.streams[0].pairs.filter { $0.from < $0.to }
    #expect(pairs.count < 21 && !pairs.isEmpty)
    #expect(Set(pairs.prefix(1)) == [PointPair(0, 1)])
    #expect(
      notes.lines == [
        "\(path): holds \(pairs.count) of 21 spans, the shortest: the moments of all would not fit "
          + "2 kB"
      ])
  }

  @Test func statisticsOfAnotherModelAreRefused() throws {
    let statistics = try gather(0..<8, to: "a.safetensors")
    let other = folder.path("other.onnx")
    try Self.write(blocks: 4, to: other)
    let (digest, otherDigest) = (
      try LoadedModel(path: model).digest(), try LoadedModel(path: other).digest()
    )
    let refusal = try failure { () throws(Failure) in
      try Conversion(
        input: other, output: nil, overwriting: false, recordsProvenance: false,
        data: DataRequest(paths: ["absent.npy"], statistics: statistics),
        selection: SelectionOptions(), machine: Machine(threads: 1)
      ).run(.silent)
    }
    #expect(refusal.status == .malformedInput)
    #expect(
      refusal.message == "\(statistics): is of another model: expected the digest "
        + "'\(otherDigest)' of \(other), got '\(digest)'")
  }

  // MARK: Merging

  private func merge(_ paths: [String], notes: Notes = Notes()) throws(Failure) -> StatisticsReport
  {
    try StatisticsMerging(
      inputs: paths, output: folder.path("merged.safetensors"), overwriting: true
    )
    .run(notes.diagnostics)
  }

  @Test func mergedShardsAreTheWhole() throws {
    let shards = try [0..<8, 8..<40, 40..<64].map {
      try gather($0, to: "\($0.lowerBound).safetensors")
    }
    let report = try merge(shards)
    #expect(report.schema == "rba-convert/merge-stats/1")
    #expect(report.samples.fit == 32 && report.samples.held == 32)
    #expect(report.rows.map(\.fit) == [96])
    #expect(report.pairs == [27])
    #expect(report.bytes == (try bytes(report.output)).count)
    let (merged, whole) = (try read(report.output), try read(gather(0..<64, to: "all.safetensors")))
    #expect(merged.header.sources.map(\.samples.fit) == [4, 16, 12])
    // Each shard is split by itself: of what is fitted on and what is held out together, all is there.
    func all(_ file: StatisticsFile, _ pair: PointPair) -> SpanMoments {
      var sum = file.moments(of: [pair], stream: 0, .fit).tokens
      sum.merge(file.moments(of: [pair], stream: 0, .held).tokens)
      return sum.span(from: pair.from, to: pair.to)
    }
    for pair in whole.header.streams[0].pairs where pair.from < pair.to {
      expectEqual(all(merged, pair), all(whole, pair))
      // And neither part has rows of the other.
      for part in SamplePart.allCases {
        var sum = try read(shards[0]).moments(of: [pair], stream: 0, part).tokens
        for shard in shards.dropFirst() {
          sum.merge(try read(shard).moments(of: [pair], stream: 0, part).tokens)
        }
        expectEqual(
          merged.moments(of: [pair], stream: 0, part).tokens.span(from: pair.from, to: pair.to),
          sum.span(from: pair.from, to: pair.to))
      }
    }
    let (a, b) = (
      try #require(merged.profiles(of: 2, stream: 0)),
      try #require(whole.profiles(of: 2, stream: 0))
    )
    #expect(a.fit.sampleCount == 32 && a.held.sampleCount == 32)
    let (x, y) = (a.all, b.all)
    for (x, y) in zip(x.means + x.squares, y.means + y.squares) {
      #expect(abs(x - y) < 1e-5 * max(abs(y), 1))
    }
  }

  /// To within what sums of 192 products in float may differ, relative to the largest.
  private func expectEqual(_ a: SpanMoments, _ b: SpanMoments) {
    #expect(a.weight == b.weight)
    let bound = 192 * Double(Float.ulpOfOne) * max(b.xx.max()!, b.traceYY)
    for (x, y) in zip(a.xx + a.xy + [a.traceYY], b.xx + b.xy + [b.traceYY]) {
      #expect(abs(x - y) <= bound)
    }
    for (x, y) in zip(a.meanX + a.meanY, b.meanX + b.meanY) { #expect(abs(x - y) < 1e-6) }
  }

  @Test func onlyWhatAllFilesHoldIsMerged() throws {
    let whole = try gather(0..<32, to: "a.safetensors")
    let part = try gatherFew(32..<64, to: "b.safetensors")
    let held = try read(part).header.streams[0].pairs.count
    let notes = Notes()
    #expect(try merge([whole, part], notes: notes).pairs == [held])
    #expect(
      notes.lines == ["\(held) of 27 pairs of points are in all files; the others are left out"])
  }

  @Test func filesOfOtherModelsDoNotMerge() throws {
    let first = try gather(0..<8, to: "a.safetensors")
    var header = try read(first).header
    header.model = "00"
    let other = try edit(first) { _, metadata in
      metadata["rba-convert.statistics"] = try header.json()
    }
    let digest = try read(first).header.model
    let refusal = try failure { () throws(Failure) in try merge([first, other]) }
    #expect(refusal.status == .malformedInput)
    #expect(
      refusal.message
        == "\(other): is of another model than \(first): expected '\(digest)', got '00'")
    #expect(
      try failure { () throws(Failure) in try merge([first]) }.status == .usage)
    let same = try failure { () throws(Failure) in
      try StatisticsMerging(inputs: [first, first], output: first, overwriting: true).run(.silent)
    }
    #expect(same.message == "\(first): is a statistics file to merge")
  }

  @Test func moreRowsThanCanBeCountedDoNotMerge() throws {
    let first = try gather(0..<8, to: "a.safetensors")
    var header = try read(first).header
    header.streams[0].rows.fit = 1 << 53
    let huge = try edit(first) { _, metadata in
      metadata["rba-convert.statistics"] = try header.json()
    }
    let refusal = try failure { () throws(Failure) in try merge([first, huge]) }
    #expect(
      refusal.message == "\(huge): more rows than can be counted, with those before")
  }

  @Test func sumsBeyondWhatAFileHoldsReplaceNothing() throws {
    let first = try gather(0..<8, to: "a.safetensors")
    let huge = try edit(first) { tensors, _ in
      for (name, shape) in [("held.0.squares.2", [4]), ("held.0.products.2.2", [4, 4])] {
        var numbers: [Double] = try #require(tensors[name]).elements()
        numbers[0] = 9e59
        tensors[name] = Tensor(numbers, shape: shape)
      }
    }
    let before = try bytes(try merge([first, first]).output)
    let refusal = try failure { () throws(Failure) in try merge([huge, huge]) }
    let output = folder.path("merged.safetensors")
    #expect(
      refusal.message
        == "\(output): tensor 'held.0.squares.2': expected finite sums, got 1.8e+60")
    #expect(try bytes(output) == before)
  }

  @Test func filesWithoutACommonPairDoNotMerge() throws {
    let first = try gather(0..<8, to: "a.safetensors")
    func keep(_ pair: PointPair, as name: String) throws -> String {
      var header = try read(first).header
      header.streams[0].pairs = [PointPair(pair.from, pair.from), pair]
      let moments = StreamStatistics(
        fit: try read(first).moments(of: [pair], stream: 0, .fit),
        held: try read(first).moments(of: [pair], stream: 0, .held))
      let path = folder.path(name)
      try StatisticsFile.write(
        header,
        [
          StreamRecord(
            moments: moments, profiles: PointProfiles(width: 4, points: [pair.from, pair.to]))
        ], to: path)
      return path
    }
    let paths = [
      try keep(PointPair(0, 1), as: "x.safetensors"),
      try keep(PointPair(2, 3), as: "y.safetensors"),
    ]
    let refusal = try failure { () throws(Failure) in try merge(paths) }
    #expect(
      refusal.message == "\(paths[0]): has no pair of points that all other files hold too")
  }

  // MARK: Domain shift

  private func verify(
    _ other: String, _ data: String, statistics: String? = nil, notes: Notes = Notes()
  ) throws(Failure) -> VerifyReport {
    try Verification(
      a: model, b: other, data: DataRequest(paths: [data], statistics: statistics),
      maximumError: .infinity, minimumAgreement: nil, machine: Machine(threads: 1)
    ).run(notes.diagnostics)
  }

  @Test(arguments: ["onnx", "safetensors"])
  func dataOfAnotherKindAreNoted(ending: String) throws {
    _ = try convert(
      data(0..<32), statistics: nil, to: "out.\(ending)",
      selection: SelectionOptions(spans: "0.5:1,2:3", holdout: 0.5))
    let output = folder.path("out.\(ending)")
    for range in [32..<64, 40..<44, 63..<64] {
      let notes = Notes()
      let shift = try #require(try verify(output, try data(range), notes: notes).domainShift)
      #expect(!shift.exceeded && shift.distance <= shift.limit)
      #expect(notes.lines == [])
    }
    let (notes, far) = (Notes(), try data(32..<64, scale: 5))
    let shift = try #require(try verify(output, far, notes: notes).domainShift)
    #expect(shift.exceeded && shift.distance > shift.limit)
    #expect(["h1", "h4"].contains(shift.point))
    #expect(notes.lines.count == 1)
    #expect(
      notes.lines.first?.hasPrefix(
        "\(far): far from the data \(output) was made with: a distance of ") == true)
  }

  @Test func aStatisticsFileTellsToo() throws {
    let statistics = try gather(0..<32, to: "a.safetensors")
    let near = try verify(model, try data(32..<64), statistics: statistics).domainShift
    #expect(try #require(near).exceeded == false)
    let far = try verify(model, try data(32..<64, scale: 5), statistics: statistics).domainShift
    #expect(try #require(far).exceeded)
  }

  @Test func modelsThatSayNothingAreNotLookedAt() throws {
    let output = folder.path("out.onnx")
    _ = try Conversion(
      input: model, output: output, overwriting: false, recordsProvenance: false,
      data: DataRequest(paths: [try data(0..<32)]),
      selection: SelectionOptions(spans: "2:3"), machine: Machine(threads: 1)
    ).run(.silent)
    #expect(try LoadedModel(path: output).model.metadata.isEmpty)
    let notes = Notes()
    #expect(try verify(output, data(0..<8), notes: notes).domainShift == nil)
    #expect(notes.lines == [])
  }

  @Test func modelsMadeFromAnotherAreNotLookedAt() throws {
    _ = try convert(
      data(0..<32), statistics: nil, to: "out.onnx", selection: SelectionOptions(spans: "2:3"))
    let (output, copy, notes) = (folder.path("out.onnx"), folder.path("copy.onnx"), Notes())
    var other = try LoadedModel(path: model).model
    other.metadata.append(MetadataEntry(key: "more", value: "text"))
    try ONNXFile.write(other, to: copy, overwriting: false)
    let report = try Verification(
      a: copy, b: output, data: DataRequest(paths: [try data(0..<8)]), maximumError: .infinity,
      minimumAgreement: nil, machine: Machine(threads: 1)
    ).run(notes.diagnostics)
    #expect(report.domainShift == nil)
    #expect(
      notes.lines == [
        "\(output): made from another model than \(copy), so how near the data are to its "
          + "calibration is not looked at"
      ])
  }

  @Test func aDamagedSignatureIsRefused() throws {
    _ = try convert(
      data(0..<32), statistics: nil, to: "out.onnx", selection: SelectionOptions(spans: "2:3"))
    let output = folder.path("out.onnx")
    var damaged = try LoadedModel(path: output).model
    for index in damaged.metadata.indices
    where damaged.metadata[index].key == "rba-convert.calibration" {
      damaged.metadata[index].value = "{\"points\":[{}]}"
    }
    try ONNXFile.write(damaged, to: output, overwriting: true)
    let inputs = try data(0..<8)
    let refusal = try failure { () throws(Failure) in try verify(output, inputs) }
    #expect(refusal.status == .malformedInput)
    #expect(
      refusal.message
        == "\(output): metadata 'rba-convert.calibration': points[0]: 'name' is missing")
  }
}

extension ProfilePair {
  /// Of the samples fitted on and those held out.
  fileprivate var all: SampleProfile {
    var result = fit
    result.merge(held)
    return result
  }
}
