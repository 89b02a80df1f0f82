import Base
import Synchronization

/// How many clients the server has cut off, by reason; INFO shows the numbers.
final class CutOffs: Sendable {
  enum Reason: Int, CaseIterable {
    /// It did not read its replies and could not send more (client-stall-timeout).
    case stalled
    /// It sent more than client-query-buffer-limit without completing a request.
    case queryBuffer
    /// Its pending output exceeded client-output-buffer-limit, or it was too slow for MONITOR.
    case outputBuffer
    /// It held memory that others waited for (maxmemory-clients).
    case memory
    /// The rest of its request did not arrive (client-request-timeout).
    case requestTimeout
    /// It spoke another protocol; see `CrossProtocolGuard`.
    case otherProtocol
  }

  private let counts = InlineArray<6, Atomic<UInt64>> { _ in Atomic(0) }

  func count(_ reason: Reason) { counts[reason.rawValue].add(1, ordering: .relaxed) }

  func total(_ reason: Reason) -> UInt64 { counts[reason.rawValue].load(ordering: .relaxed) }

  /// For CONFIG RESETSTAT.
  func reset() {
    for reason in Reason.allCases { counts[reason.rawValue].store(0, ordering: .relaxed) }
  }
}
