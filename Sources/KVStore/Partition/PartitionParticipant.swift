import Base
import TxnWAL

/// The partition as a participant in two-phase commit.
extension Partition: Participant {
  /// Refusal codes, as stored in abort markers.
  enum RefusalCode {
    static let preconditionFailed: UInt32 = 1
    static let storageFailed: UInt32 = 2
  }

  var appliedLSNAtOpen: LSN { LSN(rawValue: appliedAtOpen.lsn) }

  func prepare(_ mutations: RawSpan, of transaction: TransactionID) -> Vote {
    // Memory and log space were checked before the batch came here. Only its own preconditions remain, and
    // whether the file takes writes.
    if let refusal = environment.readOnlyRefusal {
      preconditions?.noteFailure(refusal)
      return .no(Refusal(code: RefusalCode.storageFailed, detail: 0))
    }
    guard let preconditions else { preconditionFailure("the store is not open") }
    guard preconditions.isAsked else { return .yes }
    var offset = 0
    while offset < mutations.byteCount {
      guard let mutation = Mutation.parse(mutations, at: offset) else {
        preconditionFailure("the batch is malformed")
      }
      offset = mutation.end
      guard let condition = Precondition(mutation) else { continue }
      do throws(StoreError) {
        let address = mutation.address(in: mutations)
        if try !preconditions.holds(condition, for: address, in: self) {
          return .no(
            Refusal(code: RefusalCode.preconditionFailed, detail: UInt64(mutation.index)))
        }
      } catch {
        preconditions.noteFailure(error)
        return .no(Refusal(code: RefusalCode.storageFailed, detail: UInt64(mutation.index)))
      }
    }
    return .yes
  }

  func commit(_ mutations: RawSpan, at position: CommitPosition) {
    let isWhole = insert(mutations, at: position)
    precondition(isWhole, "a malformed batch was prepared")
  }

  func abort(_ transaction: TransactionID) {
    // `prepare` changes nothing.
  }

  func replay(_ mutations: RawSpan, at position: CommitPosition) throws(Finding) {
    // Nothing can be applied any more, and memory must not grow. The open is going to fail.
    if budget.failure != nil { return }
    // Seals only between transactions: one may come in several sections, and a memtable that has been applied
    // claims that all of its last transaction is in LMDB.
    if lastPosition != position { budget.throttleRecovery(self) }
    noteOwned(in: mutations)
    guard insert(mutations, at: position) else {
      throw Finding(
        file: "log", offset: position.end.rawValue,
        expected: "mutations before this LSN", found: "malformed bytes")
    }
  }

  func appliedLSN(durable: LSN) -> LSN {
    isFullyApplied ? durable : applied
  }
}

extension Precondition {
  /// The condition that `mutation` carries, if it carries one.
  init?(_ mutation: Mutation) {
    switch mutation.kind {
    case .requireAbsent: self = .absent
    case .requirePresent: self = .present
    case .requireSequence: self = .sequence(mutation.sequence)
    case .put, .putEntry, .delete, .deleteRange: return nil
    }
  }
}
