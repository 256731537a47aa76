import FoundationEssentials
package import Statistics
import Tensors

/// What a statistics file says of the moments it holds: of which model, at which points, over what.
package struct StatisticsHeader: Sendable, Hashable, LineDocument {
  /// A number for the part that is fitted on, and one for the part that is held out.
  package struct Counts: Sendable, Hashable, Encodable {
    package var fit: Int
    package var held: Int

    package init(fit: Int, held: Int) {
      self.fit = fit
      self.held = held
    }
  }

  /// The same of numbers that need not be whole.
  package struct Weights: Sendable, Hashable, Encodable {
    package var fit: Double
    package var held: Double

    package init(fit: Double, held: Double) {
      self.fit = fit
      self.held = held
    }
  }

  /// How tokens were weighed that are much longer than others.
  package struct Outliers: Sendable, Hashable, Encodable {
    /// The median of ‖h‖² at each point.
    package var medians: [Double]
    /// The sums of the rows' weights.
    package var weights: Weights

    package init(medians: [Double], weights: Weights) {
      self.medians = medians
      self.weights = weights
    }
  }

  /// One residual stream.
  package struct Stream: Sendable, Hashable, Encodable {
    /// The names of all its values, in order.
    package var points: [String]
    /// Their shape at a batch of one, of the first data; one of its extents is `width`.
    package var shape: [Int]
    /// The number of features at one position.
    package var width: Int
    /// The pairs of points whose products are held, ascending; each pair's first point with itself among
    /// them.
    package var pairs: [PointPair]
    /// Rows that moments were taken over.
    package var rows: Counts
    /// Samples that profiles were taken over; as many as there are, but where some run only together.
    package var profiled: Counts
    /// Samples whose means moments were taken over; `nil` without such moments.
    package var means: Counts?
    /// Neighbourhoods that moments were taken over; `nil` without such moments.
    package var patches: Counts?
    /// `nil` where every row counts alike.
    package var outliers: Outliers?

    package init(
      points: [String], shape: [Int], width: Int, pairs: [PointPair], rows: Counts,
      profiled: Counts, means: Counts? = nil, patches: Counts? = nil, outliers: Outliers? = nil
    ) {
      self.points = points
      self.shape = shape
      self.width = width
      self.pairs = pairs
      self.rows = rows
      self.profiled = profiled
      self.means = means
      self.patches = patches
      self.outliers = outliers
    }

    private enum CodingKeys: CodingKey {
      case points, shape, width, pairs, rows, profiled, means, patches, outliers
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(points, forKey: .points)
      try container.encode(shape, forKey: .shape)
      try container.encode(width, forKey: .width)
      try container.encode(pairs.map { [$0.from, $0.to] }, forKey: .pairs)
      try container.encode(rows, forKey: .rows)
      try container.encode(profiled, forKey: .profiled)
      try container.encodeIfPresent(means, forKey: .means)
      try container.encodeIfPresent(patches, forKey: .patches)
      try container.encodeIfPresent(outliers, forKey: .outliers)
    }
  }

  /// Data that went in.
  package struct Source: Sendable, Hashable, Encodable {
    /// The paths as given.
    package var name: String
    package var samples: Counts
    /// Of the samples fitted on, by which they are known again whatever they are called.
    package var digest: String

    package init(name: String, samples: Counts, digest: String) {
      self.name = name
      self.samples = samples
      self.digest = digest
    }
  }

  package static let currentSchema = "rba-convert/stats/1"

  /// The largest number of rows, samples or neighbourhoods.
  package static let largestCount = JSONMember.largestCount

  package private(set) var schema = currentSchema
  /// The digest of the model's file.
  package var model: String
  package var streams: [Stream]
  package var sources: [Source]

  package init(model: String, streams: [Stream], sources: [Source]) {
    self.model = model
    self.streams = streams
    self.sources = sources
  }

  /// The samples of all sources, or the largest `Int`.
  package var samples: Counts {
    Counts(
      fit: sources.reduce(0) { saturatingSum($0, $1.samples.fit) },
      held: sources.reduce(0) { saturatingSum($0, $1.samples.held) })
  }
}
