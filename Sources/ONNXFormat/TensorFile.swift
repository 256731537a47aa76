import COnnx
import GraphIR
package import Tensors

extension ONNXFile {
  /// Reads the file of a single tensor, such as the inputs and outputs of ONNX's test cases.
  ///
  /// - Throws: `FormatError` for the first fault found, with `.notATensor` if the file is that of a
  ///   sequence, a map or an optional value.
  package static func readTensor(path: String) throws(FormatError) -> (name: String, tensor: Tensor)
  {
    let file = try map(path)
    let external = ExternalDataFiles(modelPath: path, directory: nil)
    do throws(FormatError) {
      return try decodeTensor(file.region, external: external)
    } catch { throw error.inside(file: path) }
  }

  /// Reads a single tensor from its encoded message.
  ///
  /// - Throws: `FormatError`, as `readTensor`.
  package static func decodeTensor(
    _ region: ByteRegion, external: any ExternalTensorSource
  ) throws(FormatError) -> (name: String, tensor: Tensor) {
    if let kind = MessageKind(region.bytes) {
      throw FormatError(.notATensor, "expected a tensor, got what seems to be \(kind.rawValue)")
    }
    let arena = MessageArena()
    let unpacked = try arena.unpack(region.bytes, as: tensorDescriptor)
    let proto = UnsafeRawPointer(unpacked.message).assumingMemoryBound(to: Onnx__TensorProto.self)
    let reader = TensorReader(file: region, data: unpacked.tensorData, external: external)
    let stored = try withExtendedLifetime((arena, region)) { () throws(FormatError) in
      try reader.tensor(proto.pointee)
    }
    return (stored.name ?? "", stored.tensor)
  }

  /// Writes the file of a single tensor.
  ///
  /// - Throws: `FormatError` if the file cannot be written.
  package static func writeTensor(
    _ tensor: Tensor, name: String, to path: String, overwriting: Bool
  ) throws(FormatError) {
    let arena = MessageArena()
    let placement = DataPlacement(.keep, fileName: "")
    let message = arena.tensor(StoredTensor(name: name, tensor), name: name, placement)
    try withExtendedLifetime((arena, tensor)) { () throws(FormatError) in
      let file = try finish(&message.pointee.base, to: path, overwriting: overwriting)
      do throws(FileError) { try file.publish() } catch { throw FormatError(error) }
    }
  }
}

/// What a message that is no tensor seems to be, by the fields it has.
///
/// `SequenceProto`, `OptionalProto` and `MapProto` number their fields from 1 to 7. A tensor has a
/// name (8) or raw data (9) beside them; and field 3, of which the others consist, is in a tensor a
/// segment that nothing writes.
private enum MessageKind: String {
  case map = "a map"
  case sequence = "a sequence"
  case optional = "an optional value or a sequence of one"
  case empty = "an empty sequence or optional value"

  init?(_ bytes: UnsafeRawBufferPointer) {
    var counts = [Int](repeating: 0, count: 8)
    var isMap = false
    var isNamed = false
    var reader = FieldReader(bytes)
    while let (number, wireType) = reader.next() {
      guard (1...7).contains(number) else { return nil }
      counts[number] += 1
      if number == 1 {
        // Dimensions that stand alone are numbers, a name is not.
        guard wireType == 2 else { return nil }
        isNamed = true
      }
      if number == 3, wireType == 0 { isMap = true }
    }
    guard reader.isAtEnd else { return nil }
    if isMap || counts[5] > 0 && (counts[3] > 0 || counts[4] > 0) && counts[2] == 1 {
      self = .map
    } else if counts[3] > 1 {
      self = .sequence
    } else if counts[3] == 1 {
      self = .optional
    } else if isNamed, counts[4...].allSatisfy({ $0 == 0 }) {
      self = .empty
    } else {
      return nil
    }
  }
}

/// The fields of a message, without a look into them.
private struct FieldReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  /// The next field's number and wire type; `nil` at the end and at a fault.
  mutating func next() -> (number: Int, wireType: Int)? {
    guard position < bytes.count, let tag = varint() else { return nil }
    let count: UInt64
    switch tag & 7 {
    case 0: return varint() == nil ? nil : (Int(tag >> 3), 0)
    case 1: count = 8
    case 2:
      guard let length = varint() else { return nil }
      count = length
    case 5: count = 4
    default: return nil
    }
    guard count <= UInt64(bytes.count - position) else { return nil }
    position += Int(count)
    return (Int(tag >> 3), Int(tag & 7))
  }

  private mutating func varint() -> UInt64? {
    var result: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) where position < bytes.count {
      let byte = bytes[position]
      position += 1
      result |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return result }
    }
    return nil
  }
}
