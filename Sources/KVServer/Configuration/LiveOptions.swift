import Base
import Synchronization

/// The options in force, which CONFIG SET changes while the server runs.
///
/// Event loops keep a copy and take a new one when the revision has moved: what they look at for every
/// request costs no lock.
final class LiveOptions: Sendable {
  private let state: Lock<ServerOptions>
  private let number = Atomic<Int>(0)

  init(_ options: ServerOptions) { state = Lock(options) }

  var current: ServerOptions { state.withLock { $0 } }
  var revision: Int { number.load(ordering: .acquiring) }

  /// Changes the options as a whole, or not at all if `body` throws; one change at a time.
  func change<E: Error>(_ body: (inout ServerOptions) throws(E) -> Void) throws(E) {
    try state.withLock { (options) throws(E) in
      var changed = options
      try body(&changed)
      options = changed
    }
    number.add(1, ordering: .releasing)
  }
}
