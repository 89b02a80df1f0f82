import KVStore

/// What the calls of one event loop share for as long as it serves one store.
struct LoopResources {
  let server: ServerState
  let store: Store
  let reader: Reader
  let counters: LoopCounters
  let statistics: LoopStatistics
  /// Signalled by work on other threads when it is done; waiting commands are then retried.
  let handle: LoopHandle
  /// Runs this event loop's scripts.
  let lua: LuaMachine
  /// Limits the duration of this event loop's evaluations.
  let time: EvaluationDeadline
  let lookups = LookupPrefetcher()

  init(
    server: ServerState, counters: LoopCounters, statistics: LoopStatistics, handle: LoopHandle
  ) {
    self.server = server
    self.counters = counters
    self.statistics = statistics
    self.handle = handle
    store = server.store
    reader = store.makeReader()
    lua = LuaMachine(server.options, server.scripts)
    time = EvaluationDeadline(handle, reader.pace, milliseconds: server.options.scriptMilliseconds)
  }
}

extension Call {
  @inline(__always) var server: ServerState { loop.server }
  @inline(__always) var store: Store { loop.store }
  @inline(__always) var reader: Reader { loop.reader }
  @inline(__always) var counters: LoopCounters { loop.counters }
  @inline(__always) var statistics: LoopStatistics { loop.statistics }
  @inline(__always) var handle: LoopHandle { loop.handle }
  var lua: LuaMachine { loop.lua }
  @inline(__always) var time: EvaluationDeadline { loop.time }

  /// Prefetches what memtables hold of keys that will be written, all together: most of the time of a write
  /// would otherwise be spent on cache misses.
  ///
  /// - Parameter keys: at most `LookupPrefetcher.limit` arguments.
  func fetch(keys: StrideTo<Int>, _ request: RawSpan) {
    let lookups = loop.lookups
    lookups.removeAll()
    for index in keys { lookups.append(self[index], of: request, readsFile: false, in: reader) }
    lookups.run(in: request, reader)
  }
}
