import FoundationEssentials
import Planning
import SafetensorsFormat
import Statistics
import Tensors

/// Moments of a model's residual streams, gathered earlier and kept in a file.
///
/// The file is safetensors with float64 tensors alone. Its metadata's `rba-convert.statistics` is a
/// `StatisticsHeader`; its tensors are called PART.STREAM.NAME, with PART `fit` or `held`, STREAM the
/// stream's number, and NAME that of a part of the moments, such as `products.3.5`, `means.` or
/// `patches.` before it where they are those of samples' means or of neighbourhoods, or `samples.3`
/// for the profile of a point, [2, 2d]: means, and sums of squares about them.
struct StatisticsFile: Sendable {
  let path: String
  let header: StatisticsHeader
  let byteCount: Int
  /// By name.
  let tensors: [String: Tensor]
  /// What is to be said where maps are fitted on what the file holds.
  var remarks: [String] = []

  static let headerKey = "rba-convert.statistics"
  /// Numbers of greater magnitude are neither written nor read: no model's values come near, and fits
  /// have room to multiply smaller ones in double.
  private static let largestMagnitude = 1e60

  /// Maps and checks the file at `path`, whole: what it says, every number in it, and whether they agree.
  ///
  /// - Throws: `Failure`, naming the first fault.
  init(path: String) throws(Failure) {
    let file: SafetensorsFile
    do throws(SafetensorsError) { file = try .read(path: path) } catch { throw Failure(error) }
    guard let text = file.metadata[Self.headerKey] else {
      throw Failure(
        .malformedInput,
        "\(path): expected statistics that rba-convert wrote, with metadata '\(Self.headerKey)'")
    }
    do throws(PlanError) { header = try StatisticsHeader(json: Array(text.utf8)) } catch {
      throw Failure(.malformedInput, "\(path): metadata '\(Self.headerKey)': \(error)")
    }
    self.path = path
    byteCount = file.files.reduce(0) { $0 + $1.region.count }
    var expected: [String: StoredPart] = [:]
    for part in Self.parts(of: header) { expected[part.name] = part }
    var tensors: [String: Tensor] = [:]
    for (name, tensor) in file.tensors {
      guard let part = expected[name] else {
        throw Failure(.malformedInput, "\(path): tensor '\(name)': its metadata know none of it")
      }
      try part.check(tensor, path: path, largestMagnitude: Self.largestMagnitude)
      tensors[name] = tensor
    }
    self.tensors = tensors
    if let missing = Self.parts(of: header).first(where: { tensors[$0.name] == nil }) {
      throw Failure(.malformedInput, "\(path): tensor '\(missing.name)' is missing")
    }
    try checkProducts()
  }

  // MARK: What is there

  /// Whether there are moments to fit a span with, all of `kinds` among them.
  func holds(_ span: CandidateSpan, kinds: MomentKinds) -> Bool {
    header.streams.indices.contains(span.stream)
      && header.streams[span.stream].pairs.contains(span.pair)
      && header.streams[span.stream].kinds.isSuperset(of: kinds)
  }

  /// The moments of spans that are held, by stream.
  ///
  /// - Parameter kinds: those beside the tokens', by stream, all of them held where spans are.
  func moments(of spans: [CandidateSpan], kinds: [MomentKinds]) -> [StreamStatistics] {
    header.streams.indices.map { index in
      let pairs = spans.filter { $0.stream == index }.map(\.pair)
      return moments(of: pairs, stream: index, kinds: kinds[index])
    }
  }

  /// The moments of pairs of points of one stream, all of them held.
  func moments(of pairs: [PointPair], stream: Int, kinds: MomentKinds) -> StreamStatistics {
    StreamStatistics(
      fit: moments(of: pairs, stream: stream, .fit, kinds: kinds),
      held: moments(of: pairs, stream: stream, .held, kinds: kinds))
  }

  /// The moments of pairs of points of one stream, all of them held.
  ///
  /// - Parameter kinds: those beside the tokens'; all that are held where `nil`.
  func moments(
    of pairs: [PointPair], stream: Int, _ part: SamplePart, kinds: MomentKinds? = nil
  ) -> PartStatistics {
    let entry = header.streams[stream]
    return PartStatistics(entry, part, pairs: pairs, kinds: kinds ?? entry.kinds) { name in
      tensors["\(part.rawValue).\(stream).\(name)"]!.elements()
    }
  }

