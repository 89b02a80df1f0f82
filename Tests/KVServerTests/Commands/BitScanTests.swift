import Testing

@testable import KVServer

struct BitScanTests {
  /// Three words and a half: ranges begin and end in the middle of words, of bytes, and at their edges.
  static let samples: [[UInt8]] = [
    (0..<28).map { UInt8(truncatingIfNeeded: $0 * 37 ^ 0xA5) },
    [UInt8](repeating: 0, count: 28), [UInt8](repeating: 255, count: 28),
    [UInt8](repeating: 0, count: 27) + [1], [UInt8](repeating: 255, count: 13) + [254, 255, 255],
  ]

  @Test(arguments: samples)
  func `every range is counted and searched as bit by bit`(bytes: [UInt8]) {
    let bits = (0..<bytes.count * 8).map { bytes[$0 / 8] & (128 >> UInt8($0 % 8)) != 0 }
    bytes.withRawBytes { span in
      let scan = BitScan(span)
      for start in 0...bits.count {
        for end in start...bits.count {
          let range = start..<end
          let ones = scan.countOfOnes(in: range)
          let one = scan.first(true, in: range)
          let zero = scan.first(false, in: range)
          if ones != bits[range].count(where: { $0 }) || one != bits[range].firstIndex(of: true)
            || zero != bits[range].firstIndex(of: false)
          {
            Issue.record("\(range): \(ones) ones, first \(String(describing: (one, zero)))")
          }
        }
      }
    }
  }
}
