import Statistics
import Testing

@testable import Planning

@Suite struct CalibrationSignatureTests {
  private static let signature = CalibrationSignature(points: [
    .init(
      name: "h",
      SampleProfile(width: 2, sampleCount: 5, means: [1, -2, 0.5, 0.25], squares: [4, 16, 1, 0]),
      heldDistance: 0.125)
  ])

  @Test func aDocumentComesBack() throws {
    let text = try Self.signature.json()
    #expect(
      text == """
        {"points":[{"heldDistance":0.125,"logDeviation":"AAAAPwAAgD4=","logDeviationSpread":"AAAAPwAAAAA=",\
        "mean":"AACAPwAAAMA=","meanSpread":"AACAPwAAAEA=","name":"h","samples":5}]}
        """)
    #expect(try CalibrationSignature(json: Array(text.utf8)) == Self.signature)
  }

  @Test func theProfileComesBack() {
    let profile = Self.signature.points[0].profile
    #expect(profile.sampleCount == 5)
    #expect(profile.means == [1, -2, 0.5, 0.25])
    #expect(profile.squares == [4, 16, 1, 0])
  }

  @Test(arguments: [
    (
      "\"samples\":5", "\"samples\":0",
      "points[0].samples: expected a whole number from 1 to 9007199254740992, got 0.0"
    ),
    ("\"AACAPwAAAMA=\"", "\"\"", "points[0].mean: expected numbers, got none"),
    (
      "\"AACAPwAAAMA=\"", "\"AACAPw==\"",
      "points[0].meanSpread: expected 1 numbers, as many as in 'mean', got 2"
    ),
    ("\"AACAPwAAAMA=\"", "\"AADAfwAAAMA=\"", "points[0].mean: has a number that is not finite"),
    ("\"AACAPwAAAMA=\"", "\"AACAPw\"", "points[0].mean: expected base64"),
    ("\"name\":\"h\",", "", "points[0]: 'name' is missing"),
    ("{\"points\"", "{\"more\":1,\"points\"", "expected no 'more'"),
  ])
  func wrongDocumentsAreRefused(old: String, new: String, message: String) throws {
    let text = try Self.signature.json()
    try #require(text.contains(old))
    let edited = text.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
      .joined(separator: new)
    let error = #expect(throws: PlanError.self) {
      try CalibrationSignature(json: Array(edited.utf8))
    }
    #expect(error?.description == message)
  }
}
