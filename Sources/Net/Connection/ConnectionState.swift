/// What a connection is doing.
public enum ConnectionState: Equatable {
  /// All that was received has been processed as far as possible; more input is waited for.
  case receiving
  /// It has used up its share of this turn and continues in the next.
  case yielding
  /// Its next request waits.
  case parked(WaitCause)
  /// Too much output is pending: no further request runs until some of it is sent.
  case throttled
  /// Nothing more is read or run. The connection closes once its output is sent.
  case closing
  /// It is cut off as soon as what may be sent at once has been sent.
  case cutOff(CutOff)
  /// The output is sent and the sending side is closed; further input is discarded.
  case lingering
  case closed
}

/// What a request waits for. Only what has happened wakes a connection, not every signal.
public enum WaitCause: Equatable {
  /// Room for something that connections get in order of arrival.
  case room
  /// Work on another thread, which ends with `LoopHandle.complete`.
  case completion
  /// An event that ends the wait of all that wait for it. The protocol numbers them, from 0 to
  /// `eventCount` - 1.
  case event(Int)
  /// All pending output has been sent.
  case emptyOutput
  /// A point in time, in milliseconds of the monotonic clock.
  case time(Int64)

  public static let eventCount = 8
}

/// Whether a connection can be received from.
public enum Intake: Equatable {
  case open
  /// It waits for memory to receive more, since that many seconds of the monotonic clock.
  case awaitingMemory(since: Int64)
  /// The peer has closed its sending side.
  case ended
}

/// Why a connection is closed although its peer did not ask for it.
public enum CutOff: Equatable {
  /// It has neither read any of its pending output nor sent anything for too long.
  case stalled
  /// Its input that is not processed exceeds the limit.
  case inputLimit
  /// Its pending output exceeds the hard limit.
  case outputLimit
  /// Its pending output exceeded the soft limit for too long.
  case softOutputLimit
  /// It reads what it is sent without asking too slowly.
  case slowReader
  /// It did not send the rest of a request in time.
  case requestTimeout
  /// It holds memory for an incomplete request and has stopped sending, while others wait for memory.
  case memory
}
