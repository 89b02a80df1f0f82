import KVStore

/// What clients may use: connections, memory, time.
extension Setting {
  static let clients: [Setting] = [
    .integer(
      "maxclients", aliases: ["max-clients"], .clients, .any, \.clientLimit, in: 1...1_000_000,
      "Connections at once, fewer if the limit on open files is lower."),
    .byteCount(
      "maxmemory-clients", aliases: ["client-memory"], .clients, .any, \.clientMemoryByteCount,
      in: Server.leastClientMemoryByteCount...Int.max,
      "For what all clients together have sent, queued in MULTI and not yet read; beyond it large "
        + "requests wait or are refused with an OOM error."),
    .byteCount(
      "maxmemory", .clients, .any, \.memoryLimit, in: 0...Int.max,
      "Beyond so much memory of its own, without mapped files, the server refuses commands that may need "
        + "more with an OOM error; 0 for no limit. Nothing is evicted."),
    .byteCount(
      "client-query-buffer-limit", .clients, .any, \.queryBufferByteLimit, in: (1 << 20)...Int.max,
      "What one client may have sent that is not carried out yet; beyond it the client is cut off, or, while it "
        + "has replies to read, not received from. "
        + "A request is \(RequestLimits().requestByteCount >> 20)mb at most in any case."),
    .byteCount(
      "proto-max-bulk-len", .clients, .any, \.bulkByteLimit, in: (1 << 20)...Limits.valueByteCount,
      "The largest argument of a request."),
    outputLimits,
    .integer(
      "timeout", .clients, .any, \.idleTimeoutSeconds, in: 0...Int(Int32.max), form: "SECONDS",
      "After how many idle seconds a client is cut off; 0 for never."),
    .integer(
      "client-request-timeout", .clients, .any, \.requestTimeoutSeconds, in: 0...Int(Int32.max),
      form: "SECONDS",
      "How long a client may take to send the rest of a request that it has begun, beside a second "
        + "for each 16kib of it; 0 for any time."),
    .integer(
      "client-stall-timeout", .clients, .any, \.stallTimeoutSeconds, in: 0...Int(Int32.max),
      form: "SECONDS",
      "How long a client may leave what it was sent unread before it is cut off."),
    .integer(
      "busy-reply-threshold", aliases: ["lua-time-limit"], .clients, .any, \.scriptMilliseconds,
      in: 1...3_600_000, form: "MILLISECONDS",
      "How long a script, an EXEC as a whole, or a command that writes may run, while all writers wait, before it is "
        + "ended and undone."),
    .byteCount(
      "script-memory", .clients, .start, \.scriptMemoryByteCount, in: (1 << 20)...(1 << 30),
      "What the scripts of one I/O thread may take."),
  ]

  private static let outputLimits = Setting(
    "client-output-buffer-limit", .clients, .any, form: "CLASS HARD SOFT SECONDS...",
    takesWords: true,
    "What may wait to be sent to one client: beyond HARD bytes, or beyond SOFT for SECONDS on end, "
      + "it is cut off; 0 for no limit. Classes: normal; pubsub, which are clients in MONITOR; "
      + "replica, of which there are none.",
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
          demand: "must be CLASS HARD SOFT SECONDS, once or several times")
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
