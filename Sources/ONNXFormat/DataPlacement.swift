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
    /// Every tensor of some size goes to the data file.
    case file
  }

  private let policy: Policy
  private let fileName: String
  /// The contents of the data file, in order.
  private(set) var regions: [(offset: Int, region: ByteRegion)] = []
  private var end = 0

  /// Smaller tensors stay in the model: their entries would be as long as they are.
  static let threshold = 1024
  /// Where tensors begin in the data file, so that they can be used where they are mapped.
  static let alignment = 64

  init(_ policy: Policy, fileName: String) {
    self.policy = policy
    self.fileName = fileName
  }

  /// Where `stored` goes; asking reserves its place in the data file.
  func encoding(of stored: StoredTensor, name: String?) -> TensorEncoding {
    let isExternal = if case .external = stored.encoding { true } else { false }
    switch policy {
    case .keep: return stored.encoding
    case .inline: return isExternal ? .raw : stored.encoding
    case .move: return isExternal ? place(stored.tensor.region) : stored.encoding
    case .file:
      let isLarge = stored.tensor.byteCount >= Self.threshold
      return isExternal || isLarge ? place(stored.tensor.region) : stored.encoding
    }
  }

  private func place(_ region: ByteRegion) -> TensorEncoding {
    let offset = (end + Self.alignment - 1) / Self.alignment * Self.alignment
    regions.append((offset, region))
    end = offset + region.count
    return .external([
      MetadataEntry(key: "location", value: fileName),
      MetadataEntry(key: "offset", value: String(offset)),
      MetadataEntry(key: "length", value: String(region.count)),
    ])
  }
}