  /// The scale that a stream's outlier tokens were weighed by; `nil` where every row counts alike.
  func outliers(ofStream stream: Int) -> OutlierScale? {
    header.streams[stream].outliers.map { OutlierScale(medians: $0.medians) }
  }

  /// What the samples were like at a point, if it was observed.
  func profiles(of point: Int, stream: Int) -> ProfilePair? {
    guard header.streams.indices.contains(stream) else { return nil }
    func profile(_ part: SamplePart) -> SampleProfile? {
      let entry = header.streams[stream]
      guard let tensor = tensors["\(part.rawValue).\(stream).samples.\(point)"] else { return nil }
      let numbers: [Double] = tensor.elements()
      return SampleProfile(
        width: entry.width, sampleCount: entry.profiled[part],
        means: Array(numbers[..<(2 * entry.width)]), squares: Array(numbers[(2 * entry.width)...]))
    }
    guard let fit = profile(.fit), let held = profile(.held) else { return nil }
    return ProfilePair(fit: fit, held: held)
  }

  /// The points that were observed.
  func points(ofStream stream: Int) -> [Int] {
    StreamMoments.kept(for: header.streams[stream].pairs).points
  }

  // MARK: Whether it fits

  /// Reads the file at `path`, whose statistics are of `loaded`.
  init(path: String, of loaded: LoadedModel) throws(Failure) {
    self = try Self(path: path)
    try checkModel(loaded)
  }

  /// - Throws: `Failure` where the statistics are of another model than `loaded`.
  private func checkModel(_ loaded: LoadedModel) throws(Failure) {
    let digest = loaded.digest()
    guard header.model == digest else {
      throw Failure(
        .malformedInput,
        "\(path): is of another model: expected the digest '\(digest)' of \(loaded.path), "
          + "got '\(header.model)'")
    }
  }

  /// - Throws: `Failure` where the statistics are of other streams.
  func checkMatches(
    _ streams: [ResidualStream], name: (Int, ResidualStream) -> String
  ) throws(Failure) {
    guard streams.count == header.streams.count else {
      throw Failure(
        .malformedInput,
        "\(path): expected \(streams.count) streams as in the model, got \(header.streams.count)")
    }
    for (index, (stream, entry)) in zip(streams, header.streams).enumerated() {
      try entry.checkMatches(
        points: stream.points.indices.map { name($0, stream) }, width: stream.width, stream: index,
        path: path)
    }
  }
}

extension StatisticsHeader.Stream {
  /// - Throws: `Failure` where the points or their width are others.
  func checkMatches(
    points other: [String], width otherWidth: Int, stream: Int, path: String
  ) throws(Failure) {
    guard points.count == other.count, width == otherWidth else {
      throw Failure(
        .malformedInput,
        "\(path): stream \(stream): expected \(other.count) points of width \(otherWidth), "
          + "got \(points.count) of \(width)")
    }
    guard let (got, wanted) = zip(points, other).first(where: { $0 != $1 }) else { return }
    throw Failure(
      .malformedInput, "\(path): stream \(stream): expected point '\(wanted)', got '\(got)'")
  }
}

/// A tensor that a statistics file has.
private struct StoredPart {
  let name: String
  let shape: [Int]
  /// From which element on they are sums of squares.
  let nonNegative: Int

  func check(_ tensor: Tensor, path: String, largestMagnitude: Double) throws(Failure) {
    guard tensor.elementType == .double, tensor.shape == shape else {
      throw Failure(
        .malformedInput,
        "\(path): tensor '\(name)': expected double\(shape), "
          + "got \(tensor.elementType)\(tensor.shape)")
    }
    let fault = tensor.withElements(of: Double.self) { numbers -> Double? in
      for index in numbers.indices {
        let number = numbers[index]
        if !(abs(number) <= largestMagnitude) || index >= nonNegative && number < 0 {
          return number
        }
      }
      return nil
    }
    if let fault { throw StatisticsFile.refusal(of: fault, in: name, path) }
  }
}

