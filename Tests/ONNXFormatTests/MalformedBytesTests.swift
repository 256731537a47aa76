import GraphIR
import ONNXFormat
import Tensors
import Testing

/// A small model with a little of everything, cut and bent at every place.
@Suite struct MalformedBytesTests {
  /// The longest and richest of the messages that come back, one after the other.
  static let models = LosslessTests.messages.map(\.bytes)

  /// Reads, and writes what could be read; a trap would end the process.
  private static func exercise(_ bytes: [UInt8]) -> Bool {
    guard
      let model = try? ONNXFile.decode(ByteRegion(copying: bytes), external: NoExternalTensors())
    else { return false }
    _ = model.text(full: true)
    guard let written = try? ONNXFile.encode(model, placement: InPlace()) else { return true }
    let again = try? ONNXFile.decode(ByteRegion(copying: written), external: NoExternalTensors())
    return again != nil
  }

  @Test func truncationNeverTraps() {
    for bytes in Self.models {
      for end in bytes.indices { _ = Self.exercise(Array(bytes[..<end])) }
      #expect(Self.exercise(bytes))
    }
  }

  @Test func aFlippedBitNeverTraps() {
    for bytes in Self.models {
      for bit in 0..<bytes.count * 8 {
        var bent = bytes
        bent[bit / 8] ^= 1 << UInt8(bit % 8)
        let model = try? ONNXFile.decode(
          ByteRegion(copying: bent), external: NoExternalTensors())
        guard model != nil else { continue }
        #expect(Self.exercise(bent), "what was read at bit \(bit) is written so that it reads")
      }
    }
  }
}
