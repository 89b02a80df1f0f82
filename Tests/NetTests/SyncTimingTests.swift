import Testing

@testable import Net

@Suite struct SyncTimingTests {
  private let millisecond: UInt64 = 1_000_000

  private func withWrites() -> SyncTiming {
    var timing = SyncTiming()
    timing.didWrite()
    return timing
  }

  @Test func `a loop with nothing else to do syncs at once and by itself`() {
    var timing = withWrites()
    #expect(timing.nextStep(isBusy: false, now: 7) == .syncInline)
    #expect(!timing.hasUnsynced)
  }

  @Test func `a busy loop gathers, and syncs by itself as soon as nothing is ready`() {
    var timing = withWrites()
    #expect(timing.nextStep(isBusy: true, now: 7) == .gather)
    #expect(timing.hasUnsynced)
    timing.didWrite()
    #expect(timing.nextStep(isBusy: true, now: 8) == .gather)
    #expect(timing.nextStep(isBusy: false, now: 9) == .syncInline)
    #expect(!timing.hasUnsynced)
  }

  @Test func `a loop that is always busy leaves the sync to the log writer after a while`() {
    var timing = withWrites()
    #expect(timing.nextStep(isBusy: true, now: 7) == .gather)
    #expect(timing.nextStep(isBusy: true, now: 6 + SyncTiming.gatherNanoseconds) == .gather)
    #expect(timing.nextStep(isBusy: true, now: 7 + SyncTiming.gatherNanoseconds) == .delegate)
    #expect(!timing.hasUnsynced)
  }

  @Test func `every gathering has its own beginning`() {
    var timing = withWrites()
    _ = timing.nextStep(isBusy: true, now: 7)
    _ = timing.nextStep(isBusy: false, now: 8)
    timing.didWrite()
    let later = 9 + SyncTiming.gatherNanoseconds
    #expect(timing.nextStep(isBusy: true, now: later) == .gather)
  }

  @Test func `after a slow sync the log writer has the next ones, for a time`() {
    var timing = withWrites()
    _ = timing.nextStep(isBusy: false, now: 0)
    timing.didSync(from: 0, to: SyncTiming.slowNanoseconds)
    timing.didWrite()
    #expect(timing.nextStep(isBusy: false, now: 6 * millisecond) == .delegate)
    timing.didWrite()
    let end = SyncTiming.slowNanoseconds + SyncTiming.delegatingNanoseconds
    #expect(timing.nextStep(isBusy: false, now: end - 1) == .delegate)
    timing.didWrite()
    #expect(timing.nextStep(isBusy: false, now: end) == .syncInline)
  }

  @Test func `a quick sync changes nothing`() {
    var timing = withWrites()
    timing.didSync(from: 0, to: SyncTiming.slowNanoseconds - 1)
    #expect(timing.nextStep(isBusy: false, now: 6 * millisecond) == .syncInline)
  }
}
