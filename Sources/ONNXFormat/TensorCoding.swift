import COnnx
import GraphIR
import Tensors

/// Reads tensors whose `raw_data` points into `file`.
struct TensorReader {
  let file: ByteRegion
  let external: any ExternalTensorSource

  /// The tensor of a message.
  ///
  /// - Throws: `FormatError` if dimensions, type and data do not agree.
  func tensor(_ proto: Onnx__TensorProto) throws(FormatError) -> StoredTensor {
    var shape: [Int] = []
    for dimension in list(proto.dims, proto.n_dims) { shape.append(Int(dimension)) }
    guard let type = ElementType(rawValue: proto.data_type), type != .undefined else {
      throw FormatError(
        .elementType, "expected a tensor's element type, got \(proto.data_type)")
    }
    let isExternal = proto.data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL
    let sources = try sources(of: proto, isExternal: isExternal)
    guard sources.count <= 1 else {
      throw FormatError(
        .ambiguousData, "a tensor has data in \(sources.joined(separator: " and in "))")
    }
    let (tensor, encoding) = try contents(proto, type, shape, isExternal: isExternal)
    var result = StoredTensor(name: text(proto.name), tensor, encoding: encoding)
    result.docString = text(proto.doc_string)
    result.metadata = entries(proto.metadata_props, proto.n_metadata_props)
    result.preserved = preserved(proto.base) + preserved(3, proto.segment)
    if !isExternal {
      result.preserved += preserved(13, proto.external_data, proto.n_external_data)
      result.declaresDefaultLocation = proto.has_data_location != 0
    }
    return result
  }

  /// The fields that hold data.
  private func sources(
    of proto: Onnx__TensorProto, isExternal: Bool
  ) throws(FormatError) -> [String] {
    var sources: [String] = []
    if isExternal { sources.append("an external file") }
    if proto.has_raw_data != 0 && (proto.raw_data.len > 0 || !isExternal) {
      sources.append("raw_data")
    }
    if proto.n_float_data > 0 { sources.append("float_data") }
    if proto.n_int32_data > 0 { sources.append("int32_data") }
    if proto.n_int64_data > 0 { sources.append("int64_data") }
    if proto.n_string_data > 0 { sources.append("string_data") }
    if proto.n_double_data > 0 { sources.append("double_data") }
    if proto.n_uint64_data > 0 { sources.append("uint64_data") }
    return sources
  }

  private func contents(
    _ proto: Onnx__TensorProto, _ type: ElementType, _ shape: [Int], isExternal: Bool
  ) throws(FormatError) -> (Tensor, TensorEncoding) {
    do {
      let count = try Tensor.elementCount(of: shape)
      if type == .string {
        guard !isExternal, proto.has_raw_data == 0 else {
          throw FormatError(.elementType, "strings can only lie in string_data")
        }
        let strings = list(proto.string_data, proto.n_string_data).map {
          Array(list($0.data, $0.len))
        }
        return (try Tensor(strings: strings, shape: shape), .typed)
      }
      if isExternal {
        guard let byteCount = type.byteCount(elements: count) else {
          throw TensorError(.shapeOverflow, "a tensor of shape \(shape) has too many bytes")
        }
        let entries = entries(proto.external_data, proto.n_external_data)
        let region = try external.region(entries, byteCount: byteCount)
        return (try Tensor(type, shape: shape, region: region), .external(entries))
      }
      if proto.has_raw_data != 0 {
        let start = UnsafeRawPointer(proto.raw_data.data)! - file.storage.bytes.baseAddress!
        let region = ByteRegion(file.storage, offset: start, count: proto.raw_data.len)
        return (try Tensor(type, shape: shape, region: region), .raw)
      }
      let region = try typedData(proto, type)
      return (try Tensor(type, shape: shape, region: region), .typed)
    } catch let error as FormatError { throw error } catch let error as TensorError {
      throw FormatError(error)
    } catch { preconditionFailure("an error of neither room: \(error)") }
  }

  private func typedData(
    _ proto: Onnx__TensorProto, _ type: ElementType
  ) throws(FormatError) -> ByteRegion {
    let field = type.typedField
    let count: Int
    let region: ByteRegion
    switch field {
    case .float:
      count = proto.n_float_data
      region = copy(proto.float_data, count)
    case .double:
      count = proto.n_double_data
      region = copy(proto.double_data, count)
    case .int64:
      count = proto.n_int64_data
      region = copy(proto.int64_data, count)
    case .uint64:
      count = proto.n_uint64_data
      let numbers = list(proto.uint64_data, count)
      region = type == .uint32 ? try narrow(numbers, UInt32.self) : copy(proto.uint64_data, count)
    case .int32:
      count = proto.n_int32_data
      let numbers = list(proto.int32_data, count)
      switch type {
      case .int32: region = copy(proto.int32_data, count)
      case .int16: region = try narrow(numbers, Int16.self)
      case .int8: region = try narrow(numbers, Int8.self)
      case .uint16, .float16, .bfloat16: region = try narrow(numbers, UInt16.self)
      default: region = try narrow(numbers, UInt8.self)
      }
    }
    let others = [
      proto.n_float_data, proto.n_double_data, proto.n_int64_data, proto.n_uint64_data,
      proto.n_int32_data, proto.n_string_data,
    ].reduce(0, +)
    guard others == count else {
      throw FormatError(
        .elementType, "elements of type \(type) belong in \(field.rawValue), got another field")
    }
    return region
  }

