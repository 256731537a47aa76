import COnnx
import GraphIR
import Tensors

/// The numbers of `AttributeProto.AttributeType`.
enum AttributeKind: Int {
  case float = 1
  case int, string, tensor, graph, floats, ints, strings, tensors, graphs
  case sparseTensor, sparseTensors, type, types
}

extension GraphReader {
  /// The attribute of a message.
  func attribute(_ proto: Onnx__AttributeProto) throws(FormatError) -> Attribute {
    let present = proto.presentKinds
    let declared = Int(Int32(truncatingIfNeeded: proto.type.rawValue))
    let kind = proto.has_type != 0 ? declared : present.count == 1 ? present[0].rawValue : 0
    let isPlain = present.allSatisfy { $0.rawValue == kind }
    var result: Attribute
    if let reference = text(proto.ref_attr_name), present.isEmpty {
      result = Attribute("", .reference(reference, kind: kind))
    } else if isPlain, proto.ref_attr_name == nil, let kind = AttributeKind(rawValue: kind),
      let value = try value(proto, kind)
    {
      result = Attribute("", value)
      result.omitsValue = present.isEmpty
    } else {
      result = Attribute("", .opaque(kind: kind, proto.valueFields))
    }
    result.name = text(proto.name) ?? ""
    result.docString = text(proto.doc_string)
    result.omitsType = proto.has_type == 0
    result.preserved = preserved(proto.base)
    return result
  }

  private func value(
    _ proto: Onnx__AttributeProto, _ kind: AttributeKind
  ) throws(FormatError) -> AttributeValue? {
    switch kind {
    case .float: return .float(proto.f)
    case .int: return .int(proto.i)
    case .string: return .string(Array(list(proto.s.data, proto.s.len)))
    case .tensor:
      guard let tensor = proto.t else { return nil }
      return .tensor(try at("t") { () throws(FormatError) in try tensors.tensor(tensor.pointee) })
    case .graph:
      guard let graph = proto.g else { return nil }
      return .graph(try at("g") { () throws(FormatError) in try self.graph(graph.pointee) })
    case .floats: return .floats(Array(list(proto.floats, proto.n_floats)))
    case .ints: return .ints(Array(list(proto.ints, proto.n_ints)))
    case .strings:
      return .strings(list(proto.strings, proto.n_strings).map { Array(list($0.data, $0.len)) })
    case .tensors:
      var result: [StoredTensor] = []
      for (index, tensor) in list(proto.tensors, proto.n_tensors).enumerated() {
        result.append(
          try at("tensors[\(index)]") { () throws(FormatError) in
            try tensors.tensor(tensor!.pointee)
          })
      }
      return .tensors(result)
    case .graphs:
      var result: [Graph] = []
      for (index, graph) in list(proto.graphs, proto.n_graphs).enumerated() {
        result.append(
          try at("graphs[\(index)]") { () throws(FormatError) in try self.graph(graph!.pointee) })
      }
      return .graphs(result)
    case .sparseTensor, .sparseTensors, .type, .types: return nil
    }
  }
}

extension Onnx__AttributeProto {
  /// The kinds of value the message holds; more than one in malformed files.
  fileprivate var presentKinds: [AttributeKind] {
    var kinds: [AttributeKind] = []
    if has_f != 0 { kinds.append(.float) }
    if has_i != 0 { kinds.append(.int) }
    if has_s != 0 { kinds.append(.string) }
    if t != nil { kinds.append(.tensor) }
    if g != nil { kinds.append(.graph) }
    if n_floats > 0 { kinds.append(.floats) }
    if n_ints > 0 { kinds.append(.ints) }
    if n_strings > 0 { kinds.append(.strings) }
    if n_tensors > 0 { kinds.append(.tensors) }
    if n_graphs > 0 { kinds.append(.graphs) }
    if sparse_tensor != nil { kinds.append(.sparseTensor) }
    if n_sparse_tensors > 0 { kinds.append(.sparseTensors) }
    if tp != nil { kinds.append(.type) }
    if n_type_protos > 0 { kinds.append(.types) }
    return kinds
  }

  /// The encoded value, apart from what every attribute has.
  fileprivate var valueFields: [PreservedField] {
    var copy = self
    copy.name = nil
    copy.doc_string = nil
    copy.has_type = 0
    copy.base.n_unknown_fields = 0
    return fields(of: packed(&copy.base))
  }
}

/// The fields of a message that is known to be well formed.
private func fields(of encoding: [UInt8]) -> [PreservedField] {
  var position = 0
  func number() -> Int {
    var result = 0
    var shift = 0
    while encoding[position] >= 0x80 {
      result |= Int(encoding[position] & 0x7f) << shift
      shift += 7
      position += 1
    }
    result |= Int(encoding[position]) << shift
    position += 1
    return result
  }
  var fields: [PreservedField] = []
  while position < encoding.count {
    let tag = number()
    let start = position
    switch tag & 7 {
    case 0: _ = number()
    case 1: position += 8
    case 5: position += 4
    default:
      let count = number()
      position += count
    }
    fields.append(
      PreservedField(
        number: tag >> 3, wireType: tag & 7, payload: Array(encoding[start..<position])))
  }
  return fields
}

// MARK: Writing

extension MessageArena {
  /// The message of an attribute.
  func attribute(
    _ attribute: Attribute, _ placement: any TensorPlacement
  ) -> UnsafeMutablePointer<Onnx__AttributeProto> {
    message(onnx__attribute_proto__init) { (result: inout Onnx__AttributeProto) in
      result.name = text(attribute.name)
      result.doc_string = text(attribute.docString)
      var preserved = attribute.preserved
      let kind: Int
      switch attribute.value {
      case .float(let value):
        kind = AttributeKind.float.rawValue
        result.has_f = attribute.omitsValue && value.bitPattern == 0 ? 0 : 1
        result.f = value
      case .int(let value):
        kind = AttributeKind.int.rawValue
        result.has_i = attribute.omitsValue && value == 0 ? 0 : 1
        result.i = value
      case .string(let value):
        kind = AttributeKind.string.rawValue
        result.has_s = attribute.omitsValue && value.isEmpty ? 0 : 1
        result.s = bytes(value)
      case .tensor(let value):
        kind = AttributeKind.tensor.rawValue
        result.t = tensor(value, name: value.name, placement)
      case .graph(let value):
        kind = AttributeKind.graph.rawValue
        result.g = graph(value, placement)
      case .floats(let values):
        kind = AttributeKind.floats.rawValue
        result.n_floats = values.count
        result.floats = array(values)
      case .ints(let values):
        kind = AttributeKind.ints.rawValue
        result.n_ints = values.count
        result.ints = array(values)
      case .strings(let values):
        kind = AttributeKind.strings.rawValue
        result.n_strings = values.count
        result.strings = array(values.map(bytes))
      case .tensors(let values):
        kind = AttributeKind.tensors.rawValue
        result.n_tensors = values.count
        result.tensors = array(values.map { tensor($0, name: $0.name, placement) })
      case .graphs(let values):
        kind = AttributeKind.graphs.rawValue
        result.n_graphs = values.count
        result.graphs = array(values.map { graph($0, placement) })
      case .reference(let name, let referenced):
        kind = referenced
        result.ref_attr_name = text(name)
      case .opaque(let opaque, let fields):
        kind = opaque
        preserved = fields + preserved
      }
      result.has_type = attribute.omitsType ? 0 : 1
      result.type = Onnx__AttributeProto__AttributeType(
        rawValue: .init(truncatingIfNeeded: kind))
      restore(preserved, in: &result.base)
    }
  }
}
