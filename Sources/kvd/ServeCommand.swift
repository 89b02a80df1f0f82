import Glibc
import KVServer
import KVStore
import TxnWAL

/// `kvd serve`: opens the store, which recovers it, and serves it until told to stop.
enum ServeCommand: Subcommand {
  static let name = "serve"
  static let summary = "serve a store to Redis clients"
  static let help = """
    usage: kvd serve [OPTION]...

    Serves the store in a directory to Redis clients (RESP2 and RESP3). Recovers it first, whatever
    ended the last run, or makes a new one.

    The store
      --data DIR             its directory, made if absent           (default ./kvd-data)
      --partitions P         1 to 1024; fixed when the store is made, later ignored
                                                                     (default \(StoreOptions().partitionCount))
      --segment SIZE         of a file of the log, 64kib to 1gib, in steps of 4kib; fixed when the
                             store is made, later ignored            (default \(StoreOptions().segmentByteCount >> 20)mib)
      --durability MODE      when a write is acknowledged            (default sync)
                               sync      its bytes have survived fdatasync
                               periodic  they are in the kernel's hands, and synced every second:
                                         a crash of the machine may lose the last second
      --memory SIZE          for what is not in the partition files yet and for carrying it there,
                             8mib at least                           (default \(StoreOptions().memoryByteCount >> 20)mib)

    The clients
      --bind ADDRESS         numeric IPv4 or IPv6 address            (default \(ServerOptions().address))
      --port N               TCP port; 0 lets the system choose      (default \(ServerOptions().port))
      --max-clients N        connections at once, fewer if the limit on open files is lower
                                                                     (default \(ServerOptions().clientLimit))
      --client-memory SIZE   for what all clients together have sent, queued in MULTI and not yet
                             read; beyond it large requests wait or are refused with an OOM error,
                             \(Server.leastClientMemoryByteCount >> 20)mib at least                          (default \(ServerOptions().clientMemoryByteCount >> 20)mib)
      --requirepass TEXT     the password of the user `default`, who every client is at first; without
                             it, and without users that were set up, whoever reaches the port may do
                             everything
      --aclfile FILE         users, written by ACL SAVE and read by ACL LOAD and at the start; without
                             it they are kept in users.acl in the data folder at every change
      --protected-mode yes|no  whether clients of other machines are refused while no password is
                             asked for                               (default yes)
      --busy-reply-threshold N  how many milliseconds a script may run before it is ended and undone;
                             all writers wait for it                 (default \(ServerOptions().scriptMilliseconds))
      --stop-seconds N       how long stopping may take before the process ends as it is
                                                                     (default 30)
      --io-threads N         threads that serve connections, 1 to 128 (default \(ServerOptions().ioThreadCount))

    A SIZE is a number of bytes, with k, m or g behind it for powers of 1000, or with kb, mb, gb, kib,
    mib, gib for powers of 1024. An option is written --name value or --name=value.

    Messages go to stderr, a line each: what opening the store found and did, where it listens, why
    it stops. SIGTERM and SIGINT finish what is under way and close the store; a second one stops at
    once, after which the next start recovers, as after kill -9.

    Exit status: 0 stopped cleanly, or by a signal while the store was being opened; 1 the store cannot be opened, the port not be used, or the store
    not be closed cleanly (stderr says why, and nothing acknowledged is lost); 64 wrong usage.

    Limits: keys \(Limits.keyByteCount) bytes, values \(Limits.valueByteCount >> 20) MiB, a batch or transaction \(Limits.batchByteCount >> 20) MiB.

    """

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    var (storeOptions, options, stopSeconds) = try parse(arguments)
    Signals.block()
    let stop = Stop(seconds: stopSeconds)
    do throws(WorkerThread.Refusal) {
      try stop.start()
    } catch {
      Log.line(
        "cannot start the thread that waits for signals: \(SystemCall.message(for: error.errno))")
      return 1
    }
    let store: Store
    do throws(StoreError) {
      store = try Store.open(at: options.dataPath, options: storeOptions)
    } catch {
      Log.line("cannot open \(options.dataPath): \(error)")
      return 1
    }
    Log.line("opened \(options.dataPath): \(store.openReport)")
    options.log = { Log.line($0) }
    let server: Server
    do throws(Server.Failure) {
      server = try Server(store: store, options: options)
    } catch {
      Log.line("\(error)")
      _ = close(store)
      return 1
    }
    Log.line("ready on \(options.address) port \(server.port), pid \(getpid())")
    stop.serve {
      server.stop()
      store.stopWaiting()
    }
    server.wait()
    let status = close(store)
    Log.line(status == 0 ? "stopped; the store is closed" : "stopped")
    return status
  }

  private static func parse(
    _ arguments: ArraySlice<String>
  ) throws(UsageError) -> (StoreOptions, ServerOptions, stopSeconds: Int) {
    let flags = try Flags(
      arguments,
      known: [
        "data", "port", "bind", "partitions", "segment", "durability", "memory", "io-threads",
        "max-clients", "client-memory", "stop-seconds", "requirepass", "aclfile", "protected-mode",
        "busy-reply-threshold",
      ])
    var store = StoreOptions()
    store.partitionCount = try flags.integer(
      "partitions", default: store.partitionCount, in: 1...1024)
    store.segmentByteCount = try flags.byteCount(
      "segment", default: store.segmentByteCount, atLeast: 64 << 10)
    store.memoryByteCount = try flags.byteCount(
      "memory", default: store.memoryByteCount, atLeast: 8 << 20)
    let mode = try flags.text("durability", default: store.durability.rawValue)
    guard let durability = Durability(rawValue: mode) else {
      let known = Durability.allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageError(message: "option '--durability' must be one of \(known), not '\(mode)'")
    }
    store.durability = durability
    var server = ServerOptions()
    server.dataPath = try flags.text("data", default: server.dataPath)
    server.port = try flags.integer("port", default: server.port, in: 0...65_535)
    server.address = try flags.text("bind", default: server.address)
    server.ioThreadCount = try flags.integer(
      "io-threads", default: server.ioThreadCount, in: 1...128)
    server.clientLimit = try flags.integer(
      "max-clients", default: server.clientLimit, in: 1...1_000_000)
    server.clientMemoryByteCount = try flags.byteCount(
      "client-memory", default: server.clientMemoryByteCount,
      atLeast: Server.leastClientMemoryByteCount)
    server.durability = mode
    server.scriptMilliseconds = try flags.integer(
      "busy-reply-threshold", default: server.scriptMilliseconds, in: 1...60_000)
    server.access.password = try flags.text("requirepass", default: "")
    server.access.userFile = try flags.text("aclfile", default: "")
    let protection = try flags.text("protected-mode", default: "yes")
    guard ["yes", "no"].contains(protection) else {
      throw UsageError(message: "option '--protected-mode' must be yes or no, not '\(protection)'")
    }
    server.access.isProtected = protection == "yes"
    let stopSeconds = try flags.integer("stop-seconds", default: 30, in: 1...86_400)
    return (store, server, stopSeconds)
  }

  private static func close(_ store: Store) -> Int32 {
    do throws(StoreError) {
      try store.close()
      return 0
    } catch {
      Log.line("closing the store: \(error)")
      return 1
    }
  }
}
