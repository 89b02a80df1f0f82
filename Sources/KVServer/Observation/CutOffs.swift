import Base
import Synchronization

/// How many clients the server has cut off, by reason; INFO tells the numbers.
final class CutOffs: Sendable {
  enum Reason: Int, CaseIterable {
    /// It neither read what it was sent nor could send more (client-stall-timeout).
    case stalled
    /// It sent more than client-query-buffer-limit without the end of a request.
    case queryBuffer
    /// More waited for it than client-output-buffer-limit allows, or it was too slow for MONITOR.
    case outputBuffer
    /// It held memory that others waited for (maxmemory-clients).
    case memory
    /// The rest of its request did not come (client-request-timeout).
    case requestTimeout
    /// What it sent is the protocol of something else; see `CrossProtocolGuard`.
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
