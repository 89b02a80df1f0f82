import Base
import KVStore
import Synchronization

/// DEBUG RELOAD: closes the store and reopens it, which runs recovery, while no event loop uses it.
///
/// Once a reload is requested, the gate holds back clients' requests. Each loop continues until none of its
/// replies waits for the log, then waits here. The last loop to arrive reopens the store and releases the
/// others.
///
/// Sound as `@unchecked Sendable`: the plain fields are accessed only inside the monitor.
final class Reload: @unchecked Sendable {
  private let asked = Atomic<Bool>(false)
  private let monitor = Monitor()
  private var loopCount: Int
  private var waitingCount = 0
  private var doneCount = 0
  private var error: StoreError?

  init(loopCount: Int) { self.loopCount = loopCount }

  @inline(__always)
  var isAsked: Bool { asked.load(ordering: .acquiring) }

  /// The number of reloads so far, and the error of the last one.
  var outcome: (count: Int, error: StoreError?) { monitor.withLock { (doneCount, error) } }

  func ask() { asked.store(true, ordering: .releasing) }

  /// A barrier: returns when all loops have called this and one of them has run `work`.
  func join(_ work: () throws(StoreError) -> Void) {
    monitor.withLock {
      let before = doneCount
      waitingCount += 1
      while doneCount == before {
        if waitingCount == loopCount { finish(work) } else { monitor.wait() }
      }
    }
  }

  private func finish(_ work: () throws(StoreError) -> Void) {
    do throws(StoreError) {
      try work()
      error = nil
    } catch {
      self.error = error
    }
    doneCount += 1
    waitingCount = 0
    asked.store(false, ordering: .releasing)
    monitor.broadcast()
  }

  /// Called by a loop that has stopped; the others no longer wait for it.
  func leave() {
    monitor.withLock {
      loopCount -= 1
      monitor.broadcast()
    }
  }
}

extension ServerState {
  /// Closes the store and puts a reopened one in its place. Nothing may use the store meanwhile. If it
  /// cannot be reopened, the server is shut down.
  func reopen() throws(StoreError) {
    defer { gate.setReloading(false) }
    guard let open = options.reopen else { return }
    let isPaused = expiry.isPaused
    finish()
    do throws(StoreError) {
      do throws(StoreError) {
        try store.close()
      } catch .poisoned {
        // Acknowledged writes are in the log; reopening recovers them.
      }
      let opened = OpenStore(try open(), log: options.log)
      opened.expiry.isPaused = isPaused
      replace(opened)
    } catch {
      options.log("cannot reopen the store, shutting down: \(error)")
      shutDown()
      throw error
    }
  }
}
