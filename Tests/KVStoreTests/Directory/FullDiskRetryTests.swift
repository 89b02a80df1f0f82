import Testing

@testable import KVStore

/// When LMDB's files are tried again on a full disk.
@Suite struct FullDiskRetryTests {
  @Test func `with clearly more room at once, otherwise after a pause that grows`() {
    var retry = FullDiskRetry()
    #expect(retry.mayTry(at: .zero, available: 0))
    retry.failed(at: .seconds(10), available: 5000)
    #expect(!retry.mayTry(at: .seconds(10), available: 5000))
    #expect(!retry.mayTry(at: .seconds(10), available: 0), "others took what was left")
    #expect(!retry.mayTry(at: .seconds(10), available: 5000 + 1 << 20 - 1))
    #expect(retry.mayTry(at: .seconds(10), available: 5000 + 1 << 20))
    #expect(retry.mayTry(at: .milliseconds(10_500), available: 0))
    retry.failed(at: .milliseconds(10_500), available: 0)
    #expect(!retry.mayTry(at: .milliseconds(11_499), available: 0))
    #expect(retry.mayTry(at: .milliseconds(11_500), available: 0))
  }
}
