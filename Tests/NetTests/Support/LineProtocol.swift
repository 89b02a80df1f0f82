import Base
import Synchronization

@testable import Net

final class LinePeer: ConnectionPeer {
  let connection: ConnectionRecord

  init(_ connection: ConnectionRecord) { self.connection = connection }
}

/// A protocol for tests. A request is a line; each is answered by itself:
///
///     hold N     the response waits for position N
///     silent N   has no response, and what comes after it waits for position N
///     event N    waits for event N
///     complete   waits for `LoopHandle.complete`
///     room       waits for a place in `rooms`
///     many N     N bytes
///     any other  at once
final class LineProtocol: WireProtocol {
  struct Context {
    var isWaiting = false
  }

  /// What a test sees and sets.
  final class Controls: Sendable {
    let durable = Atomic<UInt64>(0)
    let hasFailed = Atomic<Bool>(false)
    let rooms = Atomic<Int>(0)
    /// How often a request was run or retried, by connection.
    let attempts = Lock<[UInt64: Int]>([:])
  }

  let controls: Controls
  var othersWaitForRoom = false

  init(_ controls: Controls) { self.controls = controls }

  func writeRefusal(of peer: LinePeer?, to output: inout ByteBuffer) {}
  func makeContext(for peer: LinePeer) -> Context { Context() }
  func configure(_ connection: Connection<Context>) {}
  func willCutOff(_ connection: Connection<Context>, because reason: CutOff) {}
  func release(_ connection: Connection<Context>) {}
  func didClose(_ connection: Connection<Context>) {}
  func dropRequests(of connection: Connection<Context>) {}
  func wantedInputByteCount(of connection: Connection<Context>) -> Int { 0 }
  func memoryByteCount(of connection: Connection<Context>) -> Int { 0 }
  func refuseForMemory(_ connection: Connection<Context>) {}
  func syncInline() -> Bool { true }
  func requestSync() {}
  func willWait() {}
  func didWait(on loop: EventLoop<LineProtocol>) {}
  func didTurn(on loop: EventLoop<LineProtocol>) {}
  func didStop() {}
  func evict(_ peer: LinePeer) {}
  func log(_ text: String) {}
  func millisecondsUntilDue(on loop: EventLoop<LineProtocol>) -> Int64? { nil }

  var durablePosition: UInt64 { controls.durable.load(ordering: .acquiring) }
  var hasLogFailed: Bool { controls.hasFailed.load(ordering: .acquiring) }

  func mayHaveRoom(for connection: Connection<Context>) -> Bool {
    controls.rooms.load(ordering: .acquiring) > 0
  }

  func writeOutcomeUnknown(to connection: Connection<Context>) {
    connection.output.bytes.append("unknown\n")
  }

  func didReceive(_ causes: WakeCauses, on loop: EventLoop<LineProtocol>) {
    for number in 0..<WaitCause.eventCount where causes.contains(.event(number)) {
      loop.resumeWaiting(for: number)
    }
  }

  func advance(
    _ connection: Connection<Context>, on loop: EventLoop<LineProtocol>
  ) -> ConnectionState {
    while let end = connection.input.firstOffset(of: 0x0A, from: 0) {
      if connection.isBacklogged { return .throttled }
      let line = connection.input.withBytes { bytes in
        String(decoding: (0..<end).map { bytes.load(at: $0, as: UInt8.self) }, as: UTF8.self)
      }
      controls.attempts.withLock { $0[connection.id, default: 0] += 1 }
      let words = line.split(separator: " ")
      let number = words.count > 1 ? Int(words[1]) ?? 0 : 0
      let isRetry = connection.context.isWaiting
      connection.context.isWaiting = true
      switch words.first {
      case "event" where !isRetry: return .parked(.event(number))
      case "complete" where !isRetry: return .parked(.completion)
      case "room":
        if othersWaitForRoom || controls.rooms.load(ordering: .acquiring) == 0 {
          return .parked(.room)
        }
        controls.rooms.subtract(1, ordering: .releasing)
      case "hold", "silent":
        connection.output.waits.hold(from: connection.output.count, until: UInt64(number))
      default: break
      }
      connection.context.isWaiting = false
      connection.input.consume(end + 1)
      if words.first == "silent" { continue }
      let text = words.first == "many" ? String(repeating: "m", count: number) : line
      for byte in (text + "\n").utf8 { connection.output.bytes.append(byte) }
    }
    return .receiving
  }
}
