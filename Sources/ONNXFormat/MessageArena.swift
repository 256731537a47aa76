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
  /// Checks and unpacks one message; `raw_data` of its tensors points into `bytes`.
  ///
  /// - Throws: `FormatError` with the byte offset of the first fault.
  func unpack(
    _ bytes: UnsafeRawBufferPointer, as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) throws(FormatError) -> UnsafeMutablePointer<ProtobufCMessage> {
    let scanner = try WireScanner(bytes, as: descriptor)
    var allocator = allocator
    let unpacked = scanner.copy.withUnsafeBufferPointer { copy in
      protobuf_c_message_unpack(descriptor, &allocator, copy.count, copy.baseAddress)
    }
    guard let unpacked else { throw FormatError(.truncated, "the message cannot be decoded") }
    resolveRawData(of: unpacked, in: bytes)
    return unpacked
  }

  /// Replaces what the scanner left of each `raw_data` by the bytes it stands for.
  private func resolveRawData(
    of message: UnsafeMutablePointer<ProtobufCMessage>, in bytes: UnsafeRawBufferPointer
  ) {
    let descriptor = message.pointee.descriptor!
    let memory = UnsafeMutableRawPointer(message)
    if descriptor == tensorDescriptor {
      let tensor = memory.assumingMemoryBound(to: Onnx__TensorProto.self)
      guard tensor.pointee.has_raw_data != 0 else { return }
      let token = UnsafeRawPointer(tensor.pointee.raw_data.data!)
      let offset = Int(token.loadUnaligned(as: UInt64.self))
      let count = Int(token.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      let start = bytes.baseAddress!.assumingMemoryBound(to: UInt8.self) + offset
      tensor.pointee.raw_data = ProtobufCBinaryData(
        len: count, data: UnsafeMutablePointer(mutating: start))
      return
    }
    for index in 0..<Int(descriptor.pointee.n_fields) {
      let field = descriptor.pointee.fields[index]
      guard field.type == PROTOBUF_C_TYPE_MESSAGE else { continue }
      let quantifier = memory + Int(field.quantifier_offset)
      let member = memory + Int(field.offset)
      if field.label == PROTOBUF_C_LABEL_REPEATED {
        let count = quantifier.load(as: Int.self)
        guard count > 0 else { continue }
        let parts = member.load(
          as: UnsafeMutablePointer<UnsafeMutablePointer<ProtobufCMessage>>.self)
        for part in 0..<count { resolveRawData(of: parts[part], in: bytes) }
      } else {
        let isOneOf = field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0
        if isOneOf, quantifier.load(as: UInt32.self) != field.id { continue }
        let part = member.load(as: UnsafeMutablePointer<ProtobufCMessage>?.self)
        if let part { resolveRawData(of: part, in: bytes) }
      }
    }
  }
}

/// What tells tensors from other messages.
var tensorDescriptor: UnsafePointer<ProtobufCMessageDescriptor> {
  var message = Onnx__TensorProto()
  onnx__tensor_proto__init(&message)
  return message.base.descriptor
}

/// The encoding of a message.
func packed(_ message: UnsafePointer<ProtobufCMessage>) -> [UInt8] {
  let count = protobuf_c_message_get_packed_size(message)
  return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
    initialized = protobuf_c_message_pack(message, buffer.baseAddress)
  }
}
