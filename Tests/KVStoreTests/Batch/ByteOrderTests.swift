import Base
import Testing

@testable import KVStore

/// The order of keys, by whichever way it is found.
@Suite struct ByteOrderTests {
  @Test func `behind equal windows the tails compare as the whole keys do`() {
    var random = SeededGenerator(seed: testSeed())
    var compared = 0
    for _ in 0..<20_000 {
      let prefix = (0..<Int.random(in: 0...28, using: &random)).map { _ in
        UInt8.random(in: 0...1, using: &random) * 255
      }
      let keys = (0..<2).map { _ in
        prefix
          + (0..<Int.random(in: 0...4, using: &random)).map { _ in
            UInt8.random(in: 0...2, using: &random) * 127
          }
      }
      let (left, right) = (keys[0], keys[1])
      guard KeyWindow(left.rawSpan) == KeyWindow(right.rawSpan) else { continue }
      compared += 1
      let tails = left.rawSpan.compareTail(to: right.rawSpan)
      let wholes = left.rawSpan.compare(to: right.rawSpan)
      #expect(tails.signum() == wholes.signum())
    }
    #expect(compared > 5_000)
  }
}
