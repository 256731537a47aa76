import Glibc
import GraphIR
import Tensors

/// Numbers that look random and depend on nothing but a seed and a place, so that equal programs give
/// equal bytes whatever the order they are drawn in.
///
/// Source: the output function of SplitMix64 over a counter (Steele, Lea, Flood: Fast splittable
/// pseudorandom number generators, 2014).
struct RandomNumbers: Sendable {
  let seed: UInt64

  /// The numbers of a node: those of its `seed`, or where it has none of its name.
  ///
  /// `Dropout` has an integer for a seed, other operators a float.
  init(_ node: Node) throws(OperatorError) {
    switch node[attribute: "seed"] {
    case .int(let number)?: seed = Self.mix(UInt64(bitPattern: number))
    case nil:
      seed = (node.name ?? "").utf8.reduce(0x243F_6A88_85A3_08D3) { Self.mix($0 ^ UInt64($1)) }
    default: seed = Self.mix(UInt64(try node.number("seed").bitPattern) | 1 << 32)
    }
  }

  /// 64 random bits.
  func bits(_ place: Int) -> UInt64 {
    Self.mix(seed &+ UInt64(truncatingIfNeeded: place) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// A number of [0, 1), uniformly.
  func uniform(_ place: Int) -> Double { Double(bits(place) >> 11) * 0x1p-53 }

  /// A number of the standard normal distribution, by the method of Box and Muller.
  func normal(_ place: Int) -> Double {
    let radius = (-2 * log(1 - uniform(2 &* place))).squareRoot()
    return radius * cos(2 * Double.pi * uniform(2 &* place &+ 1))
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
