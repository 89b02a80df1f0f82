import KVStore

/// KV.CHECKPOINT, and Redis's commands that save. There are no dump files, so saving means taking a checkpoint.
enum CheckpointCommands {
  static let commands: [Command] = [
    Command(
      "kv.checkpoint", arity: 1, [.admin, .noTransaction], group: "kvd",
      "Apply all logged writes to the partitions and recycle the log", .session(checkpoint)),
    Command(
      "save", arity: 1, [.admin, .noTransaction], group: "server",
      "Synchronously save the dataset to disk", .session(save)),
    Command(
      "bgsave", arity: -1, [.admin], group: "server",
      "Asynchronously save the dataset to disk", .session(saveInBackground)),
    Command(
      "bgrewriteaof", arity: 1, [.admin], group: "server",
      "Asynchronously rewrite the append-only file", .session(rewriteLog)),
    Command(
      "lastsave", arity: 1, [.fast], group: "server",
      "Get the UNIX timestamp of the last successful save to disk", .session(lastSave)),
  ]

  /// Only this connection waits: the checkpoint is taken on a separate thread.
  static func checkpoint(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard let ticket = call.session.checkpoint else {
      call.session.checkpoint = call.server.checkpoints.request(for: call.handle)
      call.disposition = .waiting
      return
    }
    guard let outcome = ticket.outcome else {
      call.disposition = .waiting
      return
    }
    call.session.checkpoint = nil
    try outcome.get()
    call.reply.ok()
  }

  static func save(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    if call.session.checkpoint == nil, call.server.checkpoints.state.isRunning {
      return call.reply.error("ERR Background save already in progress")
    }
    try checkpoint(&call, request)
  }

  /// BGSAVE [SCHEDULE]
  static func saveInBackground(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var isScheduled = false
    if call.count > 1 {
      guard call.count == 2, request.extracting(call[1]).spells("SCHEDULE") else {
        return call.syntaxError()
      }
      isScheduled = true
    }
    guard !call.server.checkpoints.state.isRunning else {
      guard isScheduled else {
        return call.reply.error("ERR Background save already in progress")
      }
      _ = call.server.checkpoints.request(for: call.handle)
      return call.reply.simple("Background saving scheduled")
    }
    _ = call.server.checkpoints.request(for: call.handle)
    call.reply.simple("Background saving started")
  }

  static func rewriteLog(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let isRunning = call.server.checkpoints.state.isRunning
    _ = call.server.checkpoints.request(for: call.handle)
    if isRunning {
      call.reply.simple("Background append only file rewriting scheduled")
    } else {
      call.reply.simple("Background append only file rewriting started")
    }
  }

  static func lastSave(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.reply.integer(call.server.checkpoints.state.lastSavedAt)
  }
}
