/// A quantity of the original model and of the converted one.
public struct BeforeAfter: Codable, Sendable {
  public var before: Int
  public var after: Int

  /// The part that went, from 0 to 1.
  public var reduction: Double { before == 0 ? 0 : 1 - Double(after) / Double(before) }
}

/// The name and type of a model's input or output.
public struct PortReport: Codable, Sendable {
  public var name: String
  /// The element type as ONNX's textual syntax calls it.
  public var type: String
  /// A number, a dimension parameter, or `?` per axis.
  public var shape: [String]
}

/// What `inspect` found. Schema `rba-convert/inspect/1`.
public struct InspectReport: Encodable, Sendable {
  /// One residual step of a stream.
  public struct Block: Encodable, Sendable {
    public var index: Int
    /// The points it leads from and to, as `--spans` names them.
    public var fromLabel: String
    public var toLabel: String
    public var from: String
    public var to: String
    public var nodes: Int
    public var parameters: Int
    /// For one sample.
    public var multiplyAdds: Int
    public var kind: String
  }

  /// A chain of values of one shape, each the last plus a branch.
  public struct Stream: Encodable, Sendable {
    /// At batch 1.
    public var shape: [Int]
    public var points: [String]
    public var labels: [String]
    public var blocks: [Block]
  }

  /// A residual-looking node that is no part of a stream.
  public struct Rejection: Encodable, Sendable {
    public var node: String
    public var reason: String
  }

  public let schema = "rba-convert/inspect/1"
  public var file: String
  public var parameters: Int
  public var bytes: Int
  public var multiplyAdds: Int
  public var opsets: [String: Int]
  public var producer: String
  public var operators: [String: Int]
  public var inputs: [PortReport]
  public var outputs: [PortReport]
  public var streams: [Stream]
  public var rejected: [Rejection]
  public var unsupported: [String: Int]
}

/// How one output of a model compares with the same output of another.
public struct OutputReport: Encodable, Sendable {
  public var name: String
  public var maxAbsoluteError: Double
  public var meanAbsoluteError: Double
  /// ‖b − a‖² / ‖a − mean(a)‖² over all samples, the mean taken per element over samples.
  public var relativeError: Double
  public var cosine: Double
  /// The share of samples with the same largest class, for outputs shaped [N, classes].
  public var top1Agreement: Double?
  /// The smallest t with |b − a| ≤ t + t·|a| everywhere.
  public var minimumTolerance: Double
}

/// Label accuracy of the original and of the other model.
public struct AccuracyReport: Encodable, Sendable {
  public var a: Double
  public var b: Double
}

/// What `verify` measured. Schema `rba-convert/verify/1`.
public struct VerifyReport: Encodable, Sendable {
  public let schema = "rba-convert/verify/1"
  public var samples: Int
  public var synthetic: Bool
  public var outputs: [OutputReport]
  public var accuracy: AccuracyReport?
  /// The first value both graphs name whose contents differ, if any does.
  public var firstDivergence: String?
  public var passed: Bool
}

/// What `run` did. Schema `rba-convert/run/1`.
public struct RunReport: Encodable, Sendable {
  public let schema = "rba-convert/run/1"
  public var outputs: [PortReport]
  public var secondsPerRun: [Double]
  public var peakBytes: Int
  public var threads: Int
  public var batch: Int
  /// Whether every output of the test set was within tolerance; only with `--pbdir`.
  public var passed: Bool?
  public var maxAbsoluteError: Double?
}

/// What `convert` or `analyze` did. Schema `rba-convert/convert/1` or `rba-convert/analyze/1`.
public struct ConversionReport: Encodable, Sendable {
  /// A span that was replaced.
  public struct Span: Encodable, Sendable {
    public var from: String
    public var to: String
    /// As `--spans` takes it, such as `3:5`.
    public var label: String
    /// Indices of the blocks it covers, as `inspect` numbers them.
    public var blocks: [Int]
    public var form: String
    public var parametersRemoved: Int
    public var parametersAdded: Int
    public var ridge: Double
    /// The share of the replaced values' variance that the linear node explains on held-out data.
    public var r2: Double
    /// What replacing this span alone does to the outputs on held-out data.
    public var outputError: Double
  }

  /// One size on the way from the whole model to the smallest.
  public struct FrontierPoint: Encodable, Sendable {
    public var parameters: Int
    public var predictedDamage: Double
    public var measuredDamage: Double?
    public var spans: [String]
  }

  public struct Calibration: Encodable, Sendable {
    public var source: String
    public var samples: Int
    public var held: Int
    public var synthetic: Bool
  }

  /// The bound that decided, and what was measured on held-out data.
  public struct Guard: Encodable, Sendable {
    public var metric: String
    public var limit: Double
    public var measured: Double
    public var passed: Bool
  }

  public var schema: String
  public var parameters: BeforeAfter
  public var bytes: BeforeAfter
  public var multiplyAdds: BeforeAfter
  public var calibration: Calibration
  public var spans: [Span]
  public var frontier: [FrontierPoint]
  public var `guard`: Guard
  public var outputs: [OutputReport]
  public var accuracy: AccuracyReport?
  public var seconds: [String: Double]
  public var peakBytes: Int
  /// The file written, if one was.
  public var output: String?
}

/// What `apply` or `copy` wrote. Schema `rba-convert/apply/1` or `rba-convert/copy/1`.
public struct SizeReport: Encodable, Sendable {
  public var schema: String
  public var parameters: BeforeAfter
  public var bytes: BeforeAfter
  /// The file written.
  public var output: String
}
