import FoundationEssentials
package import Statistics

/// What data were like at some points of a model: little enough to travel with a model that was fitted
/// on them, and enough to tell data of another kind.
package struct CalibrationSignature: Sendable, Hashable, LineDocument {
  /// One point of a residual stream. All lists have a number for each of the d features.
  package struct Point: Sendable, Hashable, Encodable {
    /// The name of the value.
    package var name: String
    /// How many samples were fitted on.
    package var samples: Int
    /// How far the held-out samples were from them: what is normal.
    package var heldDistance: Double
    /// Over all rows, and the standard deviation of a sample's mean.
    package var mean: FloatList
    package var meanSpread: FloatList
    /// The logarithm of a feature's standard deviation within a sample, and its standard deviation over
    /// samples.
    package var logDeviation: FloatList
    package var logDeviationSpread: FloatList

    /// What `profile` says of the point called `name`, in the precision of float.
    package init(name: String, _ profile: SampleProfile, heldDistance: Double) {
      let width = profile.width
      let spread = profile.squares.map {
        ($0 / Double(max(profile.sampleCount - 1, 1))).squareRoot()
      }
      self.name = name
      self.heldDistance = Double(Float(heldDistance))
      samples = profile.sampleCount
      mean = FloatList(profile.means[..<width])
      logDeviation = FloatList(profile.means[width...])
      meanSpread = FloatList(spread[..<width])
      logDeviationSpread = FloatList(spread[width...])
    }

    package var width: Int { mean.values.count }

    package var profile: SampleProfile {
      SampleProfile(
        width: width, sampleCount: samples,
        means: (mean.values + logDeviation.values).map { Double($0) },
        squares: (meanSpread.values + logDeviationSpread.values).map {
          Double($0) * Double($0) * Double(max(samples - 1, 1))
        })
    }
  }

  package var points: [Point]

  package init(points: [Point]) { self.points = points }

  /// Reads a document, strictly.
  ///
  /// - Throws: `PlanError` with `.malformed` and the place of the first fault.
  package init(json: [UInt8]) throws(PlanError) {
    try self.init(JSONMember(value: try JSONValue(json), path: ""))
  }

  init(_ member: JSONMember) throws(PlanError) {
    try member.expectKeys(["points"])
    points = []
    for point in try member["points"].elements { points.append(try Point(point)) }
  }
}

/// Numbers that a document holds as little-endian float32 in base64.
package struct FloatList: Sendable, Hashable, Encodable {
  package var values: [Float]

  init(_ values: [Float]) { self.values = values }

  fileprivate init(_ values: ArraySlice<Double>) { self.values = values.map { Float($0) } }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(values.littleEndian)
  }
}

extension CalibrationSignature.Point {
  fileprivate init(_ member: JSONMember) throws(PlanError) {
    try member.expectKeys([
      "name", "samples", "heldDistance", "mean", "meanSpread", "logDeviation",
      "logDeviationSpread",
    ])
    name = try member["name"].string
    samples = try member["samples"].count
    heldDistance = try member["heldDistance"].number
    mean = FloatList(try member["mean"].floats)
    guard !mean.values.isEmpty else {
      throw PlanError(.malformed, path: "\(member.path).mean", "expected numbers, got none")
    }
    let width = mean.values.count
    func list(_ key: String) throws(PlanError) -> FloatList {
      let list = FloatList(try member[key].floats)
      guard list.values.count == width else {
        throw PlanError(
          .malformed, path: "\(member.path).\(key)",
          "expected \(width) numbers, as many as in 'mean', got \(list.values.count)")
      }
      return list
    }
    meanSpread = try list("meanSpread")
    logDeviation = try list("logDeviation")
    logDeviationSpread = try list("logDeviationSpread")
    for (key, list) in [
      ("mean", mean), ("meanSpread", meanSpread), ("logDeviation", logDeviation),
      ("logDeviationSpread", logDeviationSpread),
    ] where !list.values.allSatisfy(\.isFinite) {
      throw PlanError(
        .malformed, path: "\(member.path).\(key)", "has a number that is not finite")
    }
  }
}
