import COnnx
import GraphIR

/// Memory for the C form of one message, released at once.
final class MessageArena {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var free = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private static let blockSize = 1 << 18

  /// Whether `storedTensors` is kept.
  var remembersTensors = false
  /// What the messages of tensors were made from, by their addresses.
  private(set) var storedTensors: [UnsafeRawPointer: StoredTensor] = [:]

  /// Takes note of what a message was made from, if asked to.
  func remember(_ tensor: StoredTensor, as message: UnsafeRawPointer) {
    if remembersTensors { storedTensors[message] = tensor }
  }

  deinit { for block in blocks { block.deallocate() } }

  /// Uninitialised memory, aligned for every C type.
  func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let needed = (max(byteCount, 1) + 15) & ~15
    if needed > free.count {
      let size = max(needed, Self.blockSize)
      let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
      blocks.append(block)
      if size > Self.blockSize { return block }
      free = UnsafeMutableRawBufferPointer(start: block, count: size)
    }
    let result = free.baseAddress!
    free = UnsafeMutableRawBufferPointer(start: result + needed, count: free.count - needed)
    return result
  }

  /// An allocator for protobuf-c that takes from this arena; valid while the arena lives.
  var allocator: ProtobufCAllocator {
    ProtobufCAllocator(
      alloc: { arena, size in
        Unmanaged<MessageArena>.fromOpaque(arena!).takeUnretainedValue().allocate(size)
      },
      free: { _, _ in },
      allocator_data: Unmanaged.passUnretained(self).toOpaque())
  }
}

// MARK: Building messages

extension MessageArena {
  /// A message that `initialize` sets up and `fill` completes.
  func message<Message>(
    _ initialize: (UnsafeMutablePointer<Message>?) -> Void, _ fill: (inout Message) -> Void
  ) -> UnsafeMutablePointer<Message> {
    let pointer = allocate(MemoryLayout<Message>.stride).bindMemory(to: Message.self, capacity: 1)
    initialize(pointer)
    fill(&pointer.pointee)
    return pointer
  }

  func text(_ string: String?) -> UnsafeMutablePointer<CChar>? {
    guard let string else { return nil }
    let bytes = Array(string.utf8CString)
    return array(bytes)
  }

  /// A copy of `elements`; `nil` for none, as protobuf-c has it.
  func array<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element>? {
    guard !elements.isEmpty else { return nil }
    let pointer = allocate(elements.count * MemoryLayout<Element>.stride)
      .bindMemory(to: Element.self, capacity: elements.count)
    pointer.initialize(from: elements, count: elements.count)
    return pointer
  }

  func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
    ProtobufCBinaryData(len: bytes.count, data: array(bytes))
  }

  /// Hands preserved fields back to the message they came from.
  func restore(_ fields: [PreservedField], in message: inout ProtobufCMessage) {
    message.n_unknown_fields = UInt32(fields.count)
    message.unknown_fields = array(
      fields.map { field in
        ProtobufCMessageUnknownField(
          tag: UInt32(field.number), wire_type: ProtobufCWireType(rawValue: UInt32(field.wireType)),
          len: field.payload.count, data: array(field.payload))
      })
  }
}

// MARK: Unpacking

extension MessageArena {
  /// Checks and unpacks one message, and says where in `bytes` the numbers of its tensors lie.
  ///
  /// - Throws: `FormatError` with the byte offset of the first fault.
  func unpack(
    _ bytes: UnsafeRawBufferPointer, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(FormatError) -> (
    message: UnsafeMutablePointer<ProtobufCMessage>, tensorData: [TensorData]
  ) {
    let scanner = try WireScanner(bytes, as: descriptor)
    var allocator = allocator
    let unpacked = scanner.copy.withUnsafeBufferPointer { copy in
      protobuf_c_message_unpack(descriptor, &allocator, copy.count, copy.baseAddress)
    }
    guard let unpacked else { throw FormatError(.truncated, "the message cannot be decoded") }
    return (unpacked, scanner.tensorData)
  }
}

/// What tells tensors from other messages.
var tensorDescriptor: UnsafePointer<ProtobufCMessageDescriptor> {
  var message = Onnx__TensorProto()
  onnx__tensor_proto__init(&message)
  return message.base.descriptor
}

/// What tells sequences from other messages.
var sequenceDescriptor: UnsafePointer<ProtobufCMessageDescriptor> {
  var message = Onnx__SequenceProto()
  onnx__sequence_proto__init(&message)
  return message.base.descriptor
}

/// What tells optional values from other messages.
var optionalDescriptor: UnsafePointer<ProtobufCMessageDescriptor> {
  var message = Onnx__OptionalProto()
  onnx__optional_proto__init(&message)
  return message.base.descriptor
}

/// The encoding of a message.
func packed(_ message: UnsafePointer<ProtobufCMessage>) -> [UInt8] {
  let count = protobuf_c_message_get_packed_size(message)
  return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
    initialized = protobuf_c_message_pack(message, buffer.baseAddress)
  }
}
