import Operators

/// The operators this program evaluates: `--list-operators`.
public struct OperatorListing: Sendable {
  /// Everything there is.
  public init() {}

  /// Lists the operators by domain and name.
  public func run() -> OperatorReport {
    let signatures = OperatorRegistry.standard.signatures.filter { $0.domain != loweredDomain }
    let domains = Dictionary(grouping: signatures, by: \.domain)
    return OperatorReport(
      domains: domains.sorted { $0.key < $1.key }.map { domain, signatures in
        let names = Dictionary(grouping: signatures, by: \.name)
        return OperatorReport.Domain(
          domain: domain,
          operators: names.sorted { $0.key < $1.key }.map { name, signatures in
            OperatorReport.Operator(name: name, versions: merged(signatures.map(\.versions)))
          })
      })
  }

  /// The ranges, those that adjoin as one.
  private func merged(_ ranges: [ClosedRange<Int>]) -> [OperatorReport.Versions] {
    var result: [OperatorReport.Versions] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      let through = range.upperBound == .max ? nil : range.upperBound
      if let last = result.last, last.through.map({ $0 >= range.lowerBound - 1 }) ?? true {
        let end = last.through.flatMap { a in through.map { max(a, $0) } }
        result[result.count - 1].through = end
      } else {
        result.append(OperatorReport.Versions(from: range.lowerBound, through: through))
      }
    }
    return result
  }
}

/// What `--list-operators` lists. Schema `rba-convert/list-operators/1`.
public struct OperatorReport: Encodable, Sendable {
  /// Versions of a domain's operator set, one after the other.
  public struct Versions: Encodable, Sendable {
    /// The first.
    public var from: Int
    /// The last; absent where every later one is taken too.
    @NullEncoded public var through: Int?
  }

  /// An operator.
  public struct Operator: Encodable, Sendable {
    /// Its name in the domain.
    public var name: String
    /// The versions of the operator set that it is evaluated for.
    public var versions: [Versions]
  }

  /// A domain and its operators.
  public struct Domain: Encodable, Sendable {
    /// The domain's name; empty for ONNX's own.
    public var domain: String
    /// The operators, by name.
    public var operators: [Operator]
  }

  /// The version of this form.
  public let schema = "rba-convert/list-operators/1"
  /// Every domain, by name.
  public var domains: [Domain]
}
