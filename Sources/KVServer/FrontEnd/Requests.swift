import Base
import KVStore
import Net

/// Running the requests of one connection.
extension RESPFrontEnd {
  private static var keptArgumentCount: Int { 256 }

  /// Lends the connection's output and arguments to the call, and runs the requests received.
  func advance(_ connection: Client, on loop: ClientLoop) -> ConnectionState {
    swap(&call.reply.bytes, &connection.output.bytes)
    swap(&call.held, &connection.output.waits)
    swap(&call.arguments, &connection.context.arguments)
    call.reply.isRESP3 = connection.context.isRESP3
    let session = connection.context.session
    var state = ConnectionState.closing
    if call.enter(session) {
      limitReplies(to: connection)
      state = runRequests(of: connection, &call, on: loop)
    }
    connection.context.isRESP3 = call.reply.isRESP3
    swap(&call.arguments, &connection.context.arguments)
    swap(&call.held, &connection.output.waits)
    swap(&call.reply.bytes, &connection.output.bytes)
    let lookups = call.reply.takeLookups()
    counters.countLookups(hits: lookups.hits, misses: lookups.misses)
    connection.limits.receivesAhead = !session.needsLogin
    if connection.input.isEmpty, connection.context.arguments.capacity > Self.keptArgumentCount {
      connection.context.arguments = []
    }
    if session.feed != nil, !connection.limits.isPushedTo { beginMonitoring(connection) }
    return session.hasOverflowed ? .cutOff(.outputLimit) : state
  }

  /// Sets what the replies may grow to: the memory left for clients, but always at least
  /// `BufferMemory.ungatedByteCount` more than is pending.
  private func limitReplies(to connection: Client) {
    let hard = connection.limits.output.hard
    let left = max(server.memory.left, BufferMemory.ungatedByteCount)
    let pending = call.reply.count
    let limit = min(
      pending + min(left, ReplyWriter.defaultLimit), ReplyWriter.defaultLimit)
    call.hardReplyLimit = hard
    call.reply.limit = hard > 0 ? min(limit, hard) : limit
  }

  /// Runs requests until no complete one is left, one has to wait, too many replies are pending, or the connection's
  /// time slice is over; then other ready connections come first. The time is checked after each request, so a slow one
  /// ends the slice.
  private func runRequests(
    of connection: Client, _ call: inout Call, on loop: ClientLoop
  ) -> ConnectionState {
    let newestBefore = call.session.newest?.position
    let output = connection.limits.output
    var input = ByteBuffer()
    swap(&input, &connection.input)
    defer { swap(&input, &connection.input) }
    call.hasScanned = false
    if !input.isEmpty { call.meter.begin() }
    let begun = call.meter.latest
    prefetcher.forget()
    var state: ConnectionState?
    repeat {
      guard !output.isBacklogged(byteCount: call.reply.count, waitCount: call.held.count) else {
        state = .throttled
        break
      }
      let hasWaited = connection.context.waitingByteCount != nil
      let byteCount: Int
      switch nextRequest(of: connection, in: &input, &call) {
      case .run(let length): byteCount = length
      case .skip: continue
      case .stop(let reason):
        state = reason
        continue
      }
      input.withBytes { bytes in
        prefetcher.advance(over: byteCount, of: bytes, call)
        let request = bytes.extracting(first: byteCount)
        Dispatcher.run(&call, request)
        call.recordOutcome(request)
        call.reader.clearPreparedKey()
      }
      if hasWaited { didRetry(connection, &call) }
      switch call.disposition {
      case .next: input.consume(byteCount)
      case .close: state = .closing
      case .parked, .waiting:
        connection.context.waitingByteCount = byteCount
        state = call.disposition == .parked ? .parked(.room) : waitState(of: call.session)
      }
      // The meter has already read the clock.
      let isSliceOver = call.meter.latest &- begun >= sliceTicks && !input.isEmpty
      if state == nil, call.hasScanned || isSliceOver { state = .yielding }
    } while state == nil
    if let newest = call.session.newest?.position, newest != newestBefore,
      newest > store.durablePosition
    {
      loop.didWrite()
    }
    return state ?? .receiving
  }

  private enum Next {
    case run(byteCount: Int)
    /// Bytes without a request were consumed.
    case skip
    case stop(ConnectionState)
  }

  /// Decodes the next request, unless one that is decoded has waited.
  @inline(__always)
  private func nextRequest(
    of connection: Client, in input: inout ByteBuffer, _ call: inout Call
  ) -> Next {
    if let byteCount = connection.context.waitingByteCount {
      connection.context.waitingByteCount = nil
      return .run(byteCount: byteCount)
    }
    connection.context.decoder.isBeforeLogin = call.session.needsLogin
    switch connection.context.decoder.next(in: &input, arguments: &call.arguments) {
    case .request(let byteCount): return .run(byteCount: byteCount)
    case .incomplete: return .stop(.receiving)
    case .nothing(let byteCount):
      input.consume(byteCount)
      prefetcher.forget()
      return .skip
    case .failed(let error):
      error.write(to: &call.reply)
      call.countErrors()
      return .stop(.closing)
    }
  }

  /// A request that has waited was retried.
  @inline(never)
  private func didRetry(_ connection: Client, _ call: inout Call) {
    switch call.disposition {
    case .next, .close: call.session.endWaiting()
    case .waiting: call.session.neededByteCount = 0
    case .parked: break
    }
  }
}
