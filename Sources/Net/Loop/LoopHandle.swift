import Base
import Synchronization

/// What other threads may do to an event loop: wake it, stop it, make it close connections or resume them.
///
/// A wake-up costs a system call only while the loop sleeps. Before sleeping, the loop sets `isArmed` and
/// then reads `causes`; a signalling thread sets `causes` and then reads `isArmed`. All four accesses are
/// sequentially consistent, so at least one side sees what the other has set.
public final class LoopHandle: Sendable {
  let event: EventDescriptor
  private let isArmed = Atomic<Bool>(false)
  private let causes = Atomic<UInt32>(0)
  private let isStopping = Atomic<Bool>(false)

  private struct Mail {
    /// The ids of connections to be closed.
    var killed: [UInt64] = []
    /// The ids of connections whose work on another thread is done.
    var completed: [UInt64] = []
  }

  private let mail = Lock(Mail())

  public init() throws(IOError) { event = try EventDescriptor() }

  /// Wakes the loop. It resumes only connections that wait for one of `causes`.
  public func signal(_ causes: WakeCauses = .other) {
    self.causes.bitwiseOr(causes.rawValue, ordering: .sequentiallyConsistent)
    if isArmed.exchange(false, ordering: .sequentiallyConsistent) { event.signal() }
  }

  public func stop() {
    isStopping.store(true, ordering: .sequentiallyConsistent)
    signal()
  }

  public var shouldStop: Bool { isStopping.load(ordering: .relaxed) }

  /// Makes the loop close those of these connections that it serves.
  public func close(_ ids: [UInt64]) {
    mail.withLock { $0.killed += ids }
    signal(.mail)
  }

  /// Resumes the connection, which waits for `WaitCause.completion`.
  public func complete(_ id: UInt64) {
    mail.withLock { $0.completed.append(id) }
    signal(.mail)
  }

  // MARK: For the loop

  /// The loop calls this before it sleeps; false if there is work to do instead.
  func arm() -> Bool {
    isArmed.store(true, ordering: .sequentiallyConsistent)
    guard causes.load(ordering: .sequentiallyConsistent) != 0 else { return true }
    isArmed.store(false, ordering: .sequentiallyConsistent)
    return false
  }

  func disarm() { isArmed.store(false, ordering: .sequentiallyConsistent) }

  /// Why the loop was signalled since the last call.
  func takeCauses() -> WakeCauses {
    guard causes.load(ordering: .relaxed) != 0 else { return [] }
    return WakeCauses(rawValue: causes.exchange(0, ordering: .sequentiallyConsistent))
  }

  func takeMail() -> (killed: [UInt64], completed: [UInt64]) {
    mail.withLock { mail in
      defer { mail = Mail() }
      return (mail.killed, mail.completed)
    }
  }
}

/// Why an event loop is woken.
public struct WakeCauses: OptionSet, Sendable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// There is mail: connections handed over, to be closed or to be resumed.
  public static let mail = WakeCauses(rawValue: 1)
  /// More positions may be durable, or none will be any more; there may be room for what waits for it.
  public static let progress = WakeCauses(rawValue: 2)
  /// Something else that the loop or the protocol checks at each signal.
  public static let other = WakeCauses(rawValue: 4)

  /// The causes that the protocol numbers, from 0 to `WaitCause.eventCount` - 1.
  public static func event(_ number: Int) -> WakeCauses {
    WakeCauses(rawValue: 256 << UInt32(number))
  }
}
