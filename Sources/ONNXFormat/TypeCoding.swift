import COnnx
import GraphIR
import Tensors

/// Text of a message, `nil` where the file leaves it out.
func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String? {
  pointer.map { String(cString: $0) }
}

/// The elements of a repeated field.
func list<Element>(_ start: UnsafeMutablePointer<Element>?, _ count: Int)
  -> UnsafeBufferPointer<Element>
{
  UnsafeBufferPointer(start: start, count: count)
}

/// What `read` makes of each message of a repeated field; its errors name the element.
func parts<Message, Part>(
  _ field: String, _ start: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int,
  _ read: (Message) throws(FormatError) -> Part
) throws(FormatError) -> [Part] {
  var result: [Part] = []
  for (index, message) in list(start, count).enumerated() {
    result.append(
      try at("\(field)[\(index)]") { () throws(FormatError) in try read(message!.pointee) })
  }
  return result
}

/// Fields of a message that its type does not have.
func preserved(_ message: ProtobufCMessage) -> [PreservedField] {
  list(message.unknown_fields, Int(message.n_unknown_fields)).map { field in
    PreservedField(
      number: Int(field.tag), wireType: Int(field.wire_type.rawValue),
      payload: Array(list(field.data, field.len)))
  }
}

/// A part that the IR has no member for, as a preserved field of the message around it.
func preserved<Message>(
  _ number: Int, _ part: UnsafeMutablePointer<Message>?
) -> [PreservedField] {
  guard let part else { return [] }
  let content = UnsafeRawPointer(part).withMemoryRebound(to: ProtobufCMessage.self, capacity: 1) {
    packed($0)
  }
  return [PreservedField(number: number, wireType: 2, payload: varint(content.count) + content)]
}

/// Parts that the IR has no member for, as preserved fields of the message around them.
func preserved<Message>(
  _ number: Int, _ parts: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?, _ count: Int
) -> [PreservedField] {
  list(parts, count).flatMap { preserved(number, $0) }
}

extension PreservedField {
  /// A field of text without a character, where that is not the same as no field.
  init(emptyText number: Int) { self.init(number: number, wireType: 2, payload: [0]) }
}

/// The variable-length encoding of a count.
func varint(_ value: Int) -> [UInt8] {
  var result: [UInt8] = []
  var rest = value
  while rest >= 0x80 {
    result.append(UInt8(rest & 0x7f) | 0x80)
    rest >>= 7
  }
  return result + [UInt8(rest)]
}

/// Keys and values of a message.
func entries(
  _ start: UnsafeMutablePointer<UnsafeMutablePointer<Onnx__StringStringEntryProto>?>?, _ count: Int
) -> [MetadataEntry] {
  list(start, count).map { entry in
    let entry = entry!.pointee
    return MetadataEntry(
      key: text(entry.key), value: text(entry.value), preserved: preserved(entry.base))
  }
}

// MARK: Types

/// What a message declares of a value.
func declaration(_ info: Onnx__ValueInfoProto) -> ValueDeclaration {
  var result: ValueDeclaration
  if let type = info.type {
    let value = valueType(type.pointee)
    let encoding = packed(&type.pointee.base)
    let arena = MessageArena()
    let canonical = value.map { packed(&arena.type($0).pointee.base) }
    result = ValueDeclaration(type: value, typeEncoding: canonical == encoding ? nil : encoding)
  } else {
    result = ValueDeclaration(type: nil)
  }
  result.omitsName = info.name == nil
  result.docString = text(info.doc_string)
  result.metadata = entries(info.metadata_props, info.n_metadata_props)
  result.preserved = preserved(info.base)
  return result
}

private func valueType(_ type: Onnx__TypeProto) -> ValueType? {
  switch type.value_case {
  case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
    let part = type.tensor_type.pointee
    return .tensor(TensorType(elementType(part.elem_type), shape(part.shape)))
  case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
    let part = type.sparse_tensor_type.pointee
    return .sparseTensor(TensorType(elementType(part.elem_type), shape(part.shape)))
  case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
    guard let element = type.sequence_type.pointee.elem_type else { return nil }
    return valueType(element.pointee).map { .sequence($0) }
  case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
    guard let element = type.optional_type.pointee.elem_type else { return nil }
    return valueType(element.pointee).map { .optional($0) }
  case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
    let part = type.map_type.pointee
    guard let value = part.value_type else { return nil }
    return valueType(value.pointee).map { .map(key: elementType(part.key_type), value: $0) }
  case ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE:
    let part = type.opaque_type.pointee
    return .opaque(domain: text(part.domain) ?? "", name: text(part.name) ?? "")
  default: return nil
  }
}

