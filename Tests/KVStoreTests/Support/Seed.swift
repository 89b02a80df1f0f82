import Foundation

/// The seed of a random test: `KVD_TEST_SEED` where it is set, so that a failure replays.
func testSeed(_ test: String = #function) -> UInt64 {
  let given = ProcessInfo.processInfo.environment["KVD_TEST_SEED"].flatMap { UInt64($0) }
  let seed = given ?? UInt64.random(in: .min ... .max)
  print("\(test): KVD_TEST_SEED=\(seed)")
  return seed
}
