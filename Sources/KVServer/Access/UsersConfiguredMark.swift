import Base
import KVStore

/// A mark in the store itself that users were set up.
///
/// A user file that is emptied or removed afterwards must not open the store to everyone. The mark follows
/// the store being served, which DEBUG RELOAD replaces.
final class UsersConfiguredMark: Sendable {
  private static let wereSetUp = StoreMark(bit: 0)

  private let store: Lock<Store>

  init(_ store: Store) {
    self.store = Lock(store)
  }

  func follow(_ store: Store) {
    self.store.withLock { $0 = store }
  }

  var isSet: Bool { store.withLock { $0 }.has(Self.wereSetUp) }

  /// Durable on return.
  func set() throws(StoreError) {
    try store.withLock { $0 }.set(Self.wereSetUp)
  }
}
