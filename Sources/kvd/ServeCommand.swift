import Glibc
import KVServer
import KVStore

/// `kvd serve`: opens the store, which recovers it, and serves it until told to stop.
enum ServeCommand: Subcommand {
  static let name = "serve"
  static let summary = "serve a store to Redis clients"
  static let help = """
    usage: kvd serve [--data DIR] [--port N] [--bind ADDRESS] [--partitions P]
                     [--durability MODE] [--memory BYTES] [--io-threads N] [--max-clients N]

      --data DIR         the store's directory, made if absent   (default ./kvd-data)
      --port N           TCP port; 0 lets the system choose      (default 7379)
      --bind ADDRESS     numeric IPv4 or IPv6 address            (default 127.0.0.1)
      --partitions P     fixed when the store is made            (default 8)
      --durability MODE  \(Durability.allCases.map(\.rawValue).joined(separator: ", "))
                         (default sync: a reply means the write survives power loss)
      --memory BYTES     for memtables; 256mb and 1GiB are understood
                         (default \(StoreOptions().memoryByteCount >> 20)mb)
      --io-threads N     threads that serve sockets              (default 1)
      --max-clients N    connections served at once              (default 10000)

    SIGTERM and SIGINT stop it cleanly; a second one stops it at once.

    """

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    var (storeOptions, options) = try parse(arguments)
    Signals.block()
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
    stopOnSignal(server)
    server.wait()
    let status = close(store)
    Log.line(status == 0 ? "stopped; the store is closed" : "stopped")
    return status
  }

  private static func parse(
    _ arguments: ArraySlice<String>
  ) throws(UsageError) -> (StoreOptions, ServerOptions) {
    let flags = try Flags(
      arguments,
      known: [
        "data", "port", "bind", "partitions", "durability", "memory", "io-threads", "max-clients",
      ])
    var store = StoreOptions()
    store.partitionCount = try flags.integer(
      "partitions", default: store.partitionCount, in: 1...1024)
    store.memoryByteCount = try flags.byteCount(
      "memory", default: store.memoryByteCount, atLeast: 1 << 20)
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
    server.durability = mode
    return (store, server)
  }

  /// Starts the thread that waits for signals: the first stops the server, the second the process.
  private static func stopOnSignal(_ server: Server) {
    Threads.start {
      Log.line("signal \(Signals.wait()): stopping; a second signal stops at once")
      server.stop()
      Log.line("signal \(Signals.wait()): stopping at once")
      _exit(1)
    }
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
