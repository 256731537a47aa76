import FoundationEssentials

extension ReplacementPlan {
  /// Reads a document, strictly: it has the members of its schema and no others.
  ///
  /// - Throws: `PlanError` with `.malformed` or `.unknownSchema`, and the place of the first fault.
  package init(json: [UInt8]) throws(PlanError) {
    let document = try JSONMember(document: json, schema: Self.currentSchema)
    try document.expectKeys(["schema", "model", "spans", "updates", "updatesFor", "calibration"])
    var spans: [Span] = []
    for span in try document["spans"].elements { spans.append(try Span(span)) }
    var updates: [WeightUpdate] = []
    for update in try document.optional("updates")?.elements ?? [] {
      updates.append(try WeightUpdate(update))
    }
    self.init(
      model: try document["model"].string, spans: spans,
      calibration: try document.optional("calibration").map {
        member throws(PlanError) in try CalibrationSignature(member)
      })
    // What the document says of its updates holds, whatever its spans are now.
    self.updates = updates
    updatesFor = try document.optional("updatesFor")?.string
  }
}

extension WeightUpdate {
  fileprivate init(_ member: JSONMember) throws(PlanError) {
    try member.expectKeys(["weight", "values"])
    self.init(weight: try member["weight"].string, values: try member["values"].floats)
  }
}

extension ReplacementPlan.Span {
  fileprivate init(_ member: JSONMember) throws(PlanError) {
    try member.expectKeys(["from", "to", "label", "form", "ridge", "mask", "weights"])
    let form = try member["form"]
    let name = try form.string
    guard let known = ReplacementForm(rawValue: name) else {
      let forms = ReplacementForm.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw PlanError(.malformed, path: form.path, "expected one of \(forms), got '\(name)'")
    }
    self.init(
      from: try member["from"].string, to: try member["to"].string,
      label: try member["label"].string, form: known, ridge: try member.optional("ridge")?.number,
      mask: try member.optional("mask")?.string,
      weights: try member.optional("weights").map { weights throws(PlanError) in
        try ReplacementWeights(weights)
      })
  }
}

extension ReplacementWeights {
  fileprivate init(_ member: JSONMember) throws(PlanError) {
    try member.expectKeys(Set(Part.allCases.map(\.rawValue)))
    func part(_ part: Part) throws(PlanError) -> [Float]? {
      try member.optional(part.rawValue)?.floats
    }
    self.init(
      weight: try part(.weight), up: try part(.up), context: try part(.context),
      bias: try part(.bias))
  }
}

/// A value and its place in the document.
struct JSONMember {
  let value: JSONValue
  let path: String

  init(value: JSONValue, path: String) {
    self.value = value
    self.path = path
  }

  /// A whole document that says of which schema it is.
  init(document: [UInt8], schema: String) throws(PlanError) {
    self.init(value: try JSONValue(document), path: "")
    let found = try self["schema"].string
    guard found == schema else {
      throw PlanError(.unknownSchema, path: "schema", "expected '\(schema)', got '\(found)'")
    }
  }

  /// The member called `key`, which must be there.
  subscript(key: String) -> JSONMember {
    get throws(PlanError) {
      guard let member = try optional(key) else {
        throw PlanError(.malformed, path: path, "'\(key)' is missing")
      }
      return member
    }
  }

  /// The member called `key`; `nil` if there is none, or it is null.
  func optional(_ key: String) throws(PlanError) -> JSONMember? {
    guard let member = try members.first(where: { $0.key == key }) else { return nil }
    if case .null = member.value { return nil }
    return JSONMember(value: member.value, path: path.isEmpty ? key : "\(path).\(key)")
  }

  func expectKeys(_ known: Set<String>) throws(PlanError) {
    guard let other = try members.first(where: { !known.contains($0.key) }) else { return }
    throw PlanError(.malformed, path: path, "expected no '\(other.key)'")
  }

  var elements: [JSONMember] {
    get throws(PlanError) {
      guard case .array(let values) = value else { throw fault("a list") }
      return values.enumerated().map { JSONMember(value: $1, path: "\(path)[\($0)]") }
    }
  }

  var string: String {
    get throws(PlanError) {
      guard case .string(let string) = value else { throw fault("a string") }
      return string
    }
  }

  var number: Double {
    get throws(PlanError) {
      guard case .number(let number) = value else { throw fault("a number") }
      return number
    }
  }

  /// Little-endian float32 numbers in base64.
  var floats: [Float] {
    get throws(PlanError) {
      guard let data = Data(base64Encoded: try string) else {
        throw PlanError(.malformed, path: path, "expected base64")
      }
      guard data.count % 4 == 0 else {
        throw PlanError(
          .malformed, path: path, "expected whole float32 numbers, got \(data.count) bytes")
      }
      let bytes = [UInt8](data)
      return stride(from: 0, to: bytes.count, by: 4).map { start in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
      }
    }
  }

  private var members: [(key: String, value: JSONValue)] {
    get throws(PlanError) {
      guard case .object(let members) = value else { throw fault("an object") }
      return members
    }
  }

  private func fault(_ expected: String) -> PlanError {
    PlanError(.malformed, path: path, "expected \(expected), got \(value.kind)")
  }
}
