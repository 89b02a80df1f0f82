import Base

/// One peer's socket with its buffered input and output, and what the protocol keeps for it.
///
/// It belongs to one event loop. While it is idle it owns no buffers.
public final class Connection<Context> {
  public let record: ConnectionRecord
  /// What the protocol keeps.
  public var context: Context
  public var input = ByteBuffer()
  public var output = ResponseQueue()
  public var limits = ConnectionLimits()

  /// Set by the event loop only, like everything below.
  public internal(set) var state = ConnectionState.receiving
  public internal(set) var intake = Intake.open
  var transport: Transport
  /// The system took no more of the output; more is sent once the poller reports that it does.
  public internal(set) var isBlocked = false
  /// The position that it is listed to wait for, if any of its responses wait for one.
  var listedPosition: UInt64?
  /// When it is closed because it does not read, in seconds of the monotonic clock.
  var deadline: Int64?
  /// When the request that is partly received began, in seconds of the monotonic clock.
  var receivingSince: Int64?
  /// Since when its output exceeds the soft limit, in seconds of the monotonic clock.
  var softLimitExceededSince: Int64?
  /// The memory that it uses, in bytes, as accounted to it in `BufferMemory`.
  public internal(set) var memoryByteCount = 0
  /// The events registered with the poller, and the token that they carry.
  var interest: Poller.Interest = .read
  var token: UInt64 = 0

  init(_ descriptor: consuming Descriptor, record: ConnectionRecord, context: Context) {
    transport = Transport(descriptor)
    self.record = record
    self.context = context
  }

  public var id: UInt64 { record.id }

  /// Whether it is neither closed nor only waiting for its peer to close.
  @inline(__always)
  public var isServed: Bool {
    switch state {
    case .closed, .lingering: false
    default: true
    }
  }

  private var isOpenForInput: Bool { if case .open = intake { true } else { false } }

  var wantsToRead: Bool {
    switch state {
    case .receiving: isOpenForInput && (limits.receivesAhead || !isBlocked)
    case .throttled:
      isOpenForInput && limits.receivesAhead && isBlocked && input.count < limits.inputByteCount
    case .lingering: true
    case .yielding, .parked, .closing, .cutOff, .closed: false
    }
  }

  /// Every complete request received has run.
  var isIdle: Bool {
    switch state {
    case .receiving:
      if case .awaitingMemory = intake { false } else { true }
    case .closing: true
    case .yielding, .parked, .throttled, .cutOff, .lingering, .closed: false
    }
  }

  /// Part of a request is buffered, and only its rest is waited for.
  @inline(__always)
  var isReceiving: Bool {
    guard !input.isEmpty, case .receiving = state else { return false }
    return wantsToRead
  }

  /// Whether so much output is pending that requests must wait.
  @inline(__always)
  var isBacklogged: Bool {
    limits.output.isBacklogged(byteCount: output.count, waitCount: output.waits.count)
  }
}

extension OutputLimit {
  /// With more pending bytes than this, a connection's next requests wait.
  public static let backlogByteCount = 1 << 20
  /// How many different positions a connection's responses may wait for.
  public static let backlogWaitCount = 1 << 14

  /// Whether so much output is pending that requests must wait. The threshold is at most half the hard limit: a
  /// peer that reads must not be cut off because many small responses add up to that limit.
  @inline(__always)
  public func isBacklogged(byteCount: Int, waitCount: Int) -> Bool {
    byteCount > (hard > 0 ? min(hard / 2, Self.backlogByteCount) : Self.backlogByteCount)
      || waitCount > Self.backlogWaitCount
  }
}
