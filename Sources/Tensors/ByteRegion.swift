import Glibc

/// Memory that several tensors may share: a heap block, or a file mapped read-only.
///
/// The bytes never change once the storage is shared, so it is safe to send across threads.
package final class ByteStorage: @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  private let release: @Sendable (UnsafeRawBufferPointer) -> Void

  /// Takes over `bytes`; `release` is called once, when the last tensor lets go of them.
  package init(
    owning bytes: UnsafeRawBufferPointer,
    release: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
  ) {
    self.bytes = bytes
    self.release = release
  }

  deinit { release(bytes) }

  /// A heap block of `byteCount` bytes, 64-byte aligned, filled by `initialize`.
  package static func allocate(
    byteCount: Int, initialize: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows -> ByteStorage {
    let block = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(byteCount, 1), alignment: 64)
    let used = UnsafeMutableRawBufferPointer(rebasing: block[0..<byteCount])
    do { try initialize(used) } catch {
      block.deallocate()
      throw error
    }
    return ByteStorage(owning: UnsafeRawBufferPointer(used)) {
      UnsafeMutableRawBufferPointer(mutating: $0).deallocate()
    }
  }
}

/// A range of bytes inside a storage: what a tensor's elements, or an untouched weight, are stored in.
package struct ByteRegion: Sendable {
  package let storage: ByteStorage
  package let offset: Int
  package let count: Int

  /// The bytes `offset ..< offset + count` of `storage`; they must lie inside it.
  package init(_ storage: ByteStorage, offset: Int = 0, count: Int? = nil) {
    let count = count ?? storage.bytes.count - offset
    precondition(offset >= 0 && count >= 0 && offset <= storage.bytes.count - count)
    self.storage = storage
    self.offset = offset
    self.count = count
  }

  /// A copy of `bytes` on the heap.
  package init(copying bytes: some Collection<UInt8>) {
    self.init(
      ByteStorage.allocate(byteCount: bytes.count) { block in
        _ = block.initializeMemory(as: UInt8.self, from: bytes)
      })
  }

  /// The bytes themselves; valid while `storage` lives. They may have any alignment.
  package var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: storage.bytes[offset..<offset + count])
  }

  /// What tells regions apart.
  package struct Place: Sendable, Hashable {
    private let storage: ObjectIdentifier
    private let offset: Int
    private let count: Int

    fileprivate init(_ region: ByteRegion) {
      storage = ObjectIdentifier(region.storage)
      offset = region.offset
      count = region.count
    }
  }

  /// Where the bytes lie: equal for tensors that share them, while one of those lives.
  package var place: Place { Place(self) }

  /// Whether both regions hold the same bytes.
  package func hasSameBytes(as other: ByteRegion) -> Bool {
    guard count == other.count else { return false }
    guard count > 0, bytes.baseAddress != other.bytes.baseAddress else { return true }
    return memcmp(bytes.baseAddress!, other.bytes.baseAddress!, count) == 0
  }
}