  private func copy<Element>(_ start: UnsafeMutablePointer<Element>?, _ count: Int) -> ByteRegion {
    ByteRegion(copying: UnsafeRawBufferPointer(list(start, count)))
  }

  private func narrow<Wide: FixedWidthInteger, Narrow: FixedWidthInteger>(
    _ numbers: UnsafeBufferPointer<Wide>, _ type: Narrow.Type
  ) throws(FormatError) -> ByteRegion {
    var result: [Narrow] = []
    result.reserveCapacity(numbers.count)
    for number in numbers {
      guard let narrow = Narrow(exactly: number) else {
        throw FormatError(.dataSize, "element \(number) does not fit \(Narrow.bitWidth) bits")
      }
      result.append(narrow)
    }
    return result.withUnsafeBytes { ByteRegion(copying: $0) }
  }
}

/// The fields of a tensor's message that hold numbers.
private enum TypedField: String {
  case float = "float_data"
  case double = "double_data"
  case int32 = "int32_data"
  case int64 = "int64_data"
  case uint64 = "uint64_data"
}

extension ElementType {
  /// The field in which elements of this type lie unless they are raw.
  fileprivate var typedField: TypedField {
    switch self {
    case .float, .complex64: .float
    case .double, .complex128: .double
    case .int64: .int64
    case .uint32, .uint64: .uint64
    default: .int32
    }
  }
}

// MARK: Writing

extension MessageArena {
  /// The message of a tensor called `name`, which `placement` may put elsewhere.
  func tensor(
    _ stored: StoredTensor, name: String?, _ placement: any TensorPlacement
  ) -> UnsafeMutablePointer<Onnx__TensorProto> {
    let message = message(onnx__tensor_proto__init) { (result: inout Onnx__TensorProto) in
      result.name = text(name)
      result.has_data_type = 1
      result.data_type = stored.tensor.elementType.rawValue
      result.n_dims = stored.tensor.shape.count
      result.dims = array(stored.tensor.shape.map(Int64.init))
      result.doc_string = text(stored.docString)
      result.n_metadata_props = stored.metadata.count
      result.metadata_props = entries(stored.metadata)
      restore(stored.preserved, in: &result.base)
      let encoding =
        stored.tensor.strings == nil ? placement.encoding(of: stored, name: name) : .typed
      switch encoding {
      case .external(let location):
        result.has_data_location = 1
        result.data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL
        result.n_external_data = location.count
        result.external_data = entries(location)
        return
      case .raw:
        let bytes = stored.tensor.region.bytes
        let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        result.has_raw_data = 1
        result.raw_data = ProtobufCBinaryData(
          len: bytes.count, data: UnsafeMutablePointer(mutating: start))
      case .typed: fill(&result, with: stored.tensor)
      }
      if stored.declaresDefaultLocation {
        result.has_data_location = 1
        result.data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT
      }
    }
    remember(stored, as: message)
    return message
  }

  private func fill(_ result: inout Onnx__TensorProto, with tensor: Tensor) {
    if let strings = tensor.strings {
      result.n_string_data = strings.count
      result.string_data = array(strings.map(bytes))
      return
    }
    let bytes = tensor.region.bytes
    switch tensor.elementType.typedField {
    case .float:
      result.float_data = array(elements(bytes))
      result.n_float_data = bytes.count / 4
    case .double:
      result.double_data = array(elements(bytes))
      result.n_double_data = bytes.count / 8
    case .int64:
      result.int64_data = array(elements(bytes))
      result.n_int64_data = bytes.count / 8
    case .uint64:
      let numbers: [UInt64] =
        tensor.elementType == .uint32
        ? elements(bytes, as: UInt32.self).map(UInt64.init) : elements(bytes)
      result.uint64_data = array(numbers)
      result.n_uint64_data = numbers.count
    case .int32:
      let numbers: [Int32] =
        switch tensor.elementType {
        case .int32: elements(bytes)
        case .int16: elements(bytes, as: Int16.self).map(Int32.init)
        case .int8: elements(bytes, as: Int8.self).map(Int32.init)
        case .uint16, .float16, .bfloat16: elements(bytes, as: UInt16.self).map(Int32.init)
        default: bytes.map(Int32.init)
        }
      result.int32_data = array(numbers)
      result.n_int32_data = numbers.count
    }
  }

  private func elements<Element: TensorElement>(
    _ bytes: UnsafeRawBufferPointer, as type: Element.Type = Element.self
  ) -> [Element] {
    let width = MemoryLayout<Element>.stride
    return (0..<bytes.count / width).map {
      bytes.loadUnaligned(fromByteOffset: $0 * width, as: Element.self)
    }
  }
}
