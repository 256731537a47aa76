import COnnx
package import GraphIR
package import Tensors

extension ONNXFile {
  /// Reads the file of a value of any kind, such as the inputs and outputs of ONNX's test cases.
  ///
  /// - Parameter type: what the file holds. Shapes are not looked at; an undefined element type is any.
  /// - Throws: `FormatError` for the first fault found, with `.valueKind` if the file holds another kind
  ///   of value, or one that is not read.
  package static func readValue(
    path: String, as type: ValueType
  ) throws(FormatError) -> RuntimeValue {
    let file = try map(path)
    let external = ExternalDataFiles(modelPath: path, directory: nil)
    do throws(FormatError) {
      return try decodeValue(file.region, as: type, external: external)
    } catch { throw error.inside(file: path) }
  }

  /// Reads a value from its encoded message.
  ///
  /// - Throws: `FormatError`, as `readValue`.
  package static func decodeValue(
    _ region: ByteRegion, as type: ValueType, external: any ExternalTensorSource
  ) throws(FormatError) -> RuntimeValue {
    switch type {
    case .tensor: return .tensor(try decodeTensor(region, external: external).tensor)
    case .sequence(let element):
      return try decode(region, sequenceDescriptor, external) {
        (proto: Onnx__SequenceProto, reader) throws(FormatError) in
        .sequence(try reader.elements(proto, as: element))
      }
    case .optional(let element):
      return try decode(region, optionalDescriptor, external) {
        (proto: Onnx__OptionalProto, reader) throws(FormatError) in
        .optional(try reader.content(proto, as: element))
      }
    case .sparseTensor, .map, .opaque:
      throw FormatError(.valueKind, "\(ValueKind(type).plural) are not supported")
    }
  }

  private static func decode<Message>(
    _ region: ByteRegion, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>,
    _ external: any ExternalTensorSource,
    _ read: (Message, ValueReader) throws(FormatError) -> RuntimeValue
  ) throws(FormatError) -> RuntimeValue {
    let arena = MessageArena()
    let unpacked = try arena.unpack(region.bytes, as: descriptor)
    let proto = UnsafeRawPointer(unpacked.message).assumingMemoryBound(to: Message.self)
    let tensors = TensorReader(file: region, data: unpacked.tensorData, external: external)
    return try withExtendedLifetime((arena, region)) { () throws(FormatError) in
      try read(proto.pointee, ValueReader(tensors: tensors))
    }
  }
}

/// What sequences and optional values hold, numbered as in their messages.
private enum ValueKind: Int32, CaseIterable {
  case undefined, tensor, sparseTensor, sequence, map, optional

  /// That of values of a type; `undefined` for types without one.
  init(_ type: ValueType) {
    self =
      switch type {
      case .tensor: .tensor
      case .sparseTensor: .sparseTensor
      case .sequence: .sequence
      case .map: .map
      case .optional: .optional
      case .opaque: .undefined
      }
  }

  var plural: String {
    switch self {
    case .undefined: "opaque values"
    case .tensor: "tensors"
    case .sparseTensor: "sparse tensors"
    case .sequence: "sequences"
    case .map: "maps"
    case .optional: "optional values"
    }
  }
}

/// Reads messages of sequences and optional values. Their nesting is bounded by that of messages.
private struct ValueReader {
  let tensors: TensorReader

  func elements(
    _ proto: Onnx__SequenceProto, as type: ValueType
  ) throws(FormatError) -> [RuntimeValue] {
    try check(
      proto.base, kind: proto.elem_type, as: type,
      found: [
        (.tensor, proto.n_tensor_values), (.sparseTensor, proto.n_sparse_tensor_values),
        (.sequence, proto.n_sequence_values), (.map, proto.n_map_values),
        (.optional, proto.n_optional_values),
      ])
    switch type {
    case .tensor(let type):
      return try parts("tensor_values", proto.tensor_values, proto.n_tensor_values) {
        (part) throws(FormatError) in try tensor(part, as: type)
      }
    case .sequence(let type):
      return try parts("sequence_values", proto.sequence_values, proto.n_sequence_values) {
        (part) throws(FormatError) in .sequence(try elements(part, as: type))
      }
    case .optional(let type):
      return try parts("optional_values", proto.optional_values, proto.n_optional_values) {
        (part) throws(FormatError) in .optional(try content(part, as: type))
      }
    case .sparseTensor, .map, .opaque: return []
    }
  }

  func content(
    _ proto: Onnx__OptionalProto, as type: ValueType
  ) throws(FormatError) -> RuntimeValue? {
    try check(
      proto.base, kind: proto.elem_type, as: type,
      found: [
        (.tensor, proto.tensor_value == nil ? 0 : 1),
        (.sparseTensor, proto.sparse_tensor_value == nil ? 0 : 1),
        (.sequence, proto.sequence_value == nil ? 0 : 1),
        (.map, proto.map_value == nil ? 0 : 1), (.optional, proto.optional_value == nil ? 0 : 1),
      ])
    switch type {
    case .tensor(let type):
      guard let part = proto.tensor_value else { return nil }
      return try at("tensor_value") { () throws(FormatError) in
        try tensor(part.pointee, as: type)
      }
    case .sequence(let type):
      guard let part = proto.sequence_value else { return nil }
      return .sequence(
        try at("sequence_value") { () throws(FormatError) in
          try elements(part.pointee, as: type)
        })
    case .optional(let type):
      guard let part = proto.optional_value else { return nil }
      return .optional(
        try at("optional_value") { () throws(FormatError) in
          try content(part.pointee, as: type)
        })
    case .sparseTensor, .map, .opaque: return nil
    }
  }

  private func tensor(
    _ proto: Onnx__TensorProto, as type: TensorType
  ) throws(FormatError) -> RuntimeValue {
    let tensor = try tensors.tensor(proto).tensor
    guard type.elementType == .undefined || tensor.elementType == type.elementType else {
      throw FormatError(
        .elementType, "expected a tensor of \(type.elementType), got \(tensor.elementType)")
    }
    return .tensor(tensor)
  }

  /// Verifies that a message says it holds values of the type, and has no others.
  ///
  /// - Parameters:
  ///   - kind: what the message says.
  ///   - found: how many values of each kind it has.
  private func check(
    _ message: ProtobufCMessage, kind: Int32, as type: ValueType, found: [(ValueKind, Int)]
  ) throws(FormatError) {
    let expected = ValueKind(type)
    switch expected {
    case .tensor, .sequence, .optional: break
    case .undefined, .sparseTensor, .map:
      throw FormatError(.valueKind, "\(expected.plural) are not supported")
    }
    // A tensor's name and data would stand in fields that these messages do not have.
    if message.n_unknown_fields > 0, let field = message.unknown_fields?.pointee {
      throw FormatError(
        .valueKind,
        "expected fields from 1 to 7, got \(field.tag): this is no value that holds others")
    }
    guard let kind = ValueKind(rawValue: kind) else {
      throw FormatError(.valueKind, "expected a kind of value from 0 to 5, got \(kind)")
    }
    guard kind == .undefined || kind == expected else {
      throw FormatError(.valueKind, "expected \(expected.plural), got \(kind.plural)")
    }
    for (other, count) in found where other != expected && count > 0 {
      throw FormatError(.valueKind, "expected \(expected.plural), got \(other.plural)")
    }
  }
}
