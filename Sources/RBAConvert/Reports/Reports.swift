/// A quantity of the original model and of the converted one.
public struct BeforeAfter: Codable, Sendable {
  /// That of the original model.
  public var before: Int
  /// That of the converted model.
  public var after: Int

  /// The part that went, from 0 to 1.
  public var reduction: Double { before == 0 ? 0 : 1 - Double(after) / Double(before) }
}

/// The name and type of a model's input or output.
public struct PortReport: Codable, Sendable {
  /// The name feeds and results go by.
  public var name: String
  /// A tensor's element type as ONNX's textual syntax calls it; the whole type of any other value, such as
  /// `seq(tensor(float))`.
  public var type: String
  /// A number, a dimension parameter, or `?` per axis; of other values than tensors nothing.
  public var shape: [String]

  /// The name and the type in one line.
  public var text: String {
    type.contains("(")
      ? "\(name) \(type)" : "\(name) \(type)[\(shape.joined(separator: ", "))]"
  }
}

/// What `inspect` found. Schema `rba-convert/inspect/1`.
public struct InspectReport: Encodable, Sendable {
  /// One residual step of a stream.
  public struct Block: Encodable, Sendable {
    /// Its place in the stream, counted from 0.
    public var index: Int
    /// The points it leads from and to, as `--spans` names them.
    public var fromLabel: String
    /// The point it leads to, as `--spans` names it.
    public var toLabel: String
    /// The name of the value it leads from.
    public var from: String
    /// The name of the value it leads to.
    public var to: String
    /// How many nodes it consists of.
    public var nodes: Int
    /// Elements of the weights that it alone reads.
    public var parameters: Int
    /// For one sample.
    public var multiplyAdds: Int
    /// What its operators make it, such as `attention` or `mlp`.
    public var kind: String
  }

  /// A chain of values of one shape, each the last plus a branch.
  public struct Stream: Encodable, Sendable {
    /// At batch 1.
    public var shape: [Int]
    /// The names of its values, in order.
    public var points: [String]
    /// What `--spans` calls each point.
    public var labels: [String]
    /// The steps from each point to the next.
    public var blocks: [Block]
  }

  /// A residual-looking node that is no part of a stream.
  public struct Rejection: Encodable, Sendable {
    /// The node's name.
    public var node: String
    /// Why its value is no point of a stream.
    public var reason: String
  }

  /// The version of this form.
  public let schema = "rba-convert/inspect/1"
  /// The path as given.
  public var file: String
  /// Elements of all stored weights.
  public var parameters: Int
  /// Size of the file and of the tensors it keeps elsewhere.
  public var bytes: Int
  /// Of all nodes, for one sample.
  public var multiplyAdds: Int
  /// The imported operator set versions, by domain.
  public var opsets: [String: Int]
  /// The program that wrote the model, as it calls itself.
  public var producer: String
  /// How many nodes apply each operator.
  public var operators: [String: Int]
  /// What a caller feeds.
  public var inputs: [PortReport]
  /// What the model computes.
  public var outputs: [PortReport]
  /// The residual streams found.
  public var streams: [Stream]
  /// Nodes that look residual and are not.
  public var rejected: [Rejection]
  /// Operators this program cannot evaluate, with how many nodes apply each.
  public var unsupported: [String: Int]
  /// The first node that applies each of them.
  public var unsupportedAt: [String: String]
}

/// How one output of a model compares with the same output of another.
public struct OutputReport: Encodable, Sendable {
  /// The output's name.
  public var name: String
  /// The largest |b − a|.
  public var maxAbsoluteError: Double
  /// The mean |b − a|.
  public var meanAbsoluteError: Double
  /// ‖b − a‖² / ‖a − mean(a)‖² over all samples, the mean taken per element over samples.
  public var relativeError: Double
  /// The mean over samples of the cosine between a and b.
  public var cosine: Double
  /// The share of samples with the same largest class, for outputs shaped [N, classes].
  @NullEncoded public var top1Agreement: Double?
  /// The smallest t with |b − a| ≤ t + t·|a| everywhere.
  public var minimumTolerance: Double
}

