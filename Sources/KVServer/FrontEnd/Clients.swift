import Base
import Net

/// Clients that come and go.
extension RESPFrontEnd {
  func writeRefusal(of client: ClientRecord?, to output: inout ByteBuffer) {
    var reply = ReplyWriter()
    if let client {
      if server.gate.isProtected, !client.isLocal, server.users.defaultUser.needsNoPassword {
        reply.error(ProtectedMode.refusal)
      }
    } else {
      reply.error("ERR max number of clients reached")
    }
    swap(&reply.bytes, &output)
  }

  func makeContext(for client: ClientRecord) -> ClientContext {
    ClientContext(session: Session(record: client))
  }

  func configure(_ connection: Client) {
    connection.context.decoder.bulkByteLimit = options.bulkByteLimit
    connection.limits.inputByteCount = options.queryBufferByteLimit
    let limit =
      connection.limits.isPushedTo ? options.outputLimits.monitor : options.outputLimits.normal
    connection.limits.output = OutputLimit(
      hard: limit.hard, soft: limit.soft, softSeconds: limit.softSeconds)
  }

  func wantedInputByteCount(of connection: Client) -> Int {
    connection.context.decoder.wantedByteCount
  }

  func memoryByteCount(of connection: Client) -> Int {
    connection.context.session.byteCount
      + connection.context.arguments.capacity * MemoryLayout<Range<Int>>.size
  }

  func refuseForMemory(_ connection: Client) {
    append(to: connection) { $0.error(BufferMemory.refusal) }
  }

  func dropRequests(of connection: Client) {
    connection.context.waitingByteCount = nil
    connection.context.session.endWaiting()
  }

  func release(_ connection: Client) {
    connection.context.arguments = []
    connection.context.session.cancelLongRead()
    connection.context.session.endTransaction()
  }

  func didClose(_ connection: Client) {
    let session = connection.context.session
    server.gate.leave(session)
    guard session.feed != nil else { return }
    session.feed = nil
    server.monitors.leave(session.id)
    monitors.removeAll { $0 === connection }
  }

  // MARK: Cutting off

  /// Counts and logs it.
  func willCutOff(_ connection: Client, because reason: CutOff) {
    let record = connection.record
    server.cutOffs.count(reason)
    options.log(
      "client \(record.id) at \(record.address) disconnected: \(text(for: reason, connection))")
  }

  private func text(for reason: CutOff, _ connection: Client) -> String {
    switch reason {
    case .stalled:
      "for \(options.stallTimeoutSeconds) s it has neither read any of its \(connection.output.count) bytes of "
        + "pending replies nor sent anything that could be received (client-stall-timeout); "
        + "\(connection.input.count) bytes of its requests were not processed"
    case .inputLimit: "its unprocessed requests exceed client-query-buffer-limit"
    case .outputLimit: "its pending replies exceed the hard limit of client-output-buffer-limit"
    case .softOutputLimit:
      "its pending replies exceeded the soft limit of client-output-buffer-limit for too long"
    case .slowReader: "it reads MONITOR output too slowly"
    case .requestTimeout:
      "it did not send the rest of its request in time (client-request-timeout)"
    case .memory:
      "it holds \(connection.memoryByteCount) bytes for an incomplete request and has stopped sending, while others "
        + "wait for memory (maxmemory-clients)"
    }
  }

  func evict(_ client: ClientRecord) {
    server.cutOffs.count(CutOffs.Reason.memory)
    options.log(
      "client \(client.id) at \(client.address) disconnected: it does not read its replies and uses "
        + "\(client.connection.memoryByteCount.load(ordering: .relaxed)) bytes, more than any other such client, while "
        + "others wait for memory (maxmemory-clients)")
    server.gate.kill([client])
  }
}

extension CutOffs {
  fileprivate func count(_ reason: CutOff) {
    switch reason {
    case .stalled: count(Reason.stalled)
    case .inputLimit: count(Reason.queryBuffer)
    case .outputLimit, .softOutputLimit, .slowReader: count(Reason.outputBuffer)
    case .requestTimeout: count(Reason.requestTimeout)
    case .memory: count(Reason.memory)
    }
  }
}
