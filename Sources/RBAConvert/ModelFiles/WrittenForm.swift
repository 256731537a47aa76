import GraphIR
import Planning
import Tensors

/// How a converted model is to be written, as far as its size goes.
struct WrittenForm: Sendable {
  let output: ModelOutput
  /// Whether the model's metadata say what was done.
  let recordsProvenance: Bool

  /// Bytes of the files once `model` is written.
  ///
  /// - Parameter plan: what its metadata would say; digests and numbers may be others of the same length.
  func byteCount(of model: Model, _ plan: ReplacementPlan) throws(Failure) -> Int {
    var model = model
    _ = model.removeStaleTrainingInfo()
    if recordsProvenance { try model.recordProvenance(of: plan) }
    return try output.byteCount(of: model)
  }

  /// Bytes that the metadata take in a model of none.
  func provenanceByteCount(_ plan: ReplacementPlan) throws(Failure) -> Int {
    guard recordsProvenance else { return 0 }
    let bare = Model(graph: Graph())
    var told = bare
    try told.recordProvenance(of: plan)
    return try output.byteCount(of: told) - output.byteCount(of: bare)
  }
}
