import Statistics
import Testing

@testable import Planning

@Suite struct StatisticsHeaderTests {
  private static let header = StatisticsHeader(
    model: "00ff",
    streams: [
      .init(
        points: ["a", "b", "c"], shape: [1, 4, 8], width: 8,
        pairs: [PointPair(0, 0), PointPair(0, 2)], rows: .init(fit: 12, held: 4),
        profiled: .init(fit: 3, held: 1)),
      .init(
        points: ["d"], shape: [1, 2], width: 2, pairs: [], rows: .init(fit: 0, held: 0),
        profiled: .init(fit: 0, held: 0)),
    ],
    sources: [.init(name: "x.npy", samples: .init(fit: 3, held: 1), digest: "ff00")])

  /// With all that a stream may have.
  private static var full: StatisticsHeader {
    var header = header
    header.streams[0].means = .init(fit: 3, held: 1)
    header.streams[0].patches = .init(fit: 9, held: 2)
    header.streams[0].outliers = .init(
      medians: [0, 0.1, 1e300], weights: .init(fit: 11.7, held: 4))
    return header
  }

  @Test func aDocumentComesBack() throws {
    for header in [Self.header, Self.full] {
      let text = try header.json()
      #expect(try StatisticsHeader(json: Array(text.utf8)) == header)
      #expect(!text.contains("\n"))
    }
  }

  @Test(arguments: [
    (
      "\"means\":{\"fit\":3", "\"means\":{\"fit\":0",
      "streams[0].means.fit: expected a whole number from 1 to 9007199254740992, got 0.0"
    ),
    (
      "\"patches\":{\"fit\":9", "\"patches\":{\"fit\":9.5",
      "streams[0].patches.fit: expected a whole number from 1 to 9007199254740992, got 9.5"
    ),
    (
      "[0,0.1,1e+300]", "[0,0.1]",
      "streams[0].outliers.medians: expected a number for each of 3 points, got 2"
    ),
    (
      "[0,0.1,", "[0,-0.1,",
      "streams[0].outliers.medians[1]: expected a number from 0 to "
        + "\(Double.greatestFiniteMagnitude), got -0.1"
    ),
    (
      "\"fit\":11.7", "\"fit\":12.5",
      "streams[0].outliers.weights.fit: expected a number from 0 to 12.0, got 12.5"
    ),
    (
      "\"fit\":11.7", "\"fit\":0",
      "streams[0].outliers.weights.fit: expected a number above 0, got 0.0"
    ),
  ])
  func wrongKindsAreRefused(old: String, new: String, message: String) throws {
    try expectRefusal(of: Self.full, old, new, message)
  }

  @Test(arguments: [
    ("{", "", "line 1: expected the end, got ':'"),
    ("\"model\":\"00ff\",", "", "'model' is missing"),
    ("\"model\":", "\"modal\":", "expected no 'modal'"),
    ("\"00ff\"", "17", "model: expected a string, got a number"),
    ("stats/1", "stats/2", "schema: expected 'rba-convert/stats/1', got 'rba-convert/stats/2'"),
    (
      "\"width\":8", "\"width\":0",
      "streams[0].width: expected a whole number from 1 to 16777216, got 0.0"
    ),
    (
      "\"width\":8", "\"width\":1e300",
      "streams[0].width: expected a whole number from 1 to 16777216, got 1e+300"
    ),
    (
      "\"width\":8", "\"width\":8.5",
      "streams[0].width: expected a whole number from 1 to 16777216, got 8.5"
    ),
    (
      "\"width\":8", "\"width\":7",
      "streams[0].shape: expected one extent of 7, the width, got [1, 4, 8]"
    ),
    ("[1,4,8]", "[]", "streams[0].shape: expected one extent of 8, the width, got []"),
    ("[0,2]", "[0,3]", "streams[0].pairs[1][1]: expected a whole number from 0 to 2, got 3.0"),
    ("[0,2]", "[2,0]", "streams[0].pairs[1][1]: expected a whole number from 2 to 2, got 0.0"),
    ("[0,2]", "[-1,2]", "streams[0].pairs[1][0]: expected a whole number from 0 to 2, got -1.0"),
    ("[0,2]", "[0]", "streams[0].pairs[1]: expected two of 3 points, got 1"),
    (
      "[0,2]", "[1,2]",
      "streams[0].pairs: expected ascending pairs, each first point's with itself among them"
    ),
    (
      "[[0,0],[0,2]]", "[[0,2],[0,0]]",
      "streams[0].pairs: expected ascending pairs, each first point's with itself among them"
    ),
    (
      "[[0,0],[0,2]]", "[[0,0],[0,0]]",
      "streams[0].pairs: expected ascending pairs, each first point's with itself among them"
    ),
    ("[\"a\",\"b\",\"c\"]", "[]", "streams[0].pairs[0]: expected two of 0 points, got 2"),
    (
      "\"fit\":12", "\"fit\":0",
      "streams[0].rows.fit: expected a whole number from 1 to 9007199254740992, got 0.0"
    ),
    (
      "\"fit\":12", "\"fit\":1e16",
      "streams[0].rows.fit: expected a whole number from 1 to 9007199254740992, got 1e+16"
    ),
    (
      "[{\"digest\":\"ff00\",\"name\":\"x.npy\",\"samples\":{\"fit\":3,\"held\":1}}]", "[]",
      "sources: expected data, got none"
    ),
  ])
  func wrongDocumentsAreRefused(old: String, new: String, message: String) throws {
    try expectRefusal(of: Self.header, old, new, message)
  }

  private func expectRefusal(
    of header: StatisticsHeader, _ old: String, _ new: String, _ message: String
  ) throws {
    let text = try header.json()
    let range = try #require(text.firstRange(of: old))
    let edited = text.replacingCharacters(in: range, with: new)
    let error = #expect(throws: PlanError.self) { try StatisticsHeader(json: Array(edited.utf8)) }
    #expect(error?.description == message)
  }
}

extension String {
  fileprivate func replacingCharacters(in range: Range<Index>, with other: String) -> String {
    self[..<range.lowerBound] + other + self[range.upperBound...]
  }
}
