import Testing

@testable import kvd_drive

/// What is printed of an impossible history must be impossible by itself, and not much more than that.
@Suite struct ReductionTests {
  private func value(_ operation: Int) -> State { .stamped(client: 1, operation: operation) }

  private func entry(_ times: ClosedRange<UInt64>, _ change: Change) -> Linearizability.Entry {
    Linearizability.Entry(
      invoked: times.lowerBound, returned: times.upperBound, change: change)
  }

  /// Writes one after the other, each read twice.
  private func history(of count: Int) -> [Linearizability.Entry] {
    (0..<count).flatMap { number in
      let time = UInt64(number) * 100
      return [
        entry(time...(time + 10), .write(value(number))),
        entry((time + 20)...(time + 40), .read(value(number))),
        entry((time + 30)...(time + 50), .read(value(number))),
      ]
    }
  }

  @Test func `a lost write is reduced to that write`() {
    let entries = history(of: 50)
    let reduction = Reduction(entries, from: .absent, to: .absent)
    #expect(reduction.indices.isEmpty)
    #expect(reduction.initial == value(49))
    #expect(reduction.final == .absent)
  }

  @Test func `a stale read in the middle is reduced to it and what it contradicts`() {
    var entries = history(of: 50)
    entries.append(entry(2060...2070, .read(value(3))))
    let reduction = Reduction(entries, from: .absent, to: value(49))
    #expect(reduction.indices == [150])
    #expect(reduction.initial == value(20))
    #expect(reduction.final == nil)
  }

  @Test func `what an unknown write may still do is kept`() {
    var entries = history(of: 5)
    entries.insert(
      Linearizability.Entry(invoked: 0, returned: .max, change: .write(value(99))), at: 0)
    // Read, gone, and read again: it can have taken effect but once.
    entries.append(entry(500...510, .read(value(99))))
    entries.append(entry(520...530, .write(value(7))))
    entries.append(entry(540...550, .read(value(99))))
    let reduction = Reduction(entries, from: .absent, to: value(7))
    let left = reduction.indices.map { entries[$0] }
    #expect(left.contains { $0.returned == .max })
    #expect(
      Linearizability.check(left, from: reduction.initial, to: reduction.final) == .impossible)
    #expect(left.count <= 4)
  }
}
