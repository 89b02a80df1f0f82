import Glibc
import KVServer
import KVStore
import TxnWAL

/// `kvd serve`: opens the store, which recovers it, and serves it until told to stop.
enum ServeCommand: Subcommand {
  static let name = "serve"
  static let summary = "serve a store to Redis clients"
  static var help: String {
    """
    usage: kvd serve [CONFIG-FILE] [--config CONFIG-FILE] [--NAME VALUE]...

    Serves the store in a directory to Redis clients (RESP2 and RESP3). Recovers it first, whatever
    ended the last run, or makes a new one.

    Each setting below is written --NAME VALUE or --NAME=VALUE here, or NAME VALUE on a line of the
    configuration file: Redis's form, with quotes, # comments and include PATH. What stands here
    wins over the file. CONFIG GET tells the settings, CONFIG SET changes what can be changed while
    kvd runs, CONFIG REWRITE writes that into the file.

    A SIZE is a number of bytes, with k, m or g behind it for powers of 1000, or with kb, mb, gb, kib,
    mib, gib for powers of 1024.

    \(Settings.help)
    Messages go to stderr, a line each: what opening the store found and did, where it listens, why
    it stops. SIGTERM, SIGINT and SHUTDOWN finish what is under way and close the store; a second
    signal stops at once, after which the next start recovers, as after kill -9.

    Exit status: 0 stopped cleanly, or by a signal while the store was being opened; 1 the store
    cannot be opened, the port not be used, or the store not be closed cleanly (stderr says why, and
    nothing acknowledged is lost); 64 wrong usage, on the command line or in the configuration file.

    Limits: keys \(Limits.keyByteCount) bytes, values \(Limits.valueByteCount >> 20) MiB, a batch or \
    transaction \(Limits.batchByteCount >> 20) MiB.

    """
  }

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    var options: ServerOptions
    do throws(ConfigurationError) {
      options = try CommandLineOptions.parse(Array(arguments))
    } catch {
      throw UsageError(message: error.description)
    }
    Signals.block()
    let stop = Stop(seconds: options.stopSeconds)
    do throws(WorkerThread.Refusal) {
      try stop.start()
    } catch {
      Log.line(
        "cannot start the thread that waits for signals: \(SystemCall.message(for: error.errno))")
      return 1
    }
    let store: Store
    do throws(StoreError) {
      store = try Store.open(at: options.dataPath, options: options.store)
    } catch {
      Log.line("cannot open \(options.dataPath): \(error)")
      return 1
    }
    Log.line("opened \(options.dataPath): \(store.openReport)")
    for warning in store.openReport.warnings { Log.line("warning: \(warning)") }
    options.log = { Log.line($0) }
    options.shutDown = { Signals.sendToSelf() }
    options.reopen = { [path = options.dataPath, options = options.store] () throws(StoreError) in
      let store = try Store.open(at: path, options: options)
      Log.line("opened \(path) again: \(store.openReport)")
      return store
    }
    let server: Server
    do throws(Server.Failure) {
      server = try Server(store: store, options: options)
    } catch {
      Log.line("\(error)")
      _ = close(store)
      return 1
    }
    let places = options.addresses.joined(separator: " ")
    let path = options.unixSocketPath.isEmpty ? "" : " and \(options.unixSocketPath)"
    Log.line("ready on \(places) port \(server.port)\(path), pid \(getpid())")
    stop.serve {
      server.stop()
      server.store.stopWaiting()
    }
    server.wait()
    let status = close(server.store)
    Log.line(status == 0 ? "stopped; the store is closed" : "stopped")
    return status
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
