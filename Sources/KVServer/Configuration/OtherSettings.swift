/// Logs and statistics, and everything else.
extension Setting {
  static let observation: [Setting] = [
    .integer(
      "slowlog-log-slower-than", .observation, .any, \.slowLogThreshold, in: -1...Int.max,
      form: "MICROSECONDS",
      "Commands that take at least this long are recorded in SLOWLOG; -1 for none."),
    .integer(
      "slowlog-max-len", .observation, .any, \.slowLogLength, in: 0...1_000_000,
      "How many entries SLOWLOG keeps."),
    .integer(
      "latency-monitor-threshold", .observation, .any, \.latencyThreshold, in: 0...Int.max,
      form: "MILLISECONDS",
      "Commands that take at least this long are recorded in LATENCY; 0 for none."),
    .yesNo(
      "latency-tracking", .observation, .any, \.tracksLatency,
      "Whether to record a latency distribution for each command."),
    percentiles,
    .choice(
      "enable-debug-command", .observation, .start, form: "yes|no|local", \.debugCommands,
      "Who may use DEBUG; local: only clients on this machine."),
  ]

  private static let percentiles = Setting(
    "latency-tracking-info-percentiles", .observation, .any, form: "P...", takesWords: true,
    "The percentiles shown by INFO latencystats.",
    text: { $0.latencyPercentiles.map { Self.short($0) }.joined(separator: " ") },
    set: { (words, options) throws(SettingRefusal) in
      var values: [Double] = []
      for word in words.flatMap({ $0.split(separator: " ") }) {
        guard let value = Double(word) else {
          throw SettingRefusal(
            "Invalid latency-tracking-info-percentiles parameters", demand: "must be numbers")
        }
        guard (0...100).contains(value) else {
          throw SettingRefusal(
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
            demand: "must be from 0 to 100")
        }
        values.append(value)
      }
      options.latencyPercentiles = values
    })

  /// Without zeros after the decimal point.
  static func short(_ value: Double) -> String {
    value == value.rounded() ? String(Int(value)) : String(value)
  }

  static let other: [Setting] = [
    .text(
      "logfile", .other, .start, form: "FILE", isOptional: true, \.logFilePath,
      "A file to append log messages to, instead of stderr. SIGHUP reopens it, for log rotation."),
    .text(
      "pidfile", .other, .start, form: "FILE", isOptional: true, \.pidFilePath,
      "A file that holds the process ID while kvd serves."),
    .integer(
      "shutdown-timeout", aliases: ["stop-seconds"], .other, .start, \.stopSeconds, in: 1...86_400,
      form: "SECONDS", "How long a shutdown may take before the process exits anyway."),
    .integer(
      "hash-max-listpack-entries", aliases: ["hash-max-ziplist-entries"], .other, .any,
      \.encodings.listpackEntries, in: 0...Int.max,
      "OBJECT ENCODING reports a hash with more fields as hashtable. This setting and the next two have no "
        + "other effect."),
    .byteCount(
      "hash-max-listpack-value", aliases: ["hash-max-ziplist-value"], .other, .any,
      \.encodings.listpackValueByteCount, in: 0...Int.max,
      "OBJECT ENCODING reports a hash with a larger field or value as hashtable."),
    .integer(
      "set-max-intset-entries", .other, .any, \.encodings.intsetEntries, in: 0...Int.max,
      "OBJECT ENCODING reports a set with more integers as hashtable."),
  ]

  /// Settings whose absence would matter: each is refused unless its value is what kvd does anyway.
  static let fixed: [Setting] = [
    .fixed("cluster-enabled", "no", "There is no cluster."),
    .fixed("maxmemory-policy", "noeviction", "Nothing is ever evicted."),
    .fixed("tls-port", "0", "There is no TLS; use a tunnel."),
    .fixed("replicaof", aliases: ["slaveof"], "", "There is no replication."),
    .fixed("loadmodule", "", "There are no modules."),
    .fixed("rename-command", "", "Commands cannot be renamed; use ACL rules instead."),
  ]
}
