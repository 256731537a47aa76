import COnnx
import GraphIR
import Tensors

/// Reads tensors whose numbers lie in `file`, where `data` says.
struct TensorReader {
  let file: ByteRegion
  let data: [TensorData]
  let external: any ExternalTensorSource

  /// More axes than any tensor has: a shape is to fit into a message.
  private static let maximumRank = 256

  /// The tensor of a message.
  ///
  /// - Throws: `FormatError` if dimensions, type and data do not agree.
  func tensor(_ proto: Onnx__TensorProto) throws(FormatError) -> StoredTensor {
    let shape = try dimensions(proto.dims, proto.n_dims)
    guard let type = ElementType(rawValue: proto.data_type), type != .undefined else {
      throw FormatError(
        .elementType, "expected a tensor's element type, got \(proto.data_type)")
    }
    let location = proto.data_location
    guard proto.has_data_location == 0 || location.rawValue <= 1 else {
      throw FormatError(.externalEntry, "expected data location 0 or 1, got \(location.rawValue)")
    }
    let isExternal = location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL
    let numbers = numbers(of: proto)
    let isEmptyRaw = numbers.fields == [.raw] && numbers.raw?.isEmpty == true
    try checkSources(proto, isEmptyRaw && isExternal ? TensorData() : numbers, isExternal)
    let (tensor, encoding) = try contents(proto, type, shape, numbers, isExternal: isExternal)
    var result = StoredTensor(name: text(proto.name), tensor, encoding: encoding)
    result.docString = text(proto.doc_string)
    result.metadata = entries(proto.metadata_props, proto.n_metadata_props)
    result.preserved = preserved(proto.base) + preserved(3, proto.segment)
    if isExternal {
      if isEmptyRaw {
        result.preserved.append(PreservedField(emptyText: TensorField.raw.rawValue))
      }
      try external.settle(&result)
    } else {
      result.preserved += preserved(13, proto.external_data, proto.n_external_data)
      result.declaresDefaultLocation = proto.has_data_location != 0
    }
    return result
  }

  /// The extents of a message; their product is not looked at.
  func dimensions(
    _ start: UnsafeMutablePointer<Int64>?, _ count: Int
  ) throws(FormatError) -> [Int] {
    guard count <= Self.maximumRank else {
      throw FormatError(
        .dimension, "expected at most \(Self.maximumRank) dimensions, got \(count)")
    }
    return list(start, count).map { Int($0) }
  }

  /// Where the tensor's numbers lie, by the index that the scanner left in place of them.
  private func numbers(of proto: Onnx__TensorProto) -> TensorData {
    guard proto.has_raw_data != 0 else { return TensorData() }
    return data[Int(UnsafeRawPointer(proto.raw_data.data).loadUnaligned(as: UInt64.self))]
  }

  /// Verifies that there is data in one place at most.
  private func checkSources(
    _ proto: Onnx__TensorProto, _ numbers: TensorData, _ isExternal: Bool
  ) throws(FormatError) {
    var sources = numbers.fields.map(\.name)
    if isExternal { sources.insert("an external file", at: 0) }
    if proto.n_string_data > 0 { sources.append("string_data") }
    guard sources.count <= 1 else {
      throw FormatError(
        .ambiguousData, "a tensor has data in \(sources.joined(separator: " and in "))")
    }
  }

  private func contents(
    _ proto: Onnx__TensorProto, _ type: ElementType, _ shape: [Int], _ numbers: TensorData,
    isExternal: Bool
  ) throws(FormatError) -> (Tensor, TensorEncoding) {
    do {
      let count = try Tensor.elementCount(of: shape)
      if type == .string {
        guard !isExternal, numbers.isEmpty else {
          throw FormatError(.elementType, "strings can only lie in string_data")
        }
        let strings = list(proto.string_data, proto.n_string_data).map {
          Array(list($0.data, $0.len))
        }
        return (try Tensor(strings: strings, shape: shape), .typed)
      }
      guard let byteCount = type.byteCount(elements: count) else {
        throw TensorError(.shapeOverflow, "a tensor of shape \(shape) has too many bytes")
      }
      let region: ByteRegion
      let encoding: TensorEncoding
      if isExternal {
        let entries = entries(proto.external_data, proto.n_external_data)
        region = try external.region(entries, byteCount: byteCount)
        encoding = .external(entries)
      } else if let raw = numbers.raw {
        region = file.part(raw)
        encoding = .raw
      } else {
        let field = numbers.runs.first?.field.name ?? "string_data"
        guard numbers.isEmpty && proto.n_string_data == 0 || field == type.typedField.name else {
          throw FormatError(
            .elementType,
            "elements of type \(type) belong in \(type.typedField.name), got \(field)")
        }
        region = try typedData(numbers, type, count: count)
        encoding = .typed
      }
      return (try Tensor(type, shape: shape, region: region), encoding)
    } catch let error as FormatError { throw error } catch let error as TensorError {
      throw FormatError(error)
    } catch { preconditionFailure("an error of neither room: \(error)") }
  }

  /// The packed bytes of `count` elements in a typed field.
  private func typedData(
    _ numbers: TensorData, _ type: ElementType, count: Int
  ) throws(FormatError) -> ByteRegion {
    switch type {
    case .float, .complex64: numbers.fixedWidth(4, in: file)
    case .double, .complex128: numbers.fixedWidth(8, in: file)
    case .int64: try decoded(numbers, count) { Int64(bitPattern: $0) }
    case .uint64: try decoded(numbers, count) { $0 }
    case .uint32: try decoded(numbers, count) { UInt32(exactly: $0) }
    case .int32: try decoded(numbers, count) { Int32(truncatingIfNeeded: $0) }
    case .int16: try decoded(numbers, count) { Int16(exactly: Int32(truncatingIfNeeded: $0)) }
    case .int8: try decoded(numbers, count) { Int8(exactly: Int32(truncatingIfNeeded: $0)) }
    case .uint16, .float16, .bfloat16: try decoded(numbers, count) { UInt16(exactly: $0) }
    case .float6e2m3, .float6e3m2:
      SixBitElements.packed(try decoded(numbers, count) { $0 < 64 ? UInt8($0) : nil })
    default:
      // Numbers of less than a byte stand together, as they do in raw data.
      try decoded(numbers, type.byteCount(elements: count) ?? count) { UInt8(exactly: $0) }
    }
  }

