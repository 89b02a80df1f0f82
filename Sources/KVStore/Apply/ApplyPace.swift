/// Chooses the size of the LMDB transactions in which one memtable is applied.
///
/// A log sync that coincides with an LMDB sync waits for everything that LMDB writes, so transactions are
/// kept small while apply is well ahead of the writers, which fill the next memtable meanwhile. But each
/// transaction costs two flushes and writes pages of its own besides those of the entries. When writers are
/// fast, larger transactions leave them more processor time and disk bandwidth.
struct ApplyPace {
  private let budget: MemoryBudget
  private let sealedByteCount: Int
  private let keyCount: Int
  private let pageLimit: Int
  /// The bytes of the active memtables when apply began.
  private let activeAtStart: Int

  /// - Parameter pageLimit: the most pages that one transaction may change.
  init(_ layer: MemtableLayer, budget: MemoryBudget, pageLimit: Int) {
    self.budget = budget
    self.pageLimit = pageLimit
    sealedByteCount = layer.sealedByteCount
    keyCount = layer.memtable.keyCount
    activeAtStart = budget.active
  }

  /// The number of pages that the next transaction may change, after `count` keys of the memtable were written.
  func transactionPageLimit(behind count: Int) -> Int {
    if budget.sealed > sealedByteCount { return pageLimit }
    return min(pageLimit, isWellAhead(count) ? Self.smallPageLimit : Self.largePageLimit)
  }

  private static let smallPageLimit = 64
  private static let largePageLimit = 128
  /// Apply is well ahead if the written fraction of its memtable is at least this many times the fraction of
  /// the remaining active memory that writers have filled since apply began.
  private static let calmLead = 4

  private func isWellAhead(_ count: Int) -> Bool {
    let room = max(budget.activeLimit - activeAtStart, 1)
    let growth = max(budget.active - activeAtStart, 0)
    return Double(count) / Double(max(keyCount, 1))
      >= Double(growth) / Double(room) * Double(Self.calmLead)
  }
}
