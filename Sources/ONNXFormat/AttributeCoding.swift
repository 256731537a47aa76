import COnnx
import GraphIR
import Tensors

/// The numbers of `AttributeProto.AttributeType`.
enum AttributeKind: Int {
  case float = 1
  case int, string, tensor, graph, floats, ints, strings, tensors, graphs
  case sparseTensor, sparseTensors, type, types

  /// Whether the value is a message, so that its absence is not zero and not an empty list.
  var needsMessage: Bool { [.tensor, .graph, .sparseTensor, .type].contains(self) }
}

extension GraphReader {
  /// The attribute of a message.
  ///
  /// - Throws: `FormatError`, with `.attributeValue` if it has values of more than one kind, or not
  ///   of the kind its type says.
  func attribute(_ proto: Onnx__AttributeProto) throws(FormatError) -> Attribute {
    guard let name = text(proto.name), !name.isEmpty else {
      throw FormatError(.missingPart, "an attribute without a name")
    }
    let present = proto.presentKinds
    let number =
      proto.has_type != 0
      ? Int(Int32(truncatingIfNeeded: proto.type.rawValue)) : present.first?.rawValue ?? 0
    let kind = AttributeKind(rawValue: number)
    guard kind != nil || proto.has_type == 0 || isNewer else {
      throw FormatError(
        .attributeValue, "attribute '\(name.shown)' is of type \(number), which does not exist")
    }
    guard present.count <= 1, present.allSatisfy({ $0 == kind }) else {
      let expected = kind.map { "\($0)" } ?? "\(number)"
      let kinds = present.map { "\($0)" }.joined(separator: " and ")
      throw FormatError(
        .attributeValue,
        "expected attribute '\(name.shown)' to hold \(expected), got \(kinds)"
      )
    }
    let reference = text(proto.ref_attr_name)
    var result: Attribute
    if let reference, !reference.isEmpty {
      guard present.isEmpty else {
        throw FormatError(
          .attributeValue, "attribute '\(name.shown)' has a value beside its reference")
      }
      result = Attribute(name, .reference(reference, kind: number))
    } else if let kind {
      guard !kind.needsMessage || !present.isEmpty else {
        throw FormatError(.missingPart, "attribute '\(name.shown)' is a \(kind) without a value")
      }
      result = Attribute(name, try value(proto, kind))
      result.omitsValue = present.isEmpty
    } else {
      result = Attribute(name, .opaque(kind: number, []))
    }
    result.docString = text(proto.doc_string)
    result.omitsType = proto.has_type == 0
    result.preserved = preserved(proto.base)
    if reference == "" { result.preserved.append(PreservedField(emptyText: 21)) }
    return result
  }

  private func value(
    _ proto: Onnx__AttributeProto, _ kind: AttributeKind
  ) throws(FormatError) -> AttributeValue {
    switch kind {
    case .float: return .float(proto.f)
    case .int: return .int(proto.i)
    case .string: return .string(Array(list(proto.s.data, proto.s.len)))
    case .tensor:
      return .tensor(try at("t") { () throws(FormatError) in try tensors.tensor(proto.t.pointee) })
    case .graph:
      return .graph(try at("g") { () throws(FormatError) in try self.graph(proto.g.pointee) })
    case .floats: return .floats(Array(list(proto.floats, proto.n_floats)))
    case .ints: return .ints(Array(list(proto.ints, proto.n_ints)))
    case .strings:
      return .strings(list(proto.strings, proto.n_strings).map { Array(list($0.data, $0.len)) })
    case .tensors:
      return .tensors(try parts("tensors", proto.tensors, proto.n_tensors, tensors.tensor))
    case .graphs:
      return .graphs(try parts("graphs", proto.graphs, proto.n_graphs, graph))
    case .sparseTensor:
      return .sparseTensor(
        try at("sparse_tensor") { () throws(FormatError) in
          try tensors.sparseTensor(proto.sparse_tensor.pointee)
        })
    case .sparseTensors:
      return .sparseTensors(
        try parts(
          "sparse_tensors", proto.sparse_tensors, proto.n_sparse_tensors, tensors.sparseTensor))
    case .type: return .opaque(kind: kind.rawValue, preserved(14, proto.tp))
    case .types:
      let types = preserved(15, proto.type_protos, proto.n_type_protos)
      return .opaque(kind: kind.rawValue, types)
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
      case .sparseTensor(let value):
        kind = AttributeKind.sparseTensor.rawValue
        result.sparse_tensor = sparseTensor(value, name: value.values.name, placement)
      case .sparseTensors(let values):
        kind = AttributeKind.sparseTensors.rawValue
        result.n_sparse_tensors = values.count
        result.sparse_tensors = array(
          values.map { sparseTensor($0, name: $0.values.name, placement) })
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
