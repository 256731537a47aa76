/// What `gather-stats` or `merge-stats` wrote. Schema `rba-convert/gather-stats/1` or
/// `rba-convert/merge-stats/1`.
public struct StatisticsReport: Encodable, Sendable {
  /// A number for what is fitted on, and one for what is held out of the fit.
  public struct Parts: Encodable, Sendable {
    /// Of what is fitted on.
    public var fit: Int
    /// Of what is held out.
    public var held: Int
  }

  /// The version of this form.
  public var schema: String
  /// Samples of all data.
  public var samples: Parts
  /// Rows, which are tokens or pixels, of each residual stream.
  public var rows: [Parts]
  /// Pairs of points whose products are held, of each residual stream.
  public var pairs: [Int]
  /// Size of the file.
  public var bytes: Int
  /// The file written.
  public var output: String
}
