import Base
import KVData
import KVStore
import Synchronization

/// MEMORY: the memory of the process, and about how much a key takes on disk and in memory.
enum MemoryCommand {
  static let command = Command(
    container: "memory", group: "server", "A container for memory diagnostics commands",
    subcommands: [
      Command(
        "memory|doctor", arity: 2, [], group: "server", "Outputs memory problems report",
        .session { (call, _) in
          call.reply.verbatim(
            "Sam, I can't find any memory issue in your instance. Memory is limited by the settings "
              + "memory and maxmemory-clients; MEMORY STATS shows how much is in use.\n")
        }),
      Command(
        "memory|malloc-stats", arity: 2, [], group: "server", "Show allocator internal stats",
        .session { (call, _) in
          call.reply.verbatim("Stats not supported for the current allocator")
        }),
      Command(
        "memory|purge", arity: 2, [], group: "server", "Ask the allocator to release memory",
        .session(purge)),
      Command(
        "memory|stats", arity: 2, [], group: "server", "Show memory usage details",
        .session(statistics)),
      Command(
        "memory|usage", arity: -3, [.readOnly, .scans],
        keys: Command.Keys(first: 2, last: 2, step: 1),
        group: "server", "Estimate the memory usage of a key", .cut(at: 2, usage, usage)),
      Command(
        "memory|help", arity: 2, [], group: "server",
        "Show helpful text about the different subcommands",
        ContainerCommand.help(
          "memory",
          [
            "DOCTOR", "    Return memory problems reports.", "MALLOC-STATS",
            "    Return internal statistics report from the memory allocator.", "PURGE",
            "    Attempt to purge dirty pages for reclamation by the allocator.", "STATS",
            "    Return information about the memory usage of the server.",
            "USAGE <key> [SAMPLES <count>]",
            "    Return memory in bytes used by <key> and its value. Nested values are",
            "    sampled up to <count> times (default: 5, 0 means sample all).",
          ])),
    ])

  /// PURGE. A purge that was requested and has not begun serves this request too, so that no number of requests
  /// can hold up other work. A transaction or script cannot wait, so there the reply comes at once; nothing in
  /// it depends on the purge.
  static func purge(_ call: inout Call, _ request: RawSpan) {
    let server = call.server
    let isBegun = call.session.sideTicket != nil
    guard isBegun || !server.isPurgeAsked.exchange(true, ordering: .relaxed) else {
      return call.reply.ok()
    }
    let work: @Sendable () -> Void = {
      server.isPurgeAsked.store(false, ordering: .relaxed)
      System.trimHeap()
    }
    guard !call.isExecuting, !call.isInScript else {
      server.sideWork.begin(work)
      return call.reply.ok()
    }
    call.onSideThread { () -> BackgroundWork.Completion in
      work()
      return { $0.reply.ok() }
    }
  }

  /// What an entry takes besides its key and value: the header of the value and the node in its page.
  private static let overheadByteCount = 48

  /// USAGE key [SAMPLES count]: the size of the key's entries in bytes. For a map, at most `sampleLimit` fields
  /// are read, and the size is extrapolated from them. O(samples).
  static func usage<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    var samples = defaultSampleCount
    var index = 3
    while index < call.count {
      guard request.extracting(call[index]).spells("SAMPLES"), index + 1 < call.count else {
        return call.syntaxError()
      }
      guard let number = parseInteger(request.extracting(call[index + 1])) else {
        return call.notAnInteger()
      }
      guard number >= 0 else { return call.syntaxError() }
      samples = number == 0 ? sampleLimit : Int(min(number, Int64(sampleLimit)))
      index += 2
    }
    let key = request.extracting(call[2])
    let found = try view.withEntry(of: key) { info, value in
      info.map { (type: $0.recordType, byteCount: value.byteCount) }
    }
    guard let found else { return call.reply.null() }
    var byteCount = key.byteCount + found.byteCount + overheadByteCount
    if let type = found.type, type != .string, let map = try view.map(at: key, type: type) {
      var seen = 0
      var seenByteCount = 0
      try map.walk(limit: samples, in: &view) { field, value in
        seen += 1
        seenByteCount += field.byteCount + value.byteCount + fieldOverheadByteCount
        return true
      }
      byteCount = estimate(map.count, from: seen, of: seenByteCount, beside: byteCount)
    }
    call.reply.integer(Int64(byteCount))
  }

  /// The size of `count` fields, extrapolated from `seen` fields of `seenByteCount` bytes, plus `rest`. A
  /// larger result than a reply can hold becomes `Int.max`.
  static func estimate(_ count: Int, from seen: Int, of seenByteCount: Int, beside rest: Int) -> Int
  {
    guard seen > 0 else { return rest }
    let (high, low) = UInt(seenByteCount).multipliedFullWidth(by: UInt(count))
    guard high < UInt(seen) else { return .max }
    let fields = Int(clamping: UInt(seen).dividingFullWidth((high, low)).quotient)
    let (sum, overflows) = fields.addingReportingOverflow(rest)
    return overflows ? .max : sum
  }

  /// As in Redis.
  private static let defaultSampleCount = 5
  /// The most fields that are read, whatever SAMPLES says: in a transaction all writers wait for them.
  private static let sampleLimit = 100_000
  /// The key of a field also holds the map's id.
  private static let fieldOverheadByteCount = overheadByteCount + MapLimits.fieldOverhead

  static func statistics(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let facts = ProcessFacts()
    // The reply has no field for free pages, and counting them takes too long for an evaluation.
    let store = try call.store.statistics(countsFreePages: false)
    let memtables = store.activeMemtableByteCount + store.sealedMemtableByteCount
    let keys = try call.server.figures.keyCount(call.reader)
    let fields: [(String, Int)] = [
      ("peak.allocated", facts.peakByteCount), ("total.allocated", facts.usedByteCount),
      ("startup.allocated", 0), ("replication.backlog", 0), ("clients.slaves", 0),
      ("clients.normal", call.server.memory.inUse), ("cluster.links", 0), ("aof.buffer", 0),
      ("lua.caches", 0), ("functions.caches", 0),
      ("overhead.total", max(0, facts.usedByteCount - memtables)), ("keys.count", keys),
      ("keys.bytes-per-key", keys == 0 ? 0 : memtables / keys), ("dataset.bytes", memtables),
    ]
    call.reply.map(fields.count)
    for (name, value) in fields {
      call.reply.bulk(name)
      call.reply.integer(Int64(value))
    }
  }
}
