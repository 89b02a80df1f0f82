import Testing

@Suite struct CoordinatorTests {
  @Test func `what was committed is there after closing and opening`() throws {
    let first = try TestLog.open()
    try first.commit(Part(0, "alone"))
    try first.commit(Part(0, "left"), Part(1, "right"))
    let second = try first.reopen()
    #expect(
      second.entries == [1: [Part(0, "alone")], 2: [Part(0, "left"), Part(1, "right")]])
    #expect(second.report.rolledForwardCount == 2)
    #expect(second.report.lastSequence == 2)
    #expect(!second.report.hasTornTail)
    try second.commit(Part(2, "later"))
    let third = try second.reopen()
    #expect(third.entries.count == 3)
    try third.coordinator.close()
  }
}
