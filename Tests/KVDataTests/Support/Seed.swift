import Foundation

/// The seed of a random test: `KVD_TEST_SEED` where it is set, so that a failure replays.
func testSeed(_ test: String = #function) -> UInt64 {
  let given = ProcessInfo.processInfo.environment["KVD_TEST_SEED"].flatMap { UInt64($0) }
  let seed = given ?? UInt64.random(in: .min ... .max)
  print("\(test): KVD_TEST_SEED=\(seed)")
  return seed
}

/// Random numbers that replay from their seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
