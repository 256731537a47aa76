import GraphIR
import Operators
import Planning
import Tensors
import Testing

@Suite struct ReplacementPlanTests {
  static func plan(_ spans: [ReplacementPlan.Span]) -> ReplacementPlan {
    ReplacementPlan(model: "abc", spans: spans)
  }

  static func span(
    _ from: String, _ to: String, _ form: ReplacementForm = .identity,
    _ weights: ReplacementWeights? = nil
  ) -> ReplacementPlan.Span {
    .init(from: from, to: to, label: "", form: form, weights: weights)
  }

  @Test func roundTripKeepsEveryBit() throws {
    let weights = ReplacementWeights(
      weight: [0.1, -0.0, .leastNonzeroMagnitude, 3], bias: [1, 2, 3, 4])
    let plan = Self.plan([Self.span("h0", "h1", .diagonal, weights)])
    let json = try plan.json()
    let read = try ReplacementPlan(json: json)
    #expect(read == plan)
    #expect(read.spans[0].weights?.weight?[1].sign == .minus)
    #expect(try read.json() == json)
  }

  @Test(arguments: ReplacementForm.allCases)
  func everyFormIsReadAsItWasWritten(_ form: ReplacementForm) throws {
    let numbers = { (part: ReplacementWeights.Part) in
      form.count(of: part, width: 4, rank: 2).map { count in
        (0..<count).map { Float($0) / 3 }
      }
    }
    let weights = ReplacementWeights(
      weight: numbers(.weight), up: numbers(.up), context: numbers(.context),
      bias: numbers(.bias))
    #expect(weights.count == form.parameterCount(width: 4, rank: 2))
    let plan = Self.plan([Self.span("h0", "h1", form, weights)])
    let read = try ReplacementPlan(json: plan.json())
    #expect(read == plan)
    guard form != .convolution else { return }
    let fixture = try StreamFixture.preNorm(blocks: 1)
    #expect(
      try read.resolve(in: fixture.graph, fixture.find().streams, digest: "abc").count == 1)
  }

  @Test(arguments: [
    (
      span("h0", "h1", .lowRank, .init(weight: [1, 2], up: [1], bias: [1, 2, 3, 4])),
      "spans[0].weights.weight: expected from 1 to 4 times 4 numbers for form 'low-rank', "
        + "got 2 numbers"
    ),
    (
      span(
        "h0", "h1", .lowRank, .init(weight: [1, 2, 3, 4], up: [1], bias: [1, 2, 3, 4])),
      "spans[0].weights.up: expected 4 numbers for form 'low-rank', got 1 numbers"
    ),
    (
      span("h0", "h1", .bias, .init(context: [1], bias: [1, 2, 3, 4])),
      "spans[0].weights.context: expected none for form 'bias', got 1 numbers"
    ),
    (
      span("h0", "h1", .convolution),
      "spans[0].form: form 'convolution' takes a stream shaped [N, d, H, W], got [1, 3, 4]"
    ),
    (
      .init(from: "h0", to: "h1", label: "", form: .identity, mask: "x"),
      "spans[0].mask: expected none for form 'identity'"
    ),
    (
      .init(from: "h0", to: "h1", label: "", form: .context, mask: "x"),
      "spans[0].mask: 'x' is no input that masks the stream's tokens"
    ),
  ])
  func whatAFormDoesNotTakeIsRefused(_ span: ReplacementPlan.Span, _ message: String) throws {
    let fixture = try StreamFixture.preNorm(blocks: 1)
    let error = #expect(throws: PlanError.self) {
      try Self.plan([span]).resolve(in: fixture.graph, fixture.find().streams, digest: "abc")
    }
    #expect(error?.description == message)
  }

  @Test(arguments: [
    ([span("h0", "h2"), span("h1", "h3")], PlanError.Code.overlap, "spans[1]"),
    ([span("h0", "nowhere")], .unknownPoint, "spans[0].to"),
    ([span("h2", "h1")], .invalidSpan, "spans[0]"),
    (
      [span("h0", "h1", .linear, .init(weight: [1], bias: [1]))], .invalidWeights,
      "spans[0].weights.weight"
    ),
    (
      [span("h0", "h1", .bias, .init(bias: [.nan, 0, 0, 0]))], .invalidWeights,
      "spans[0].weights.bias"
    ),
  ])
  func faultsNameTheirPlace(_ spans: [ReplacementPlan.Span], _ code: PlanError.Code, _ path: String)
    throws
  {
    let fixture = try StreamFixture.preNorm(blocks: 2)
    let streams = fixture.find().streams
    let error = #expect(throws: PlanError.self) {
      try Self.plan(spans).resolve(in: fixture.graph, streams, digest: "abc")
    }
    #expect(error?.code == code)
    #expect(error?.path == path)
  }

  @Test(arguments: [(ElementType.float16, Float(65_504)), (.bfloat16, 0x1p127)])
  func weightsBeyondTheStreamsTypeAreRefused(_ type: ElementType, largest: Float) throws {
    var fixture = try StreamFixture.preNorm(blocks: 1)
    fixture.types = fixture.types.mapValues { ArrayType(type, $0.shape) }
    let (graph, streams) = (fixture.graph, fixture.find().streams)
    func plan(_ number: Float) -> ReplacementPlan {
      let weights = ReplacementWeights(weight: [1, 2, number, 3], bias: [0, 0, 0, 0])
      return Self.plan([Self.span("h0", "h1", .diagonal, weights)])
    }
    #expect(try plan(largest).resolve(in: graph, streams, digest: "abc").count == 1)
    let error = #expect(throws: PlanError.self) {
      try plan(.greatestFiniteMagnitude).resolve(in: graph, streams, digest: "abc")
    }
    #expect(error?.code == .invalidWeights)
    #expect(
      error?.description == "spans[0].weights.weight: has a number that is beyond \(type)")
  }

  @Test func otherModelIsRefused() throws {
    let fixture = try StreamFixture.preNorm(blocks: 1)
    let error = #expect(throws: PlanError.self) {
      try Self.plan([]).resolve(in: fixture.graph, fixture.find().streams, digest: "def")
    }
    #expect(error?.code == .otherModel)
  }

  /// A document with one span, of which `change` replaces a part.
  private static func document(_ part: String, _ change: String) -> String {
    """
    {
      "model": "abc", "schema": "rba-convert/plan/1",
      "spans": [
        {"form": "bias", "from": "h0", "to": "h1", "label": "0:1", "ridge": 1e-3,
         "weights": {"bias": "AAAAAA=="}}
      ]
    }
    """.replacing(part, with: change)
  }

  @Test(arguments: [
    ("}}", "}", "line 6: expected ',' or '}', got ']'"),
    ("]", "", "line 7: expected ',' or ']', got '}'"),
    ("\"model\": \"abc\", ", "", "'model' is missing"),
    ("\"model\": ", "\"modle\": ", "expected no 'modle'"),
    ("\"label\"", "\"label\": 1, \"form\"", "line 4: expected one 'form', got two"),
    ("\"abc\"", "12", "model: expected a string, got a number"),
    ("1e-3", "\"small\"", "spans[0].ridge: expected a number, got a string"),
    ("1e-3", "1e999", "line 4: expected a number that is finite, got 1e999"),
    ("1e-3", "-", "line 4: expected a number, got ','"),
    ("1e-3", "01", "line 4: expected a number, got ','"),
    ("1e-3", "1.", "line 4: expected a digit, got ','"),
    ("\"h0\"", "[]", "spans[0].from: expected a string, got a list"),
    ("\"h0\"", "\"h0\n", "line 4: expected a closing quote, got '\n'"),
    ("\"h0\"", "\"\\x\"", "line 4: expected an escape, got 'x'"),
    ("\"h0\"", "\"\\ud800\"", "line 4: expected the second half of a surrogate pair, got '\"'"),
    ("\"h0\"", "\"\\u12g4\"", "line 4: expected four hexadecimal digits, got '1'"),
    (
      "\"bias\", ", "\"cubic\", ",
      "spans[0].form: expected one of 'identity', 'bias', 'diagonal', 'low-rank', 'linear', "
        + "'linear-unbiased', 'least-squares', 'context', 'convolution', 'folded', got 'cubic'"
    ),
    ("{\"bias\": \"AAAAAA==\"}", "true", "spans[0].weights: expected an object, got a truth value"),
    ("AAAAAA==", "?", "spans[0].weights.bias: expected base64"),
    ("AAAAAA==", "AAAA", "spans[0].weights.bias: expected whole float32 numbers, got 3 bytes"),
    ("[\n", "{\n", "line 4: expected a key, got '{'"),
  ])
  func documentsThatAreNoPlan(_ part: String, _ change: String, _ message: String) {
    let text = Self.document(part, change)
    let error = #expect(throws: PlanError.self) { try ReplacementPlan(json: Array(text.utf8)) }
    #expect(error?.code == .malformed)
    #expect(error?.description == message)
  }

  @Test(arguments: [
    ([], "line 1: expected a value, got the end"),
    (Array("[]".utf8), "expected an object, got a list"),
    (Array("{} {}".utf8), "line 1: expected the end, got '{'"),
    ([0x22, 0xFF, 0x22], "expected a JSON document, got bytes that are not UTF-8"),
    (
      [UInt8](repeating: UInt8(ascii: "["), count: 100_000),
      "line 1: expected at most 32 levels of nesting"
    ),
  ])
  func textThatIsNoDocument(_ bytes: [UInt8], _ message: String) {
    let error = #expect(throws: PlanError.self) { try ReplacementPlan(json: bytes) }
    #expect(error?.description == message)
  }

  @Test func anotherSchemaIsRefusedWhateverElseItHas() {
    let text = Self.document("plan/1\",", "plan/9\", \"new\": 1,")
    let error = #expect(throws: PlanError.self) { try ReplacementPlan(json: Array(text.utf8)) }
    #expect(error?.code == .unknownSchema)
    #expect(
      error?.description
        == "schema: expected 'rba-convert/plan/1', got 'rba-convert/plan/9'")
  }

  @Test func escapesAndNullsAreRead() throws {
    let text = Self.document("\"h0\"", #""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#)
      .replacing("1e-3", with: "null")
    let span = try ReplacementPlan(json: Array(text.utf8)).spans[0]
    #expect(span.from == "\"\\/\u{8}\u{C}\n\r\té😀")
    #expect(span.ridge == nil)
  }

  @Test func noPrefixIsAPlan() {
    let bytes = Array(Self.document("", "").utf8)
    for count in bytes.indices {
      #expect(throws: PlanError.self) { try ReplacementPlan(json: Array(bytes.prefix(count))) }
    }
  }

  @Test(arguments: [
    ("0:3", PlanError.Code.unknownPoint), ("1", .invalidSpan), ("1:0", .invalidSpan),
    ("0:1,0.5:2", .overlap), ("7/0:1", .unknownPoint), ("", .invalidSpan),
  ])
  func spansThatDoNotParse(_ text: String, _ code: PlanError.Code) throws {
    let streams = try StreamFixture.preNorm(blocks: 2).find().streams
    let error = #expect(throws: PlanError.self) { try CandidateSpan.parse(text, in: streams) }
    #expect(error?.code == code)
  }
}
