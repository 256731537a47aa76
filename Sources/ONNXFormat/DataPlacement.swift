import GraphIR
import Tensors

/// Decides where a written model keeps the elements of each tensor.
final class DataPlacement: TensorPlacement {
  /// What to do with tensors.
  enum Policy {
    /// Each stays where it is.
    case keep
    /// Each lies in the model.
    case inline
    /// Tensors that lie outside already go to the data file.
    case move
    /// Those outside stay there; those inside go to the data file, if of some size.
    case spill
    /// Every tensor of some size goes to the data file.
    case file
  }

  private let policy: Policy
  private let fileName: String
  /// The contents of the data file, in order.
  private(set) var regions: [(offset: Int, region: ByteRegion)] = []
  private var end = 0
  /// Bytes of elements that stay in other files.
  private var keptByteCount = 0

  /// Bytes of the data file, and of elements that stay in other files.
  var byteCountOutside: Int { saturatingSum(end, keptByteCount) }

  /// Smaller tensors stay in the model: their entries would be as long as they are.
  static let threshold = 1024
  /// What tensors' offsets in the data file are multiples of, so that they can be used where they
  /// are mapped: a page for large ones, as the specification asks.
  private static func alignment(of byteCount: Int) -> Int { byteCount >= 1 << 20 ? 4096 : 64 }

  private var offsets: [ByteRegion.Place: Int] = [:]
  private var kept: Set<ByteRegion.Place> = []

  init(_ policy: Policy, fileName: String) {
    self.policy = policy
    self.fileName = fileName
  }

  /// Where `stored` goes; asking reserves its place in the data file.
  func encoding(of stored: StoredTensor, name: String?) -> TensorEncoding {
    let isExternal = if case .external = stored.encoding { true } else { false }
    switch policy {
    case .keep: return isExternal ? keep(stored) : stored.encoding
    case .inline: return isExternal ? .raw : stored.encoding
    case .move: return isExternal ? place(stored.tensor.region) : stored.encoding
    case .spill where isExternal: return keep(stored)
    case .file, .spill:
      let isLarge = stored.tensor.byteCount >= Self.threshold
      return isExternal || isLarge ? place(stored.tensor.region) : stored.encoding
    }
  }

  private func keep(_ stored: StoredTensor) -> TensorEncoding {
    if kept.insert(stored.tensor.region.place).inserted {
      keptByteCount = saturatingSum(keptByteCount, stored.tensor.byteCount)
    }
    return stored.encoding
  }

  private func place(_ region: ByteRegion) -> TensorEncoding {
    let offset = offsets[region.place] ?? append(region)
    offsets[region.place] = offset
    return .external([
      MetadataEntry(key: "location", value: fileName),
      MetadataEntry(key: "offset", value: String(offset)),
      MetadataEntry(key: "length", value: String(region.count)),
    ])
  }

  private func append(_ region: ByteRegion) -> Int {
    let alignment = Self.alignment(of: region.count)
    // No disk holds as much as would overflow: writing ends before it gets there.
    let offset = saturatingSum(end, alignment - 1) / alignment * alignment
    regions.append((offset, region))
    end = saturatingSum(offset, region.count)
    return offset
  }
}