  /// The `count` numbers of a tensor, each as `element` makes it.
  private func decoded<Element: TensorElement & FixedWidthInteger>(
    _ numbers: TensorData, _ count: Int, _ element: (UInt64) -> Element?
  ) throws(FormatError) -> ByteRegion {
    let bytes = file.bytes
    let found = numbers.numberCount(in: bytes)
    guard found == count else {
      throw FormatError(.dataSize, "expected \(count) numbers of a tensor, got \(found)")
    }
    var fault: UInt64?
    let storage = ByteStorage.allocate(byteCount: count * MemoryLayout<Element>.stride) { block in
      var start = block.baseAddress!
      numbers.forEachNumber(in: bytes) { number in
        let element = element(number)
        if element == nil, fault == nil { fault = number }
        start.storeBytes(of: element ?? 0, as: Element.self)
        start += MemoryLayout<Element>.stride
      }
    }
    if let fault {
      throw FormatError(
        .dataSize,
        "element \(Int64(bitPattern: fault)) does not fit \(Element.bitWidth) bits")
    }
    return ByteRegion(storage)
  }
}

extension ElementType {
  /// The field in which elements of this type lie unless they are raw.
  fileprivate var typedField: TensorField {
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
      result.n_float_data = bytes.count / 4
      result.float_data = inPlace(bytes)
    case .double:
      result.n_double_data = bytes.count / 8
      result.double_data = inPlace(bytes)
    case .int64:
      result.n_int64_data = bytes.count / 8
      result.int64_data = aligned(bytes)
    case .uint64 where tensor.elementType == .uint32:
      result.n_uint64_data = bytes.count / 4
      result.uint64_data = widened(bytes) { (element: UInt32) in UInt64(element) }
    case .uint64:
      result.n_uint64_data = bytes.count / 8
      result.uint64_data = aligned(bytes)
    case .int32, .raw:
      result.n_int32_data = bytes.count
      switch tensor.elementType {
      case .int32:
        result.n_int32_data /= 4
        result.int32_data = aligned(bytes)
      case .int16:
        result.n_int32_data /= 2
        result.int32_data = widened(bytes) { (element: Int16) in Int32(element) }
      case .uint16, .float16, .bfloat16:
        result.n_int32_data /= 2
        result.int32_data = widened(bytes) { (element: UInt16) in Int32(element) }
      case .int8: result.int32_data = widened(bytes) { (element: Int8) in Int32(element) }
      case .float6e2m3, .float6e3m2:
        result.n_int32_data = tensor.count
        result.int32_data = array(SixBitElements.unpacked(bytes, count: tensor.count))
      default: result.int32_data = widened(bytes) { (element: UInt8) in Int32(element) }
      }
    }
  }

  /// The elements where they lie: numbers of a fixed width are packed from any alignment.
  private func inPlace<Element>(
    _ bytes: UnsafeRawBufferPointer
  ) -> UnsafeMutablePointer<Element>? {
    UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: Element.self)
  }

  /// The elements where they lie, or a copy where they are not aligned.
  private func aligned<Element: TensorElement>(
    _ bytes: UnsafeRawBufferPointer
  ) -> UnsafeMutablePointer<Element>? {
    Int(bitPattern: bytes.baseAddress) % MemoryLayout<Element>.alignment == 0
      ? inPlace(bytes) : widened(bytes) { (element: Element) in element }
  }

  private func widened<Element: TensorElement, Wide>(
    _ bytes: UnsafeRawBufferPointer, _ wide: (Element) -> Wide
  ) -> UnsafeMutablePointer<Wide>? {
    let width = MemoryLayout<Element>.stride
    let count = bytes.count / width
    guard count > 0 else { return nil }
    let result = allocate(count * MemoryLayout<Wide>.stride)
      .bindMemory(to: Wide.self, capacity: count)
    for index in 0..<count {
      let element = bytes.loadUnaligned(fromByteOffset: index * width, as: Element.self)
      (result + index).initialize(to: wide(element))
    }
    return result
  }
}

/// Elements of six bits: four of them in three bytes, the first in the lowest bits.
private enum SixBitElements {
  /// The packed form of elements that take a byte each.
  static func packed(_ elements: ByteRegion) -> ByteRegion {
    let count = (elements.count * 6 + 7) / 8
    return ByteRegion(
      ByteStorage.allocate(byteCount: count) { block in
        block.initializeMemory(as: UInt8.self, repeating: 0)
        for (index, element) in elements.bytes.enumerated() {
          let (byte, shift) = (index * 6 / 8, index * 6 % 8)
          block[byte] |= element << UInt8(shift)
          if shift > 2 { block[byte + 1] |= element >> UInt8(8 - shift) }
        }
      })
  }

  static func unpacked(_ bytes: UnsafeRawBufferPointer, count: Int) -> [Int32] {
    (0..<count).map { index in
      let (byte, shift) = (index * 6 / 8, index * 6 % 8)
      let next = shift > 2 ? Int32(bytes[byte + 1]) << 8 : 0
      return (Int32(bytes[byte]) | next) >> Int32(shift) & 0x3f
    }
  }
}
