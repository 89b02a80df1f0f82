import KVStore

/// The text of INFO: Redis's sections and field names where kvd has the thing they name, and a
/// section of its own for the store's statistics.
enum InfoText {
  private static let all = [
    "server", "clients", "memory", "persistence", "stats", "replication",
    "keyspace", "kvd",
  ]

  static func sections(
    _ wanted: [String], server: ServerState, reader: Reader
  ) throws(StoreError) -> String {
    let isEverything =
      wanted.isEmpty || !Set(wanted).isDisjoint(with: ["all", "default", "everything"])
    var parts: [String] = []
    for name in all where isEverything || wanted.contains(name) {
      let title = name == "kvd" ? name : name.prefix(1).uppercased() + name.dropFirst()
      let fields = try fields(of: name, server: server, reader: reader)
      parts.append(
        "# \(title)\r\n" + fields.map { "\($0.0):\($0.1)\r\n" }.joined())
    }
    return parts.joined(separator: "\r\n")
  }

  private static func fields(
    of section: String, server: ServerState, reader: Reader
  ) throws(StoreError) -> [(String, String)] {
    switch section {
    case "server":
      let uptime = System.monotonicSeconds() - server.startedAt
      return [
        ("redis_version", Version.redis), ("redis_mode", "standalone"),
        ("kvd_version", Version.kvd), ("os", "Linux"), ("arch_bits", "64"),
        ("multiplexing_api", "epoll"), ("process_id", "\(System.processID)"),
        ("tcp_port", "\(server.port.load(ordering: .relaxed))"),
        ("uptime_in_seconds", "\(uptime)"), ("uptime_in_days", "\(uptime / 86_400)"),
        ("io_threads_active", server.options.ioThreadCount > 1 ? "1" : "0"),
      ]
    case "clients":
      return [
        ("connected_clients", "\(server.clients.count)"),
        ("maxclients", "\(server.clients.limit)"),
        ("blocked_clients", "\(server.gate.blockedCount)"),
      ]
    case "memory":
      let resident = System.residentByteCount()
      return [
        ("used_memory", "\(resident)"), ("used_memory_rss", "\(resident)"), ("maxmemory", "0"),
        ("maxmemory_policy", "noeviction"), ("mem_clients_normal", "\(server.memory.inUse)"),
      ]
    case "persistence":
      let isHealthy = server.store.poisoned == nil
      return [
        ("loading", "0"), ("rdb_changes_since_last_save", "0"), ("rdb_bgsave_in_progress", "0"),
        ("aof_enabled", "1"), ("aof_rewrite_in_progress", "0"),
        ("aof_last_write_status", isHealthy ? "ok" : "err"),
      ]
    case "stats":
      var totals = LoopCounters.Totals()
      for counters in server.counters { counters.add(to: &totals) }
      let connections = server.clients.totals
      return [
        ("total_connections_received", "\(connections.accepted + connections.refused)"),
        ("total_commands_processed", "\(totals.commands)"),
        ("total_net_input_bytes", "\(totals.received)"),
        ("total_net_output_bytes", "\(totals.sent)"),
        ("rejected_connections", "\(connections.refused)"),
        ("total_error_replies", "\(totals.errors)"),
      ]
    case "replication":
      return [("role", "master"), ("connected_slaves", "0")]
    case "keyspace":
      let count = try server.keyCount.count(reader)
      return count == 0 ? [] : [("db0", "keys=\(count),expires=0,avg_ttl=0")]
    default:
      return try server.store.statistics().fields.map { ($0.name, $0.value) }
    }
  }
}
