/// A hold on the log: from its position on, no segment is recycled.
///
/// The owner of a named hold advances it as it consumes the log, and finds it again after a restart
/// (`Retention.hold(named:)`). A temporary hold ends when its last handle is released. Every method may be called from
/// any thread.
public final class LogHold: Sendable {
  let held: HeldPosition
  private let retention: Retention

  init(_ held: HeldPosition, _ retention: Retention) {
    self.held = held
    self.retention = retention
  }

  deinit {
    if held.isTemporary { retention.drop(held) }
  }

  /// The hold's name.
  public var name: String { held.name }

  /// The log is kept from here on. After a crash it may be an earlier one, see `advance`.
  public var position: LSN { held.position }

  /// Whether the hold ends with its last handle.
  public var isTemporary: Bool { held.isTemporary }

  /// Throws `.holdLost` if the hold no longer keeps the log, and `.invalidHold` if it was released.
  public func check() throws(LogError) { try held.check() }

  /// Gives up the log before `lsn`, the end of a batch. An earlier position than the hold's changes nothing.
  ///
  /// Two atomic operations, so it may be called for every batch. The new position becomes durable when it frees a
  /// segment, and when the log is closed. A crash before that falls back to an earlier position, whose segments are
  /// still there: a consumer that keeps its own position, as it must to see each batch once, continues from that one.
  ///
  /// Throws `.holdLost` and `.invalidHold` as `check` does, and `.notABatch` if the log is not durable up to `lsn`.
  public func advance(to lsn: LSN) throws(LogError) {
    try held.check()
    guard lsn <= retention.progress.durable else { throw .notABatch(lsn) }
    pass(lsn)
  }

  /// The same without the checks.
  func pass(_ lsn: LSN) {
    let before = held.advance(to: lsn)
    retention.advanced(from: before, to: lsn)
  }

  /// Ends the hold. Durable on return, for a named one. If the file of holds cannot be written, throws, and the hold
  /// stays, though a crash may end it. Waits for the disk: traps inside `Coordinator.sequence`. A lost hold is released
  /// the same way.
  public func release() throws(LogError) { try retention.release(held) }
}
