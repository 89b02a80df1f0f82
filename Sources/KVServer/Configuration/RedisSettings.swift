/// The settings of Redis 7.0 that have no effect in kvd.
///
/// Configuration files and tools made for Redis set them, so they are accepted and checked as in Redis,
/// with a note in the log. CONFIG GET returns the value that was set, or Redis's default. Settings whose
/// absence would matter are not listed here but refused: see `Setting.fixed`.
enum RedisSettings {
  /// One line each: the name and aliases, when Redis lets it be changed, the form of its values, its
  /// default.
  static let lines = #"""
    active-defrag-cycle-max any int:1:99 25
    active-defrag-cycle-min any int:1:99 1
    active-defrag-ignore-bytes any size:1:9223372036854775807 104857600
    active-defrag-max-scan-fields any int:1:9223372036854775807 1000
    active-defrag-threshold-lower any int:0:1000 10
    active-defrag-threshold-upper any int:0:1000 100
    active-expire-effort any int:1:10 1
    activedefrag any bool no
    activerehashing any bool yes
    always-show-logo start bool no
    aof-disable-auto-gc any bool no
    aof-load-truncated any bool yes
    aof-rewrite-incremental-fsync any bool yes
    aof-timestamp-enabled any bool no
    aof-use-rdb-preamble any bool yes
    aof_rewrite_cpulist start text
    appenddirname start text appendonlydir
    appendfilename start text appendonly.aof
    auto-aof-rewrite-min-size any size:0:9223372036854775807 67108864
    auto-aof-rewrite-percentage any int:0:2147483647 100
    bgsave_cpulist start text
    bind-source-addr any text
    bio_cpulist start text
    cluster-allow-pubsubshard-when-down any bool yes
    cluster-allow-reads-when-down any bool no
    cluster-allow-replica-migration any bool yes
    cluster-announce-bus-port any int:0:65535 0
    cluster-announce-hostname any text
    cluster-announce-ip any text
    cluster-announce-port any int:0:65535 0
    cluster-announce-tls-port any int:0:65535 0
    cluster-config-file start text nodes.conf
    cluster-link-sendbuf-limit any size:0:9223372036854775807 0
    cluster-migration-barrier any int:0:2147483647 1
    cluster-node-timeout any int:0:9223372036854775807 15000
    cluster-port start int:0:65535 0
    cluster-preferred-endpoint-type any one:ip,hostname,unknown-endpoint ip
    cluster-replica-no-failover,cluster-slave-no-failover any bool no
    cluster-replica-validity-factor,cluster-slave-validity-factor any int:0:2147483647 10
    cluster-require-full-coverage any bool yes
    crash-log-enabled any bool yes
    crash-memcheck-enabled any bool yes
    daemonize start bool no
    dbfilename start text dump.rdb
    disable-thp start bool yes
    dynamic-hz any bool yes
    enable-module-command start one:no,yes,local no
    enable-protected-configs start one:no,yes,local no
    hll-sparse-max-bytes any size:0:9223372036854775807 3000
    hz any int:0:2147483647 10
    ignore-warnings any text
    io-threads-do-reads start bool no
    jemalloc-bg-thread any bool yes
    lazyfree-lazy-eviction any bool no
    lazyfree-lazy-expire any bool no
    lazyfree-lazy-server-del any bool no
    lazyfree-lazy-user-del any bool no
    lazyfree-lazy-user-flush any bool no
    lfu-decay-time any int:0:2147483647 1
    lfu-log-factor any int:0:2147483647 10
    list-compress-depth any int:0:2147483647 0
    list-max-listpack-size,list-max-ziplist-size any int:-2147483648:2147483647 -2
    list-max-ziplist-entries any text
    list-max-ziplist-value any text
    loglevel any one:debug,verbose,notice,warning notice
    lua-replicate-commands any text
    masterauth any text
    masteruser any text
    maxmemory-eviction-tenacity any int:0:100 10
    maxmemory-samples any int:1:2147483647 5
    min-replicas-max-lag,min-slaves-max-lag any int:0:2147483647 10
    min-replicas-to-write,min-slaves-to-write any int:0:2147483647 0
    no-appendfsync-on-rewrite any bool no
    notify-keyspace-events any words
    oom-score-adj any one:no,yes,relative,absolute no
    oom-score-adj-values any words 0 200 800
    proc-title-template any text {title} {listen-addr} {server-mode}
    propagation-error-behavior any one:ignore,panic,panic-on-replicas ignore
    rdb-del-sync-files any bool no
    rdb-save-incremental-fsync any bool yes
    rdbchecksum start bool yes
    rdbcompression any bool yes
    repl-backlog-size any size:1:9223372036854775807 1048576
    repl-backlog-ttl any int:0:9223372036854775807 3600
    repl-disable-tcp-nodelay any bool no
    repl-diskless-load any one:disabled,on-empty-db,swapdb disabled
    repl-diskless-sync any bool yes
    repl-diskless-sync-delay any int:0:2147483647 5
    repl-diskless-sync-max-replicas any int:0:2147483647 0
    repl-ping-replica-period,repl-ping-slave-period any int:1:2147483647 10
    repl-timeout any int:1:2147483647 60
    replica-announce-ip,slave-announce-ip any text
    replica-announce-port,slave-announce-port any int:0:65535 0
    replica-announced any bool yes
    replica-ignore-disk-write-errors any bool no
    replica-ignore-maxmemory,slave-ignore-maxmemory any bool yes
    replica-lazy-flush,slave-lazy-flush any bool no
    replica-priority,slave-priority any int:0:2147483647 100
    replica-read-only,slave-read-only any bool yes
    replica-serve-stale-data,slave-serve-stale-data any bool yes
    sanitize-dump-payload any one:no,yes,clients no
    server_cpulist start text
    set-proc-title start bool yes
    shutdown-on-sigint any some:default,save,nosave,now,force default
    shutdown-on-sigterm any some:default,save,nosave,now,force default
    socket-mark-id start int:0:4294967295 0
    stop-writes-on-bgsave-error any bool yes
    stream-node-max-bytes any size:0:9223372036854775807 4096
    stream-node-max-entries any int:0:9223372036854775807 100
    supervised start one:upstart,systemd,auto,no no
    syslog-enabled start bool no
    syslog-facility start one:user,local0,local1,local2,local3,local4,local5,local6,local7 local0
    syslog-ident start text redis
    tls-auth-clients any one:no,yes,optional yes
    tls-ca-cert-dir any text
    tls-ca-cert-file any text
    tls-cert-file any text
    tls-ciphers any text
    tls-ciphersuites any text
    tls-client-cert-file any text
    tls-client-key-file any text
    tls-client-key-file-pass any text
    tls-cluster any bool no
    tls-dh-params-file any text
    tls-key-file any text
    tls-key-file-pass any text
    tls-prefer-server-ciphers any bool no
    tls-protocols any text
    tls-replication any bool no
    tls-session-cache-size any int:0:2147483647 20480
    tls-session-cache-timeout any int:0:2147483647 300
    tls-session-caching any bool yes
    tracking-table-max-keys any int:0:9223372036854775807 1000000
    zset-max-listpack-entries,zset-max-ziplist-entries any int:0:9223372036854775807 128
    zset-max-listpack-value,zset-max-ziplist-value any size:0:9223372036854775807 64
    """#

  /// Why some of them have no effect; the others need no explanation.
  static let reasons = [
    "appendfsync": "'durability' decides when a write is synced",
    "appendonly": "the log is always on",
    "daemonize": "kvd always runs in the foreground, for a service manager",
    "databases": "there is only one database",
    "dbfilename": "there are no RDB files",
    "enable-module-command": "there are no modules",
    "loglevel": "there is only one log level",
    "masterauth": "there is no replication",
    "min-replicas-to-write": "there is no replication",
    "notify-keyspace-events": "there is no publish/subscribe",
    "save": "every acknowledged write is in the log, which checkpoints keep short",
    "supervised": "a service manager can watch the process or the log (for the line 'ready on')",
    "syslog-enabled": "messages go to stderr or to 'logfile'",
  ]

  /// Their values are never logged.
  static let secrets: Set<String> = [
    "masterauth", "tls-key-file-pass", "tls-client-key-file-pass", "requirepass",
  ]
}

extension Setting {
  /// The settings without effect.
  static let ignored: [Setting] =
    RedisSettings.lines.split(separator: "\n").map { line in
      let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
      let names = parts[0].split(separator: ",").map(String.init)
      return .ignored(
        names[0], aliases: Array(names.dropFirst()), parts[1] == "any" ? .any : .start,
        IgnoredValue(parts[2]), default: parts.count > 3 ? parts[3] : "")
    } + [
      .ignored("appendonly", .any, .yesNo, default: "yes"),
      .ignored("save", .any, .savePoints, default: ""),
      // CONFIG GET must show what is in force, not what was set.
      .ignored("databases", .start, .integer(1...Int(Int32.max)), default: "1", telling: "1"),
      .ignored(
        "appendfsync", .any, .oneOf(["everysec", "always", "no"]), default: "always",
        defaultText: { $0.store.durability == .sync ? "always" : "everysec" }),
    ]

  /// - Parameters:
  ///   - telling: what CONFIG GET returns, whatever was set.
  ///   - defaultText: replaces `default` if that depends on other options.
  private static func ignored(
    _ name: String, aliases: [String] = [], _ change: Change, _ kind: IgnoredValue,
    default value: String, telling truth: String? = nil,
    defaultText: (@Sendable (ServerOptions) -> String)? = nil
  ) -> Setting {
    let reason = RedisSettings.reasons[name].map { ": " + $0 } ?? ""
    return Setting(
      name, aliases: aliases, .ignored, change, form: "", takesWords: kind.takesWords,
      "Has no effect in kvd\(reason).",
      text: { truth ?? $0.ignored[name] ?? defaultText?($0) ?? value },
      set: { (words, options) throws(SettingRefusal) in
        options.ignored[name] = try kind.normalized(words)
      })
  }

  /// The log message when a setting without effect is set.
  var note: String? {
    guard section == .ignored else { return nil }
    let reason = RedisSettings.reasons[name].map { ": " + $0 } ?? ""
    return "'\(name)' is a Redis setting that has no effect in kvd\(reason)"
  }
}
