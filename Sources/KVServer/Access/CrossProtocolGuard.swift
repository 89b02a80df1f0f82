import Base
import Synchronization

/// Recognises web browsers and TLS clients, which do not speak the server's protocol.
///
/// Any web page can make a browser send a request to any port that the browser reaches, with a body that
/// the page chooses. Every line of such a request would be an inline command. All these requests have a
/// `Host:` line before anything that the page can choose, and most begin with `POST`. As in Redis, either
/// closes the connection with a warning before anything that follows is run. A page can also choose bytes
/// inside a TLS handshake (its session tickets); the first two bytes of a handshake are fixed, and no
/// command begins with them.
///
/// Only names that are not commands are checked here, so valid commands pay nothing.
final class CrossProtocolGuard: Sendable {
  /// Milliseconds of the monotonic clock; far in the past until a warning was logged.
  private let warnedAt = Atomic<Int64>(.min / 2)
  private static let pauseMilliseconds: Int64 = 60_000

  static func isForeign(_ name: RawSpan) -> Bool {
    if name.spells("POST") || name.spells("HOST:") { return true }
    return name.byteCount >= 2 && name.byte(at: 0) == 0x16 && name.byte(at: 1) == 0x03
  }

  /// Closes the connection without a reply and logs a warning, at most once a minute.
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
        + "a web page can make a browser do (cross-protocol scripting); the connection is closed. Further "
        + "attempts are counted in INFO and logged at most once a minute")
  }
}
