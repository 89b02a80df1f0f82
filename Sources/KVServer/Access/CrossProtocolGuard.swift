import Base
import Synchronization

/// Tells a web browser, or a client that speaks TLS, from one that speaks the server's protocol.
///
/// Any web page can make its reader's browser send a request to any port that the browser reaches, with a body that
/// the page chooses. Every line of such a request would be an inline command. All of them have a line `Host:` before
/// what the page may choose, and most begin with `POST`: as in Redis both end the connection, with a warning, before
/// anything that follows is looked at. Bytes that a page may choose also stand in the middle of a TLS handshake (its
/// session tickets); the first two bytes of that are fixed, and no command begins with them.
///
/// Only names that are no commands get here, so it costs others nothing.
final class CrossProtocolGuard: Sendable {
  /// Milliseconds of the monotonic clock, or nil in effect: no warning was logged yet.
  private let warnedAt = Atomic<Int64>(.min / 2)
  private static let pauseMilliseconds: Int64 = 60_000

  static func isForeign(_ name: RawSpan) -> Bool {
    if name.spells("POST") || name.spells("HOST:") { return true }
    return name.byteCount >= 2 && name.byte(at: 0) == 0x16 && name.byte(at: 1) == 0x03
  }

  /// Has the connection closed without a reply, and logs that, once a minute at most.
  func refuse(_ call: inout Call) {
    call.disposition = .close
    call.server.cutOffs.count(.otherProtocol)
    let now = SystemClock.monotonicMilliseconds()
    let before = warnedAt.load(ordering: .relaxed)
    guard now - before >= Self.pauseMilliseconds,
      warnedAt.compareExchange(expected: before, desired: now, ordering: .relaxed).exchanged
    else { return }
    call.server.options.log(
      "warning: possible security attack: \(call.session.record.address) sent POST, Host: or a TLS handshake, as "
        + "a web browser does that a page makes talk to this port (cross-protocol scripting); the connection is "
        + "closed. More of the kind is counted in INFO and logged once a minute at most")
  }
}
