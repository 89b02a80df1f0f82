import Base
import KVStore
import Synchronization

/// The fields of INFO's sections. Fields for features that kvd lacks are included with a neutral value, because
/// dashboards read them.
enum InfoSections {
  typealias Field = InfoText.Field

  static func server(_ server: ServerState) -> [Field] {
    let uptime = SystemClock.monotonicSeconds() - server.startedAt
    let (seconds, microseconds) = SystemClock.timeOfDay()
    // `hz` has no effect here, but clients compare it with the value that they have set.
    let configuredRate = server.live.current.ignored["hz"] ?? "10"
    let kernel = System.kernelText("/proc/sys/kernel/osrelease").filter { !$0.isNewline }
    return [
      ("redis_version", Version.redis), ("redis_git_sha1", "00000000"), ("redis_git_dirty", "0"),
      ("redis_build_id", "0"), ("redis_mode", "standalone"), ("kvd_version", Version.kvd),
      ("os", "Linux \(kernel)"), ("arch_bits", "64"),
      ("monotonic_clock", "POSIX clock_gettime"), ("multiplexing_api", "epoll"),
      ("process_id", "\(System.processID)"), ("process_supervised", "no"),
      ("run_id", server.runID), ("tcp_port", "\(server.port.load(ordering: .relaxed))"),
      ("server_time_usec", "\(seconds * 1_000_000 + microseconds)"),
      ("uptime_in_seconds", "\(uptime)"), ("uptime_in_days", "\(uptime / 86_400)"),
      ("hz", configuredRate), ("configured_hz", configuredRate),
      ("lru_clock", "\(seconds & 0xFF_FFFF)"),
      ("executable", System.executablePath),
      ("config_file", server.options.configurationPath ?? ""),
      ("io_threads_active", server.options.ioThreadCount > 1 ? "1" : "0"),
    ]
  }

  static func clients(_ server: ServerState) -> [Field] {
    [
      ("connected_clients", "\(server.clients.count)"), ("cluster_connections", "0"),
      ("maxclients", "\(server.clients.limit.load(ordering: .relaxed))"),
      ("client_recent_max_input_buffer", "0"), ("client_recent_max_output_buffer", "0"),
      ("blocked_clients", "\(server.gate.blockedCount)"), ("tracking_clients", "0"),
      ("clients_in_timeout_table", "0"),
    ]
  }

  static func memory(_ server: ServerState, _ store: Statistics) -> [Field] {
    let facts = ProcessFacts()
    let dataset = store.activeMemtableByteCount + store.sealedMemtableByteCount
    let overhead = max(0, facts.usedByteCount - dataset)
    func percent(_ part: Int, of whole: Int) -> String {
      ProcessFacts.fixed(whole == 0 ? 0 : Double(part) / Double(whole) * 100, 2) + "%"
    }
    let ratio = Double(facts.residentByteCount) / Double(max(1, facts.usedByteCount))
    var fields: [Field] = []
    func add(_ name: String, _ byteCount: Int, human: Bool = false) {
      fields.append((name, "\(byteCount)"))
      if human { fields.append((name + "_human", ProcessFacts.short(byteCount))) }
    }
    add("used_memory", facts.usedByteCount, human: true)
    add("used_memory_rss", facts.residentByteCount, human: true)
    add("used_memory_peak", facts.peakByteCount, human: true)
    fields.append(
      ("used_memory_peak_perc", percent(facts.usedByteCount, of: facts.peakByteCount)))
    add("used_memory_overhead", overhead)
    add("used_memory_startup", 0)
    add("used_memory_dataset", dataset)
    fields.append(("used_memory_dataset_perc", percent(dataset, of: facts.usedByteCount)))
    add("total_system_memory", facts.systemByteCount, human: true)
    let machines = server.scripts.machineByteCount.load(ordering: .relaxed)
    let scripts = server.scripts.size
    add("used_memory_lua", machines)
    add("used_memory_vm_eval", machines)
    fields.append(("used_memory_lua_human", ProcessFacts.short(machines)))
    add("used_memory_scripts_eval", scripts.byteCount)
    fields += [
      ("number_of_cached_scripts", "\(scripts.count)"), ("number_of_functions", "0"),
      ("number_of_libraries", "0"), ("used_memory_vm_functions", "0"),
    ]
    add("used_memory_vm_total", machines, human: true)
    add("used_memory_functions", 0)
    add("used_memory_scripts", scripts.byteCount, human: true)
    add("maxmemory", server.live.current.memoryLimit, human: true)
    fields += [
      ("maxmemory_policy", "noeviction"),
      ("mem_fragmentation_ratio", ProcessFacts.fixed(ratio, 2)),
      ("mem_fragmentation_bytes", "\(facts.residentByteCount - facts.usedByteCount)"),
      ("mem_not_counted_for_evict", "0"), ("mem_replication_backlog", "0"),
      ("mem_total_replication_buffers", "0"), ("mem_clients_slaves", "0"),
      ("mem_clients_normal", "\(server.memory.inUse)"), ("mem_cluster_links", "0"),
      ("mem_aof_buffer", "0"), ("mem_allocator", "libc"), ("active_defrag_running", "0"),
      ("lazyfree_pending_objects", "0"), ("lazyfreed_objects", "0"),
    ]
    return fields
  }

