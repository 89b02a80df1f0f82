import Testing

@testable import KVStore

@Suite struct PoisonTests {
  /// Story: memory was looked at before poison was. Where memory was full when the log failed, writers waited
  /// for room that nobody would ever make.
  @Test func `a poisoned store refuses writers even where memory is full`() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    store.budget.addSealed(store.budget.byteCount)
    #expect(try !store.tryAdmit(byteCount: 1))
    store.coordinator.poison(because: "a test says so")
    #expect(throws: StoreError.self) { try store.tryAdmit(byteCount: 1) }
    #expect(throws: StoreError.self) { try store.put(bytes("key"), bytes("value")) }
    store.budget.removeSealed(store.budget.byteCount)
  }
}
