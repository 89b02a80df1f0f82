import Base

@testable import TxnWAL

/// What a participant has on its own disk: it survives crashes.
final class FakeStorage: Sendable {
  struct Content: Equatable {
    var applied = LSN.zero
    var entries: [UInt64: [UInt8]] = [:]
  }

  private let content = Lock(Content())

  init(_ content: Content = Content()) {
    self.content.withLock { $0 = content }
  }

  var now: Content { content.withLock { $0 } }

  func apply(_ bytes: [UInt8], at position: CommitPosition) {
    content.withLock { content in
      content.entries[position.sequence, default: []] += bytes
      content.applied = position.end
    }
  }

  /// Sets the applied position alone, as damage would.
  func pretend(applied: LSN) {
    content.withLock { $0.applied = applied }
  }
}

/// A participant that keeps what it is told by sequence, and remembers how it was called.
final class FakeParticipant: Participant {
  enum Call: Equatable {
    case prepare(TransactionID, [UInt8])
    case commit(CommitPosition, [UInt8])
    case abort(TransactionID)
    case replay(CommitPosition, [UInt8])
  }

  private struct State {
    var calls: [Call] = []
    var pending: [(position: CommitPosition, bytes: [UInt8])] = []
    var refusal: Refusal?
    var finding: Finding?
    var onReplay: @Sendable (CommitPosition) -> Void = { _ in }
  }

  let storage: FakeStorage
  let appliedLSNAtOpen: LSN
  private let state = Lock(State())

  init(_ storage: FakeStorage) {
    self.storage = storage
    appliedLSNAtOpen = storage.now.applied
  }

  var calls: [Call] { state.withLock { $0.calls } }

  /// From now on votes no, with this reason; nil makes it vote yes again.
  func refuse(_ refusal: Refusal?) {
    state.withLock { $0.refusal = refusal }
  }

  /// From now on cannot replay.
  func reject(_ finding: Finding) {
    state.withLock { $0.finding = finding }
  }

  /// From now on calls `body` before it replays anything.
  func onReplay(_ body: @escaping @Sendable (CommitPosition) -> Void) {
    state.withLock { $0.onReplay = body }
  }

  /// Everything that this participant holds, on its disk or in its memory.
  var entries: [UInt64: [UInt8]] {
    state.withLock { state in
      state.pending.reduce(into: storage.now.entries) { entries, item in
        entries[item.position.sequence, default: []] += item.bytes
      }
    }
  }

  /// The first transaction that is not on its own disk yet.
  var firstOwed: CommitPosition? { state.withLock { $0.pending.first?.position } }

  /// Moves what lies before `durable` to its own disk, `limit` transactions at most.
  func apply(upTo durable: LSN, limit: Int = .max) {
    state.withLock { state in
      let ready = state.pending.prefix { $0.position.end <= durable }.prefix(limit)
      for item in ready { storage.apply(item.bytes, at: item.position) }
      state.pending.removeFirst(ready.count)
    }
  }

  func prepare(_ mutations: RawSpan, of transaction: TransactionID) -> Vote {
    let bytes = [UInt8](copying: mutations)
    return state.withLock { state in
      state.calls.append(.prepare(transaction, bytes))
      if let refusal = state.refusal { return .no(refusal) }
      return .yes
    }
  }

  func commit(_ mutations: RawSpan, at position: CommitPosition) {
    let bytes = [UInt8](copying: mutations)
    take(bytes, at: position, as: .commit(position, bytes))
  }

  func abort(_ transaction: TransactionID) {
    state.withLock { $0.calls.append(.abort(transaction)) }
  }

  func replay(_ mutations: RawSpan, at position: CommitPosition) throws(Finding) {
    if let finding = state.withLock({ $0.finding }) { throw finding }
    let bytes = [UInt8](copying: mutations)
    state.withLock { $0.onReplay }(position)
    take(bytes, at: position, as: .replay(position, bytes))
  }

  private func take(_ bytes: [UInt8], at position: CommitPosition, as call: Call) {
    state.withLock { state in
      state.calls.append(call)
      // Sections of one transaction stay together: they are applied together or not.
      if let last = state.pending.indices.last, state.pending[last].position == position {
        state.pending[last].bytes += bytes
      } else {
        state.pending.append((position, bytes))
      }
    }
  }

  func appliedLSN(durable: LSN) -> LSN {
    state.withLock { $0.pending.isEmpty ? durable : storage.now.applied }
  }
}

extension [FakeStorage] {
  /// Storages of their own with what these hold now.
  var copies: [FakeStorage] { map { FakeStorage($0.now) } }
}
