import Base
import Synchronization

/// The open snapshots. None of them may keep LMDB from reusing pages forever.
///
/// There is no timer: a snapshot costs disk space only when LMDB is written to, and the store checks their
/// ages after every such write. Ages are measured by CLOCK_MONOTONIC, which is never set.
final class OpenSnapshots: Sendable {
  private let ageLimit: Duration
  private let pins = Lock<[ObjectIdentifier: SnapshotPin]>([:])
  private let expired = Atomic<Int>(0)

  init(ageLimit: Duration) {
    self.ageLimit = ageLimit
  }

  func add(_ pin: SnapshotPin) {
    pins.withLock { $0[ObjectIdentifier(pin)] = pin }
  }

  func remove(_ pin: SnapshotPin) {
    pins.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(pin)) }
  }

  /// How many snapshots have expired since the store was opened.
  var expiredCount: Int { expired.load(ordering: .relaxed) }

  /// Expires the snapshots that are too old at `now`. O(open snapshots).
  func expire(now: SuspendingClock.Instant = .now) {
    guard ageLimit > .zero else { return }
    let old = pins.withLock { pins in
      let old = pins.values.filter { now - $0.takenAt > ageLimit }
      for pin in old { pins[ObjectIdentifier(pin)] = nil }
      return old
    }
    let reason = StoreError.snapshotTooOld(limitSeconds: Int(ageLimit.components.seconds))
    for pin in old where pin.end(because: reason) {
      expired.add(1, ordering: .relaxed)
    }
  }
}