  /// Checkpoints are reported in the fields for dumps and for append-only file rewrites.
  static func persistence(_ server: ServerState) -> [Field] {
    let isHealthy = server.store.poisoned == nil && server.store.diskFull == nil
    let report = server.checkpoints.state
    let running = report.isRunning ? "1" : "0"
    let since =
      report.isRunning && report.begunAt >= 0 ? SystemClock.monotonicSeconds() - report.begunAt : -1
    let status = report.hasFailed ? "err" : "ok"
    let changes = server.store.publishedSequence &- report.sequence
    return [
      ("loading", "0"), ("async_loading", "0"), ("current_cow_peak", "0"),
      ("current_cow_size", "0"), ("current_cow_size_age", "0"), ("current_fork_perc", "0.00"),
      ("current_save_keys_processed", "0"), ("current_save_keys_total", "0"),
      ("rdb_changes_since_last_save", "\(changes)"), ("rdb_bgsave_in_progress", running),
      ("rdb_last_save_time", "\(report.lastSavedAt)"), ("rdb_last_bgsave_status", status),
      ("rdb_last_bgsave_time_sec", "\(report.lastSeconds)"),
      ("rdb_current_bgsave_time_sec", "\(since)"), ("rdb_saves", "\(report.count)"),
      ("rdb_last_cow_size", "0"), ("rdb_last_load_keys_expired", "0"),
      ("rdb_last_load_keys_loaded", "0"), ("aof_enabled", "1"),
      ("aof_rewrite_in_progress", running), ("aof_rewrite_scheduled", "0"),
      ("aof_last_rewrite_time_sec", "\(report.lastSeconds)"),
      ("aof_current_rewrite_time_sec", "\(since)"), ("aof_last_bgrewrite_status", status),
      ("aof_rewrites", "\(report.count)"), ("aof_rewrites_consecutive_failures", "0"),
      ("aof_last_write_status", isHealthy ? "ok" : "err"), ("aof_last_cow_size", "0"),
      ("module_fork_in_progress", "0"), ("module_fork_last_cow_size", "0"),
    ]
  }

  static func statistics(_ server: ServerState) -> [Field] {
    let totals = server.totals
    let connections = server.clients.totals
    let baseline = server.baseline.withLock { $0 }
    let refused = connections.refused - baseline.refused
    let accepted = connections.accepted - baseline.accepted
    let now = SystemClock.monotonicMilliseconds()
    let rate = server.rate.perSecond(LoopCounters.Totals(of: server.counters), now: now)
    let expired = server.expiredKeyCount - baseline.expired
    return [
      ("total_connections_received", "\(accepted + refused)"),
      ("total_commands_processed", "\(totals.commands)"),
      ("instantaneous_ops_per_sec", "\(rate.commands)"),
      ("total_net_input_bytes", "\(totals.received)"), ("total_net_output_bytes", "\(totals.sent)"),
      ("total_net_repl_input_bytes", "0"), ("total_net_repl_output_bytes", "0"),
      ("instantaneous_input_kbps", ProcessFacts.fixed(rate.received / 1024, 2)),
      ("instantaneous_output_kbps", ProcessFacts.fixed(rate.sent / 1024, 2)),
      ("instantaneous_input_repl_kbps", "0.00"), ("instantaneous_output_repl_kbps", "0.00"),
      ("rejected_connections", "\(refused)"), ("sync_full", "0"), ("sync_partial_ok", "0"),
      ("sync_partial_err", "0"), ("expired_keys", "\(expired)"), ("expired_stale_perc", "0.00"),
      ("expired_time_cap_reached_count", "0"), ("expire_cycle_cpu_milliseconds", "0"),
      ("evicted_keys", "0"), ("evicted_clients", "\(server.cutOffs.total(.memory))"),
      ("total_eviction_exceeded_time", "0"),
      ("current_eviction_exceeded_time", "0"), ("keyspace_hits", "\(totals.hits)"),
      ("keyspace_misses", "\(totals.misses)"), ("pubsub_channels", "0"), ("pubsub_patterns", "0"),
      ("pubsubshard_channels", "0"), ("latest_fork_usec", "0"), ("total_forks", "0"),
      ("migrate_cached_sockets", "0"), ("slave_expires_tracked_keys", "0"),
      ("active_defrag_hits", "0"), ("active_defrag_misses", "0"),
      ("active_defrag_key_hits", "0"), ("active_defrag_key_misses", "0"),
      ("total_active_defrag_time", "0"), ("current_active_defrag_time", "0"),
      ("tracking_total_keys", "0"), ("tracking_total_items", "0"),
      ("tracking_total_prefixes", "0"), ("unexpected_error_replies", "0"),
      ("total_error_replies", "\(totals.errors)"), ("dump_payload_sanitizations", "0"),
      ("total_reads_processed", "\(totals.reads)"), ("total_writes_processed", "\(totals.writes)"),
      ("io_threaded_reads_processed", "0"), ("io_threaded_writes_processed", "0"),
      ("reply_buffer_shrinks", "0"), ("reply_buffer_expands", "0"),
    ] + cutOffs(server)
  }