extension StatisticsFile {
  /// What is said of a number that a tensor may not hold.
  fileprivate static func refusal(of number: Double, in tensor: String, _ path: String) -> Failure {
    let expected = abs(number) <= largestMagnitude ? "sums of squares" : "finite sums"
    let found = number.isNaN ? "nan" : "\(number)"
    return Failure(
      .malformedInput, "\(path): tensor '\(tensor)': expected \(expected), got \(found)")
  }

  /// The tensors that a file with this header has.
  private static func parts(of header: StatisticsHeader) -> [StoredPart] {
    var result: [StoredPart] = []
    for part in SamplePart.allCases {
      for (index, stream) in header.streams.enumerated() {
        let prefix = "\(part.rawValue).\(index)"
        for stored in PartStatistics.parts(
          width: stream.width, pairs: stream.pairs, kinds: stream.kinds)
        {
          result.append(
            StoredPart(
              name: "\(prefix).\(stored.name)", shape: stored.shape,
              nonNegative: stored.isNonNegative ? 0 : .max))
        }
        for point in StreamMoments.kept(for: stream.pairs).points {
          result.append(
            StoredPart(
              name: "\(prefix).samples.\(point)", shape: [2, 2 * stream.width],
              nonNegative: 2 * stream.width))
        }
      }
    }
    return result
  }

  /// Whether a statistics file may be written under a name.
  static func isName(_ path: String) -> Bool { pathExtension(path) == "safetensors" }

  /// - Throws: `Failure` where no statistics file may be written under the name of an output.
  static func checkName(_ output: String) throws(Failure) {
    guard isName(output) else {
      throw Failure(.usage, "expected an output that ends in .safetensors, got '\(output)'")
    }
  }

  /// Writes what was gathered of each stream; the file appears whole or not at all.
  ///
  /// - Throws: `Failure`, also where a sum is beyond what a file may hold: nothing is written then.
  static func write(
    _ header: StatisticsHeader, _ records: consuming [StreamRecord], to path: String,
    overwriting: Bool = false
  ) throws(Failure) {
    var tensors: [(name: String, tensor: Tensor)] = []
    var fault: (name: String, number: Double)?
    func check(_ numbers: [Double], _ name: String) {
      guard fault == nil else { return }
      let number = numbers.first { !(abs($0) <= largestMagnitude) }
      fault = number.map { (name, $0) }
    }
    for index in records.indices {
      for part in SamplePart.allCases {
        let prefix = "\(part.rawValue).\(index)"
        let profiles = records[index].profiles
        for (point, profile) in zip(profiles.points, profiles[part]) {
          let (name, numbers) = ("\(prefix).samples.\(point)", profile.means + profile.squares)
          check(numbers, name)
          tensors.append((name, Tensor(numbers, shape: [2, 2 * profile.width])))
        }
        // What is copied is let go of.
        var moments = PartStatistics(width: header.streams[index].width, spans: [], kinds: [])
        swap(&moments, &records[index].moments[part])
        moments.takeApart { stored, values in
          let name = "\(prefix).\(stored.name)"
          check(values, name)
          tensors.append((name, Tensor(values, shape: stored.shape)))
        }
      }
    }
    if let fault { throw refusal(of: fault.number, in: fault.name, path) }
    let text: String
    do { text = try header.json() } catch {
      throw Failure(.internalFault, "\(path): cannot encode the statistics' header: \(error)")
    }
    do throws(SafetensorsError) {
      try SafetensorsFile.write(
        tensors, metadata: [headerKey: text], path: path, overwriting: overwriting)
    } catch { throw Failure(error) }
  }
}

extension DataRequest {
  /// - Throws: `Failure` where one file is to hold both the statistics and what is written of them.
  func checkStatistics(differFrom output: String) throws(Failure) {
    guard let statistics, statistics == output else { return }
    throw Failure(.usage, "--stats: '\(statistics)' is the output")
  }

  /// The statistics file asked for, if it is there; where it is to be written it is made sure that it can
  /// be.
  func savedStatistics(of loaded: LoadedModel) throws(Failure) -> StatisticsFile? {
    guard let statistics else { return nil }
    guard FileManager.default.fileExists(atPath: statistics) else {
      guard StatisticsFile.isName(statistics) else {
        throw Failure(
          .usage, "--stats: expected a file that ends in .safetensors, got '\(statistics)'")
      }
      try checkWritable(statistics, overwriting: false)
      return nil
    }
    return try StatisticsFile(path: statistics, of: loaded)
  }
}
