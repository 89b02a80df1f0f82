import Base
import KVStore
import Synchronization

/// DEBUG RELOAD: the store is closed and opened again, which recovers it, while no event loop uses it.
///
/// From the request on the gate holds back what clients send. Each loop goes on until nothing that it has carried
/// out waits for the log, and then waits here; the last one to come does the work and lets all of them go.
///
/// Sound as `@unchecked Sendable`: the plain fields are touched only inside the monitor.
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

  /// How many there have been, and what was wrong with the last one.
  var outcome: (count: Int, error: StoreError?) { monitor.withLock { (doneCount, error) } }

  func ask() { asked.store(true, ordering: .releasing) }

  /// Returns when all loops have come here and one of them has done `work`.
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

  /// A loop has ended, and is waited for no more.
  func leave() {
    monitor.withLock {
      loopCount -= 1
      monitor.broadcast()
    }
  }
}

extension ServerState {
  /// Puts the store, opened again, in the place of the one there is. Nothing may use that meanwhile.
  func reopen() throws(StoreError) {
    defer { gate.setReloading(false) }
    guard let open = options.reopen else { return }
    let isPaused = expiry.isPaused
    finish()
    do throws(StoreError) {
      do throws(StoreError) {
        try store.close()
      } catch .poisoned {
        // What was acknowledged is in the log: to open it again is what helps.
      }
      let opened = OpenStore(try open(), log: options.log)
      opened.expiry.isPaused = isPaused
      replace(opened)
    } catch {
      options.log("the store cannot be opened again: \(error)")
      shutDown()
      throw error
    }
  }
}
