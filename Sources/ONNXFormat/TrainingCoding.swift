import COnnx
import GraphIR

extension GraphReader {
  /// The training graphs of a message.
  func trainingInfo(_ proto: Onnx__TrainingInfoProto) throws(FormatError) -> TrainingInfo {
    var result = TrainingInfo()
    if let part = proto.initialization {
      result.initialization = try at("initialization") { () throws(FormatError) in
        try graph(part.pointee)
      }
    }
    if let part = proto.algorithm {
      result.algorithm = try at("algorithm") { () throws(FormatError) in
        try graph(part.pointee)
      }
    }
    result.initializationBindings = entries(
      proto.initialization_binding, proto.n_initialization_binding)
    result.updateBindings = entries(proto.update_binding, proto.n_update_binding)
    result.preserved = preserved(proto.base)
    return result
  }
}

// MARK: Writing

extension MessageArena {
  /// The message of training graphs.
  func trainingInfo(
    _ info: TrainingInfo, _ placement: any TensorPlacement
  ) -> UnsafeMutablePointer<Onnx__TrainingInfoProto>? {
    message(onnx__training_info_proto__init) { (result: inout Onnx__TrainingInfoProto) in
      result.initialization = info.initialization.map { graph($0, placement) }
      result.algorithm = info.algorithm.map { graph($0, placement) }
      result.n_initialization_binding = info.initializationBindings.count
      result.initialization_binding = entries(info.initializationBindings)
      result.n_update_binding = info.updateBindings.count
      result.update_binding = entries(info.updateBindings)
      restore(info.preserved, in: &result.base)
    }
  }
}
