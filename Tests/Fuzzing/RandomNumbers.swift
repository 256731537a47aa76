/// Numbers that follow from a seed and a position alone, the same on every machine.
///
/// Source: SplitMix64, G. L. Steele et al., "Fast splittable pseudorandom number generators", 2014.
struct RandomNumbers: RandomNumberGenerator {
  private var state: UInt64

  /// The numbers for the input at `index` of the run with `seed`.
  init(seed: UInt64, index: Int) {
    state =
      seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(bitPattern: Int64(index)) &* 0xD6E8_FEB8_6659_FD93
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// A number from 0 to below `bound`, which is positive.
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  /// Whether something that happens once in `times` happens now.
  mutating func once(in times: Int) -> Bool { below(times) == 0 }

  mutating func pick<Items: RandomAccessCollection>(_ items: Items) -> Items.Element
  where Items.Index == Int { items[items.startIndex + below(items.count)] }

  /// How many changes to make to one file: mostly one, so that the rest of it is still looked at.
  mutating func rounds() -> Int { once(in: 3) ? 2 + below(4) : 1 }

  /// A number that is likely to lie just where something breaks.
  mutating func extreme() -> UInt64 {
    let powers: [UInt64] = [0, 7, 8, 15, 16, 31, 32, 33, 53, 61, 62, 63]
    let power = UInt64(1) << pick(powers)
    switch below(6) {
    case 0: return power
    case 1: return power &- 1
    case 2: return 0 &- power
    case 3: return UInt64(below(300))
    case 4: return power &+ UInt64(below(4))
    default: return next()
    }
  }
}
