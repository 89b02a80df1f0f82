import Base
import Synchronization

/// The options in force, which CONFIG SET changes while the server runs.
///
/// Each event loop keeps a copy and refreshes it when the revision has changed, so reading an option for a
/// request takes no lock.
final class LiveOptions: Sendable {
  private let state: Lock<ServerOptions>
  private let number = Atomic<Int>(0)

  init(_ options: ServerOptions) { state = Lock(options) }

  var current: ServerOptions { state.withLock { $0 } }
  var revision: Int { number.load(ordering: .acquiring) }

  /// Changes the options as a whole, or not at all if `body` throws. Changes are serialized.
  func change<E: Error>(_ body: (inout ServerOptions) throws(E) -> Void) throws(E) {
    try state.withLock { (options) throws(E) in
      var changed = options
      try body(&changed)
      options = changed
    }
    number.add(1, ordering: .releasing)
  }
}