/// Label accuracy of the original and of the other model.
public struct AccuracyReport: Encodable, Sendable {
  /// Of the original model, from 0 to 1.
  public var a: Double
  /// Of the other model, from 0 to 1.
  public var b: Double
}

/// How far data are from those that a model was calibrated on, at the point where it is worst.
public struct DomainShiftReport: Encodable, Sendable {
  /// The mean over features of the squared difference of means, in units of the variance between
  /// samples, less what chance makes of it.
  public var distance: Double
  /// The largest distance that data of the same kind have.
  public var limit: Double
  /// Whether the data are of another kind.
  public var exceeded: Bool
  /// The name of the value where the distance was measured.
  public var point: String
}

/// What `verify` measured. Schema `rba-convert/verify/1`.
public struct VerifyReport: Encodable, Sendable {
  /// The version of this form.
  public let schema = "rba-convert/verify/1"
  /// How many samples were run.
  public var samples: Int
  /// Whether they were made up.
  public var synthetic: Bool
  /// The comparison, output by output.
  public var outputs: [OutputReport]
  /// With labels only.
  @NullEncoded public var accuracy: AccuracyReport?
  /// The first value both graphs name whose contents differ, if any does.
  @NullEncoded public var firstDivergence: String?
  /// How far the data are from those of the calibration, where something tells what those were.
  @NullEncoded public var domainShift: DomainShiftReport?
  /// Whether every bound asked for holds.
  public var passed: Bool
  /// Which bound does not, in one line.
  public var refusal: String?
}

/// What `run` did. Schema `rba-convert/run/1`.
public struct RunReport: Encodable, Sendable {
  /// The version of this form.
  public let schema = "rba-convert/run/1"
  /// What the model computed.
  public var outputs: [PortReport]
  /// Wall-clock time of each repetition.
  public var secondsPerRun: [Double]
  /// The most memory the process has held.
  public var peakBytes: Int
  /// Worker threads used.
  public var threads: Int
  /// Samples run in each repetition.
  public var batch: Int
  /// Whether every output of the test set was within tolerance; only with `--pbdir`.
  public var passed: Bool?
  /// The largest difference from the test set; only with `--pbdir`.
  public var maxAbsoluteError: Double?
  /// Why `passed` is false, in one line.
  public var refusal: String?
}

/// What `convert` or `analyze` did. Schema `rba-convert/convert/1` or `rba-convert/analyze/1`.
public struct ConversionReport: Encodable, Sendable {
  /// A span that was replaced.
  public struct Span: Encodable, Sendable {
    /// The name of the value it is computed from.
    public var from: String
    /// The name of the value it computes.
    public var to: String
    /// As `--spans` takes it, such as `3:5`.
    public var label: String
    /// Indices of the blocks it covers, as `inspect` numbers them.
    public var blocks: [Int]
    /// The form of the map that took its place.
    public var form: String
    /// Elements of the weights that went.
    public var parametersRemoved: Int
    /// Elements of the weights that came.
    public var parametersAdded: Int
    /// The regularisation the fit chose.
    public var ridge: Double
    /// The share of the replaced values' variance that the linear node explains on held-out data.
    @NullEncoded public var r2: Double?
    /// What replacing this span alone does to the outputs on held-out data.
    @NullEncoded public var outputError: Double?
  }

  /// What the published scores say of a whole block, or of several in a row.
  public struct Scores: Encodable, Sendable {
    /// As `--spans` takes it, such as `3:5`.
    public var label: String
    /// The name of the value it starts at.
    public var from: String
    /// The name of the value it ends at.
    public var to: String
    /// Indices of the blocks it covers, as `inspect` numbers them.
    public var blocks: [Int]
    /// −mean ‖h_to − h_from‖²; nearer 0 is more redundant.
    public var blockRedundancy: Double
    /// Mean cosine; 1 is most redundant.
    public var cosine: Double
    /// Mean angle as a fraction of π; 0 is most redundant.
    public var angularDistance: Double
    /// Likeness up to rotation, shift and scale; 1 is most redundant.
    public var linearCKA: Double
  }