private func elementType(_ number: Int32) -> ElementType {
  ElementType(rawValue: number) ?? .undefined
}

private func shape(_ shape: UnsafeMutablePointer<Onnx__TensorShapeProto>?) -> [Dimension]? {
  shape.map { shape in
    list(shape.pointee.dim, shape.pointee.n_dim).map { dimension in
      let dimension = dimension!.pointee
      switch dimension.value_case {
      case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE where dimension.dim_value >= 0:
        return .size(Int(dimension.dim_value))
      case ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM:
        return .parameter(text(dimension.dim_param) ?? "")
      default: return .unknown
      }
    }
  }
}

extension MessageArena {
  /// The message of a type.
  func type(_ type: ValueType) -> UnsafeMutablePointer<Onnx__TypeProto> {
    message(onnx__type_proto__init) { (result: inout Onnx__TypeProto) in
      switch type {
      case .tensor(let tensor):
        result.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
        result.tensor_type = message(onnx__type_proto__tensor__init) {
          (part: inout Onnx__TypeProto__Tensor) in
          part.has_elem_type = 1
          part.elem_type = tensor.elementType.rawValue
          part.shape = shape(tensor.shape)
        }
      case .sparseTensor(let tensor):
        result.value_case = ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE
        result.sparse_tensor_type = message(onnx__type_proto__sparse_tensor__init) {
          (part: inout Onnx__TypeProto__SparseTensor) in
          part.has_elem_type = 1
          part.elem_type = tensor.elementType.rawValue
          part.shape = shape(tensor.shape)
        }
      case .sequence(let element):
        result.value_case = ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE
        result.sequence_type = message(onnx__type_proto__sequence__init) {
          (part: inout Onnx__TypeProto__Sequence) in part.elem_type = self.type(element)
        }
      case .optional(let element):
        result.value_case = ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE
        result.optional_type = message(onnx__type_proto__optional__init) {
          (part: inout Onnx__TypeProto__Optional) in part.elem_type = self.type(element)
        }
      case .map(let key, let value):
        result.value_case = ONNX__TYPE_PROTO__VALUE_MAP_TYPE
        result.map_type = message(onnx__type_proto__map__init) {
          (part: inout Onnx__TypeProto__Map) in
          part.has_key_type = 1
          part.key_type = key.rawValue
          part.value_type = self.type(value)
        }
      case .opaque(let domain, let name):
        result.value_case = ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE
        result.opaque_type = message(onnx__type_proto__opaque__init) {
          (part: inout Onnx__TypeProto__Opaque) in
          part.domain = text(domain)
          part.name = text(name)
        }
      }
    }
  }

  private func shape(_ shape: [Dimension]?) -> UnsafeMutablePointer<Onnx__TensorShapeProto>? {
    guard let shape else { return nil }
    return message(onnx__tensor_shape_proto__init) { (result: inout Onnx__TensorShapeProto) in
      result.n_dim = shape.count
      result.dim = array(
        shape.map { dimension in
          message(onnx__tensor_shape_proto__dimension__init) {
            (part: inout Onnx__TensorShapeProto__Dimension) in
            switch dimension {
            case .size(let size):
              part.value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
              part.dim_value = Int64(size)
            case .parameter(let name):
              part.value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
              part.dim_param = text(name)
            case .unknown: break
            }
          }
        })
    }
  }

  /// The message that declares a value called `name`.
  func info(
    _ name: String, _ declaration: ValueDeclaration?
  ) -> UnsafeMutablePointer<Onnx__ValueInfoProto> {
    message(onnx__value_info_proto__init) { (result: inout Onnx__ValueInfoProto) in
      result.name = text(name)
      guard let declaration else { return }
      if declaration.omitsName, name.isEmpty { result.name = nil }
      if let encoding = declaration.typeEncoding {
        var allocator = allocator
        result.type = onnx__type_proto__unpack(&allocator, encoding.count, encoding)
      } else {
        result.type = declaration.type.map { type($0) }
      }
      result.doc_string = text(declaration.docString)
      result.n_metadata_props = declaration.metadata.count
      result.metadata_props = entries(declaration.metadata)
      restore(declaration.preserved, in: &result.base)
    }
  }

  /// The messages of keys and values.
  func entries(
    _ entries: [MetadataEntry]
  ) -> UnsafeMutablePointer<UnsafeMutablePointer<Onnx__StringStringEntryProto>?>? {
    array(
      entries.map { entry in
        message(onnx__string_string_entry_proto__init) {
          (result: inout Onnx__StringStringEntryProto) in
          result.key = text(entry.key)
          result.value = text(entry.value)
          restore(entry.preserved, in: &result.base)
        }
      })
  }
}
