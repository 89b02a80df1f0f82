import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// A configuration that was made for Redis. Story: 54 of the 71 lines of Debian's redis.conf had to be removed, one
/// error per start.
struct RedisConfigurationTests {
  /// The lines of Debian's redis.conf (7.0.15) that are no comments.
  private static let debian = """
    bind 127.0.0.1 -::1
    protected-mode yes
    port 6379
    tcp-backlog 511
    timeout 0
    tcp-keepalive 300
    daemonize yes
    pidfile /run/redis/redis-server.pid
    loglevel notice
    logfile /var/log/redis/redis-server.log
    databases 16
    always-show-logo no
    set-proc-title yes
    proc-title-template "{title} {listen-addr} {server-mode}"
    stop-writes-on-bgsave-error yes
    rdbcompression yes
    rdbchecksum yes
    dbfilename dump.rdb
    rdb-del-sync-files no
    dir /var/lib/redis
    replica-serve-stale-data yes
    replica-read-only yes
    repl-diskless-sync yes
    repl-diskless-sync-delay 5
    repl-diskless-sync-max-replicas 0
    repl-diskless-load disabled
    repl-disable-tcp-nodelay no
    replica-priority 100
    acllog-max-len 128
    lazyfree-lazy-eviction no
    lazyfree-lazy-expire no
    lazyfree-lazy-server-del no
    replica-lazy-flush no
    lazyfree-lazy-user-del no
    lazyfree-lazy-user-flush no
    oom-score-adj no
    oom-score-adj-values 0 200 800
    disable-thp yes
    appendonly no
    appendfilename "appendonly.aof"
    appenddirname "appendonlydir"
    appendfsync everysec
    no-appendfsync-on-rewrite no
    auto-aof-rewrite-percentage 100
    auto-aof-rewrite-min-size 64mb
    aof-load-truncated yes
    aof-use-rdb-preamble yes
    aof-timestamp-enabled no
    slowlog-log-slower-than 10000
    slowlog-max-len 128
    latency-monitor-threshold 0
    notify-keyspace-events ""
    hash-max-listpack-entries 512
    hash-max-listpack-value 64
    list-max-listpack-size -2
    list-compress-depth 0
    set-max-intset-entries 512
    zset-max-listpack-entries 128
    zset-max-listpack-value 64
    hll-sparse-max-bytes 3000
    stream-node-max-bytes 4096
    stream-node-max-entries 100
    activerehashing yes
    client-output-buffer-limit normal 0 0 0
    client-output-buffer-limit replica 256mb 64mb 60
    client-output-buffer-limit pubsub 32mb 8mb 60
    hz 10
    dynamic-hz yes
    aof-rewrite-incremental-fsync yes
    rdb-save-incremental-fsync yes
    jemalloc-bg-thread yes

    """

  @Test func `Debian's redis.conf is taken as it is, and what means nothing is told`() throws {
    let directory = TestDirectory()
    let path = try directory.write("redis.conf", Self.debian)
    let options = try CommandLineOptions.parse([path])
    #expect(options.port == 6379)
    #expect(options.dataPath == "/var/lib/redis")
    #expect(options.addresses == ["127.0.0.1", "-::1"])
    #expect(options.logFilePath == "/var/log/redis/redis-server.log")
    #expect(options.pidFilePath == "/run/redis/redis-server.pid")
    #expect(options.notes.count == 52)
    #expect(
      options.notes.contains(
        "\(path):7: 'daemonize' is a Redis setting that has no effect in kvd: kvd always runs in the "
          + "foreground, for a service manager"))
    // What is written again is what was read.
    let text = ConfigurationRewrite.text(of: Array(Self.debian.utf8), for: options)
    let again = try CommandLineOptions.parse(
      [try directory.write("again.conf", String(decoding: text, as: UTF8.self))])
    for setting in Settings.all {
      #expect(setting.text(again) == setting.text(options), "\(setting.name)")
    }
  }

  @Test func `kvd serves with it, and a log or a pid file that cannot be is no obstacle`() throws {
    let directory = TestDirectory()
    let path = try directory.write(
      "redis.conf",
      Self.debian.replacing("/var/log/redis/", with: "/nowhere/")
        .replacing("/run/redis/", with: "/nowhere/"))
    _ = mkdir(directory.path + "/data", 0o700)
    _ = try directory.write("data/dump.rdb", "REDIS0010")
    let daemon = try TestDaemon.serving(directory.path + "/data", ["--config", path])
    #expect(
      daemon.text.contains(
        "cannot open the log file /nowhere/redis-server.log: No such file or directory; logging to stderr"
      ))
    #expect(
      daemon.text.contains("/data/dump.rdb looks like a Redis data file, which kvd cannot read"))
    #expect(daemon.text.contains("cannot write the PID file: open /nowhere/"))
    #expect(daemon.text.contains("\(path):67: 'hz' is a Redis setting that has no effect"))
    let client = try daemon.client()
    #expect(try client.ask("CONFIG", "GET", "list-compress-depth") == "[$list-compress-depth $0]")
    #expect(try client.ask("CONFIG", "SET", "hz", "20") == "+OK")
    #expect(try client.ask("CONFIG", "SET", "save", "900 1 300 10") == "+OK")
    #expect(try client.ask("CONFIG", "GET", "save") == "[$save $900 1 300 10]")
    #expect(try client.ask("CONFIG", "REWRITE") == "+OK")
    #expect(try directory.read("redis.conf").contains("\nhz 20\n"))
    #expect(daemon.end(with: SIGTERM) == 0)
    #expect(daemon.text.contains("CONFIG SET: 'hz' is a Redis setting that has no effect"))
  }
}
