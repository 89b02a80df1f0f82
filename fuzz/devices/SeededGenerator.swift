import Glibc

/// SplitMix64 (Steele, Lea, Flood 2014): small, quick, and the same on every machine, so that a run is
/// told by its seed.
package struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(_ seed: UInt64) {
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  package mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next() >> 32) }
  }

  /// The seed of a random run: `KVD_SEED` where it is set, chance otherwise.
  package static func seedOfRun() -> UInt64 {
    if let text = getenv("KVD_SEED"), let seed = UInt64(String(cString: text)) { return seed }
    return UInt64.random(in: .min ... .max)
  }
}