  /// Disconnected clients by reason, the first two under the names of newer Redis versions, and long reads.
  private static func cutOffs(_ server: ServerState) -> [Field] {
    let reasons: [(String, CutOffs.Reason)] = [
      ("client_query_buffer_limit_disconnections", .queryBuffer),
      ("client_output_buffer_limit_disconnections", .outputBuffer),
      ("kvd_stalled_client_disconnections", .stalled),
      ("kvd_request_timeout_disconnections", .requestTimeout),
      ("kvd_cross_protocol_disconnections", .otherProtocol),
    ]
    let longReads = server.longReadCount.load(ordering: .relaxed)
    return reasons.map { ($0.0, "\(server.cutOffs.total($0.1))") } + [
      ("kvd_long_reads", "\(longReads)")
    ]
  }

  static func replication(_ server: ServerState) -> [Field] {
    [
      ("role", "master"), ("connected_slaves", "0"), ("master_failover_state", "no-failover"),
      ("master_replid", server.runID), ("master_replid2", String(repeating: "0", count: 40)),
      ("master_repl_offset", "0"), ("second_repl_offset", "-1"), ("repl_backlog_active", "0"),
      ("repl_backlog_size", "0"), ("repl_backlog_first_byte_offset", "0"),
      ("repl_backlog_histlen", "0"),
    ]
  }

  static var processor: [Field] {
    func fields(_ names: (String, String), _ owner: System.ProcessorTimeOwner) -> [Field] {
      let time = System.processorTime(of: owner)
      return [
        (names.0, ProcessFacts.fixed(time.system, 6)), (names.1, ProcessFacts.fixed(time.user, 6)),
      ]
    }
    return fields(("used_cpu_sys", "used_cpu_user"), .process)
      + fields(("used_cpu_sys_children", "used_cpu_user_children"), .children)
      + fields(("used_cpu_sys_main_thread", "used_cpu_user_main_thread"), .thread)
  }

  static func commands(_ server: ServerState) -> [Field] {
    tallies(server).map { name, tally in
      let total = tally.nanoseconds / 1000
      let each =
        tally.calls == 0 ? 0 : Double(tally.nanoseconds) / 1000 / Double(tally.calls)
      return (
        "cmdstat_\(name)",
        "calls=\(tally.calls),usec=\(total),usec_per_call=\(ProcessFacts.fixed(each, 2)),"
          + "rejected_calls=\(tally.rejected),failed_calls=\(tally.failed)"
      )
    }
  }

  static func errors(_ server: ServerState) -> [Field] {
    LoopStatistics.errors(of: server.statistics).sorted { $0.key < $1.key }
      .map { ("errorstat_\($0.key)", "count=\($0.value)") }
  }

  static func latencies(_ server: ServerState) -> [Field] {
    let percentiles = server.live.current.latencyPercentiles
    return tallies(server).compactMap { name, tally in
      let histogram = tally.histogram
      guard histogram.total > 0 else { return nil }
      let values = percentiles.map { percentile in
        let microseconds = Double(histogram.percentile(percentile)) / 1000
        return "p\(Setting.short(percentile))=\(ProcessFacts.fixed(microseconds, 3))"
      }
      return ("latency_percentiles_usec_\(name)", values.joined(separator: ","))
    }
  }

  private static func tallies(_ server: ServerState) -> [(String, LoopStatistics.Tally)] {
    server.tallies.sorted { $0.key < $1.key }
      .map { (server.table.commands[$0.key].name, $0.value) }
  }
}