  /// A step that stays, whose last weight was solved anew.
  public struct Healed: Encodable, Sendable {
    /// The node that multiplies by the weight.
    public var node: String
    /// The name of the weight.
    public var weight: String
    /// The regularisation that was chosen, toward the old weight.
    public var ridge: Double
    /// ‖original − rewritten‖² of the residual sum over its scatter, on held-out data, with the old
    /// weight.
    public var errorBefore: Double
    /// The same with the new weight.
    public var errorAfter: Double
  }

  /// One size on the way from the whole model to the smallest.
  public struct FrontierPoint: Encodable, Sendable {
    /// Parameters left at this size.
    public var parameters: Int
    /// The sum of the chosen spans' single damages, where those were measured.
    @NullEncoded public var predictedDamage: Double?
    /// The damage of all of them together, where it was measured: where a limit is to be held, on samples
    /// that are fitted on otherwise, with fits of the others; else on those held out.
    @NullEncoded public var measuredDamage: Double?
    /// Labels of the spans replaced.
    public var spans: [String]
  }

  /// The data that spans were fitted and judged on.
  public struct Calibration: Encodable, Sendable {
    /// The paths as given, or `synthetic` and the seed.
    public var source: String
    /// How many samples there were.
    public var samples: Int
    /// How many of them were held out of the fit.
    public var held: Int
    /// Whether they were made up.
    public var synthetic: Bool
  }

  /// The bound that decided, and what was measured on held-out data.
  public struct Guard: Encodable, Sendable {
    /// What is measured: `accuracy-drop`, `top1-disagreement` or `relative-error`; `parameters` or `bytes`
    /// where the model is not as small as asked for.
    public var metric: String
    /// The largest value that passes.
    public var limit: Double
    /// The value found.
    public var measured: Double
    /// What as many other samples of the same kind stay within in 19 of 20 cases, by the scatter of
    /// those measured and the number of models that were tried on them.
    public var bound: Double
    /// Whether the value found is within the limit.
    public var passed: Bool

    /// Whether the model's size is measured, and not its outputs.
    public var isSize: Bool { ["parameters", "bytes"].contains(metric) }

    /// What failed, in a clause.
    var refusal: String {
      switch metric {
      case _ where isSize:
        "the smallest model found has \(whole(measured)) \(metric), at most \(whole(limit)) were asked for"
      case _ where limit == .infinity:
        "the guard failed: an output has a NaN or an infinity in one of the models alone, or is the "
          + "same for all samples in the original alone"
      default: "the guard failed: \(metric) \(measured), limit \(limit)"
      }
    }

    private func whole(_ value: Double) -> String {
      Int(exactly: value).map(String.init) ?? "\(value)"
    }
  }

  /// The version of this form.
  public var schema: String
  /// Elements of all stored weights.
  public var parameters: BeforeAfter
  /// Sizes of the files.
  public var bytes: BeforeAfter
  /// Of all nodes, for one sample.
  public var multiplyAdds: BeforeAfter
  /// The data used.
  public var calibration: Calibration
  /// What was replaced, in order.
  public var spans: [Span]
  /// Steps that stay, whose last weights were solved anew, in order.
  public var healed: [Healed]
  /// The sizes there are to choose from.
  public var frontier: [FrontierPoint]
  /// The published scores by length and position; only with `--scores`.
  public var scores: [Scores]?
  /// What decided whether the result is good enough.
  public var `guard`: Guard
  /// The comparison with the original on held-out data, output by output. Where outputs cannot be
  /// computed, the last values before them that can be stand here.
  public var outputs: [OutputReport]
  /// Operators this program cannot evaluate, with how many nodes apply each.
  public var unsupported: [String: Int]
  /// With labels only.
  @NullEncoded public var accuracy: AccuracyReport?
  /// Wall-clock time by phase.
  public var seconds: [String: Double]
  /// The most memory the process has held.
  public var peakBytes: Int
  /// The file written, if one was.
  public var output: String?
  /// Why `guard.passed` is false, in one line.
  public var refusal: String?
}

/// What `apply` or `copy` wrote. Schema `rba-convert/apply/1` or `rba-convert/copy/1`.
public struct SizeReport: Encodable, Sendable {
  /// The version of this form.
  public var schema: String
  /// Elements of all stored weights.
  public var parameters: BeforeAfter
  /// Sizes of the files.
  public var bytes: BeforeAfter
  /// The file written.
  public var output: String
}
