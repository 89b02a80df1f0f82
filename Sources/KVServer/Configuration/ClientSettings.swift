import KVStore

/// What clients may use: connections, memory, time.
extension Setting {
  static let clients: [Setting] = [
    .integer(
      "maxclients", aliases: ["max-clients"], .clients, .any, \.clientLimit, in: 1...1_000_000,
      "The maximum number of connections; less if the limit on open files is lower."),
    .byteCount(
      "maxmemory-clients", aliases: ["client-memory"], .clients, .any, \.clientMemoryByteCount,
      in: Server.leastClientMemoryByteCount...Int.max,
      "Memory for the requests, commands queued in MULTI and unread replies of all clients together; beyond "
        + "it, large requests wait or are refused with an OOM error."),
    .byteCount(
      "maxmemory", .clients, .any, \.memoryLimit, in: 0...Int.max,
      "When the server uses more memory than this, without mapped files, commands that may need more are "
        + "refused with an OOM error; 0 for no limit. Nothing is evicted."),
    .byteCount(
      "client-query-buffer-limit", .clients, .any, \.queryBufferByteLimit, in: (1 << 20)...Int.max,
      "Limit on the unprocessed requests of one client. A client beyond it is disconnected, or, while it has "
        + "replies to read, nothing more is received from it. "
        + "A single request is limited to \(RequestLimits().requestByteCount >> 20)mb in any case."),
    .byteCount(
      "proto-max-bulk-len", .clients, .any, \.bulkByteLimit, in: (1 << 20)...Limits.valueByteCount,
      "The maximum size of an argument of a request."),
    outputLimits,
    .integer(
      "timeout", .clients, .any, \.idleTimeoutSeconds, in: 0...Int(Int32.max), form: "SECONDS",
      "After how many idle seconds a client is disconnected; 0 for never."),
    .integer(
      "client-request-timeout", .clients, .any, \.requestTimeoutSeconds, in: 0...Int(Int32.max),
      form: "SECONDS",
      "How long a client may take to send the rest of a request, plus one second for each 16kib of it; 0 for "
        + "no limit."),
    .integer(
      "client-stall-timeout", .clients, .any, \.stallTimeoutSeconds, in: 0...Int(Int32.max),
      form: "SECONDS",
      "How long a client may leave its replies unread before it is disconnected."),
    .integer(
      "busy-reply-threshold", aliases: ["lua-time-limit"], .clients, .any, \.scriptMilliseconds,
      in: 1...3_600_000, form: "MILLISECONDS",
      "How long a script, a whole EXEC or a write command may run, while all writers wait, before it is "
        + "aborted and rolled back."),
    .byteCount(
      "script-memory", .clients, .start, \.scriptMemoryByteCount, in: (1 << 20)...(1 << 30),
      "Memory limit for the scripts of one I/O thread."),
  ]

  private static let outputLimits = Setting(
    "client-output-buffer-limit", .clients, .any, form: "CLASS HARD SOFT SECONDS...",
    takesWords: true,
    "Limits on the pending replies of one client: it is disconnected when they exceed HARD bytes, or exceed "
      + "SOFT bytes for SECONDS without a break; 0 for no limit. Classes: normal; pubsub, for clients in "
      + "MONITOR; replica, which has no effect.",
    text: { options in
      let limits = options.outputLimits
      return [("normal", limits.normal), ("slave", limits.replica), ("pubsub", limits.monitor)]
        .map { "\($0.0) \($0.1.hard) \($0.1.soft) \($0.1.softSeconds)" }.joined(separator: " ")
    },
    set: { (words, options) throws(SettingRefusal) in
      let parts = words.flatMap { $0.split(separator: " ").map(String.init) }
      guard !parts.isEmpty, parts.count % 4 == 0 else {
        throw SettingRefusal(
          "Wrong number of arguments in buffer limit configuration.",
          demand: "must be CLASS HARD SOFT SECONDS, one or more times")
      }
      var limits = options.outputLimits
      for start in stride(from: 0, to: parts.count, by: 4) {
        let path: WritableKeyPath<OutputLimits, OutputLimits.Limit>
        switch parts[start].lowercased() {
        case "normal": path = \.normal
        case "slave", "replica": path = \.replica
        case "pubsub": path = \.monitor
        default:
          throw SettingRefusal(
            "Invalid client class specified in buffer limit configuration.",
            demand: "must name a class: normal, replica or pubsub")
        }
        guard let hard = ByteSize.parse(parts[start + 1]),
          let soft = ByteSize.parse(parts[start + 2]), let seconds = Int(parts[start + 3]),
          seconds >= 0
        else {
          throw SettingRefusal(
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            demand: "must have sizes for HARD and SOFT and a number of seconds")
        }
        limits[keyPath: path] = OutputLimits.Limit(hard: hard, soft: soft, softSeconds: seconds)
      }
      options.outputLimits = limits
    })
}
