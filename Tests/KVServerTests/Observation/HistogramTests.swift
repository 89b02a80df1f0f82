import Testing

@testable import KVServer

struct HistogramTests {
  @Test func `a value is at most an eighth below the bound of its slot`() {
    for exponent in 0..<30 {
      for offset in [UInt64(0), 1, 3, 5, 7] {
        let value = (UInt64(1) << UInt64(exponent)) + offset << UInt64(max(0, exponent - 3))
        guard value <= Histogram.largest else { continue }
        let bound = Histogram.bound(of: Histogram.slot(of: value))
        #expect(bound >= value && bound - value <= value / 8, "\(value)")
      }
    }
    for slot in 0..<Histogram.slotCount {
      #expect(Histogram.slot(of: Histogram.bound(of: slot)) == slot)
    }
    #expect(Histogram.slot(of: .max) == Histogram.slot(of: Histogram.largest))
  }

  @Test func `percentiles and steps count every value`() {
    var histogram = Histogram()
    for value in [500, 1500, 3000, 3000, 100_000] as [UInt64] { histogram.add(value) }
    #expect(histogram.total == 5)
    #expect((2750...3100).contains(histogram.percentile(60)))
    #expect(histogram.percentile(100) >= 100_000)
    #expect(histogram.steps.map(\.count) == [1, 2, 4, 5])
    #expect(histogram.steps.map(\.microseconds) == [1, 2, 4, 132])
    let earlier = histogram
    histogram.add(3000)
    histogram.add(2, in: Histogram.slot(of: 500))
    #expect(histogram.total == 8 && histogram.steps.map(\.count) == [3, 4, 7, 8])
    histogram.subtract(earlier)
    #expect(histogram.total == 3 && histogram.steps.map(\.count) == [2, 3])
  }
}
