/// How many parts of a kind two models have, and what became of them.
public struct PartCounts: Encodable, Sendable {
  /// In the first model.
  public var a: Int
  /// In the second model.
  public var b: Int
  /// In both, every field the same.
  public var equal = 0
  /// In both, with the same contents in another place.
  public var moved = 0
  /// In both, with other contents.
  public var changed = 0
  /// In the second only.
  public var added = 0
  /// In the first only.
  public var removed = 0

  init(a: Int, b: Int) {
    self.a = a
    self.b = b
  }
}

/// What two models differ in. Schema `rba-convert/diff/1`.
public struct DiffReport: Encodable, Sendable {
  /// One part that is not the same in both.
  public struct Difference: Encodable, Sendable {
    /// The path of the part, such as `graph.node['y'].attribute['axis'].i`.
    public var place: String
    /// `added`, `removed`, `changed`, `moved` or `reordered`.
    public var change: String
    /// What the first model has there.
    @NullEncoded public var from: String?
    /// What the second model has there.
    @NullEncoded public var to: String?

    init(place: String) {
      self.place = place
      change = ""
    }
  }

  /// The version of this form.
  public let schema = "rba-convert/diff/1"
  /// The first model.
  public var a: String
  /// The second model.
  public var b: String
  /// Whether every field of both is the same, and every tensor's elements.
  public var equal: Bool
  /// Nodes of the main graph.
  public var nodes: PartCounts
  /// Initializers of the main graph.
  public var weights: PartCounts
  /// Elements of all stored weights.
  public var parameters: BeforeAfter
  /// Every difference, in the order of the specification's fields.
  public var differences: [Difference]
}
