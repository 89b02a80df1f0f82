/// Logs and statistics, and everything else.
extension Setting {
  static let observation: [Setting] = [
    .integer(
      "slowlog-log-slower-than", .observation, .any, \.slowLogThreshold, in: -1...Int.max,
      form: "MICROSECONDS", "Commands that take so long or longer stand in SLOWLOG; -1 for none."),
    .integer(
      "slowlog-max-len", .observation, .any, \.slowLogLength, in: 0...1_000_000,
      "How many entries SLOWLOG keeps."),
    .integer(
      "latency-monitor-threshold", .observation, .any, \.latencyThreshold, in: 0...Int.max,
      form: "MILLISECONDS", "Commands that take so long or longer stand in LATENCY; 0 for none."),
    .yesNo(
      "latency-tracking", .observation, .any, \.tracksLatency,
      "Whether a distribution of times is kept for each command."),
    percentiles,
    .choice(
      "enable-debug-command", .observation, .start, form: "yes|no|local", \.debugCommands,
      "Who may use DEBUG; local: clients on this machine."),
  ]

  private static let percentiles = Setting(
    "latency-tracking-info-percentiles", .observation, .any, form: "P...", takesWords: true,
    "Which percentiles INFO latencystats tells.",
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
      "Messages go to the end of this file in place of stderr. SIGHUP opens it again, after it was moved "
        + "away."),
    .text(
      "pidfile", .other, .start, form: "FILE", isOptional: true, \.pidFilePath,
      "Has the process's number while kvd serves."),
    .integer(
      "shutdown-timeout", aliases: ["stop-seconds"], .other, .start, \.stopSeconds, in: 1...86_400,
      form: "SECONDS", "How long stopping may take before the process ends as it is."),
    .integer(
      "hash-max-listpack-entries", aliases: ["hash-max-ziplist-entries"], .other, .any,
      \.encodings.listpackEntries, in: 0...Int.max,
      "A hash of more fields is called a hashtable by OBJECT ENCODING. Nothing else follows from it, as "
        + "from the next two."),
    .byteCount(
      "hash-max-listpack-value", aliases: ["hash-max-ziplist-value"], .other, .any,
      \.encodings.listpackValueByteCount, in: 0...Int.max,
      "So is one with a larger field or value."),
    .integer(
      "set-max-intset-entries", .other, .any, \.encodings.intsetEntries, in: 0...Int.max,
      "A set of more integers is called a hashtable by OBJECT ENCODING."),
  ]

  /// Settings whose absence would matter: each is refused unless its value is what kvd does anyway.
  static let fixed: [Setting] = [
    .fixed("cluster-enabled", "no", "There is no cluster."),
    .fixed("maxmemory-policy", "noeviction", "Nothing is ever evicted."),
    .fixed("tls-port", "0", "There is no TLS; use a tunnel."),
    .fixed("replicaof", aliases: ["slaveof"], "", "There is no replication."),
    .fixed("loadmodule", "", "There are no modules."),
    .fixed("rename-command", "", "Commands keep their names; use users and their rules."),
  ]
}
