import Planning
import Statistics

/// The samples that are fitted on, or those held out of the fit.
enum SamplePart: String, CaseIterable, Sendable {
  case fit, held
}

/// All that one run over the data leaves of a stream.
struct StreamRecord: Sendable {
  var moments: StreamStatistics
  var profiles: PointProfiles
}

/// What samples are like at some points of a stream.
struct PointProfiles: Sendable {
  /// The points, ascending.
  let points: [Int]
  private var profiles: [SamplePart: [SampleProfile]]

  /// No samples yet.
  init(width: Int, points: [Int]) {
    self.points = points
    let none = [SampleProfile](repeating: SampleProfile(width: width), count: points.count)
    profiles = [.fit: none, .held: none]
  }

  /// In the order of `points`.
  subscript(part: SamplePart) -> [SampleProfile] {
    get { profiles[part] ?? [] }
    set { profiles[part] = newValue }
  }

  /// Adds the figures of samples at all points.
  mutating func add(_ figures: [[[Double]]], to part: SamplePart) {
    for (index, figures) in figures.enumerated() { self[part][index].add(figures) }
  }

  /// Those of a point that is observed.
  func pair(at point: Int) -> ProfilePair? {
    guard let index = points.firstIndex(of: point) else { return nil }
    return ProfilePair(fit: self[.fit][index], held: self[.held][index])
  }
}

/// What samples are like at one point: those fitted on and those held out.
struct ProfilePair: Sendable {
  var fit: SampleProfile
  var held: SampleProfile

  /// How far the held-out samples are from those fitted on; 0 where there are too few to say.
  var heldDistance: Double { DomainShift.distance(held, from: fit) ?? 0 }
}

extension Study {
  func samples(of part: SamplePart) -> SampleSelection { part == .fit ? fit : held }

  /// What the samples are like at points of streams, from the saved statistics where they have them.
  func profiles(of points: [StreamPoint]) throws(Failure) -> [ProfilePair] {
    let saved = points.map { savedStatistics?.profiles(of: $0.index, stream: $0.stream) }
    guard saved.contains(where: { $0 == nil }) else { return saved.compactMap(\.self) }
    let observed = streams.indices.map { index in
      Set(points.filter { $0.stream == index }.map(\.index)).sorted()
    }
    var result = zip(streams, observed).map { PointProfiles(width: $0.width, points: $1) }
    let observation = StreamObservation(study: self, points: observed)
    for part in SamplePart.allCases {
      try observation.forEachMicroBatch(
        samples(of: part),
        work: { batches, samples in
          batches.map { $0.rows().figures(width: $0.stream.width, samples: samples) }
        },
        merge: { figures in
          for index in figures.indices { result[index].add(figures[index], to: part) }
        })
    }
    return zip(points, saved).map { $1 ?? result[$0.stream].pair(at: $0.index)! }
  }
}
