/// How large the LMDB transactions are in which one memtable is applied.
///
/// A sync of the log that meets one of LMDB's waits for all that it writes. So transactions are small as long as
/// apply is well ahead of the writers, who fill the next memtable meanwhile. But each has pages of its own
/// beside those of the entries, and two flushes: where writers are quick, larger ones leave them more of the
/// processor and of the disk.
struct ApplyPace {
  private let budget: MemoryBudget
  private let sealedByteCount: Int
  private let keyCount: Int
  private let pageLimit: Int
  /// The bytes of active memtables when it began.
  private let activeAtStart: Int

  /// - Parameter pageLimit: the most pages that one transaction may change.
  init(_ layer: MemtableLayer, budget: MemoryBudget, pageLimit: Int) {
    self.budget = budget
    self.pageLimit = pageLimit
    sealedByteCount = layer.sealedByteCount
    keyCount = layer.memtable.keyCount
    activeAtStart = budget.active
  }

  /// How many pages the next transaction may change, when `count` keys of the memtable are written.
  func transactionPageLimit(behind count: Int) -> Int {
    if budget.sealed > sealedByteCount { return pageLimit }
    return min(pageLimit, isWellAhead(count) ? Self.calmPageLimit : Self.busyPageLimit)
  }

  private static let calmPageLimit = 64
  private static let busyPageLimit = 128
  /// Apply is well ahead where it is through so many times as much of its memtable as there is of the next.
  private static let calmLead = 4

  private func isWellAhead(_ count: Int) -> Bool {
    let room = max(budget.activeLimit - activeAtStart, 1)
    let growth = max(budget.active - activeAtStart, 0)
    return Double(count) / Double(max(keyCount, 1))
      >= Double(growth) / Double(room) * Double(Self.calmLead)
  }
}
