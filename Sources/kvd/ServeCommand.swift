import Base
import Glibc
import KVServer
import KVStore

/// `kvd serve`: opens the store, which recovers it, and serves it until told to stop.
enum ServeCommand: Subcommand {
  static let name = "serve"
  static let summary = "serve a store to Redis clients"
  static var help: String {
    """
    usage: kvd serve [CONFIG-FILE] [--config CONFIG-FILE] [--NAME VALUE]...

    Serves the store in a directory to Redis clients (RESP2 and RESP3). Recovers the store first,
    however the last run ended, or creates it if there is none.

    Each setting below can be given as --NAME VALUE or --NAME=VALUE on the command line, or as NAME VALUE
    on a line of the configuration file, which has Redis's format, with quotes, # comments and include
    PATH. The command line overrides the file. CONFIG GET shows the settings, CONFIG SET changes those that
    can change at run time, and CONFIG REWRITE saves the changes to the file.

    A SIZE is a number of bytes, optionally with a unit: k, m or g for powers of 1000, kb, mb, gb, kib,
    mib or gib for powers of 1024.

    \(Settings.help)
    Redis settings that have no effect in kvd, such as 'hz' and 'save', are accepted and logged; CONFIG
    GET returns their values.

    Log messages go to stderr or to 'logfile', one per line: what opening the store found and did, where
    kvd listens, when writes are refused and accepted again, any damage found, why kvd stops. SIGTERM,
    SIGINT, SIGQUIT and SHUTDOWN finish the work in progress and close the store; another signal, more
    than a second later, makes kvd exit at once, and the next start recovers, as after kill -9. SIGHUP
    reloads the configuration file and the users and reopens 'logfile'; changes are logged. Other signals
    are ignored.

    Exit status: 0 stopped cleanly, or by a signal while the store was being opened; 1 the store could
    not be opened or not be closed cleanly, the port could not be used, or writes were refused because a
    write or sync had failed (the log says why; no acknowledged write is lost); 64 usage error, on the
    command line or in the configuration file, with one line for each error.

    Limits: keys \(Limits.keyByteCount) bytes, values \(Limits.valueByteCount >> 20) MiB, a batch or \
    transaction \(Limits.batchByteCount >> 20) MiB.

    """
  }

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    let arguments = Array(arguments)
    var options: ServerOptions
    do throws(ConfigurationError) {
      options = try CommandLineOptions.parse(arguments)
    } catch {
      throw UsageError(message: error.description)
    }
    Signals.block()
    openLog(options)
    Log.startThread()
    defer { Log.flush() }
    options.log = { Log.line($0) }
    let stop = Stop(seconds: options.stopSeconds)
    do throws(IOError) {
      try stop.start()
    } catch {
      Log.line(
        "cannot start the signal thread: \(IOError.text(ofErrno: error.errno))")
      return 1
    }
    for note in options.notes { Log.line(note) }
    options.shutDown = { Signals.sendToSelf() }
    options.reopen = { [path = options.dataPath, options = options.store] () throws(StoreError) in
      let store = try Store.open(at: path, options: options)
      Log.line("reopened \(path): \(store.openReport)")
      return store
    }
    // Errors in the options are reported before recovery, which may take long.
    let preparation: Server.Preparation
    do throws(Server.Failure) {
      preparation = try Server.Preparation(options)
    } catch {
      for line in error.description.split(separator: "\n") { Log.line("\(line)") }
      return 1
    }
    guard let store = open(options) else { return 1 }
    let server: Server
    do throws(Server.Failure) {
      server = try Server(store: store, options: options, preparation)
    } catch {
      Log.line("\(error)")
      _ = close(store)
      return 1
    }
    return serve(server, options, arguments, stop)
  }

  /// Serves until told to stop.
  private static func serve(
    _ server: Server, _ options: ServerOptions, _ arguments: [String], _ stop: Stop
  ) -> Int32 {
    let pidFile = PIDFile.write(options.pidFilePath)
    let places = options.addresses.joined(separator: " ")
    let path = options.unixSocketPath.isEmpty ? "" : " and \(options.unixSocketPath)"
    Log.line("ready on \(places) port \(server.port)\(path), pid \(getpid())")
    stop.serve(
      stop: {
        server.stop()
        server.store.stopWaiting()
      },
      reload: { reload(server, arguments, logFilePath: options.logFilePath) })
    server.wait()
    let status = close(server.store)
    pidFile?.remove()
    Log.line(status == 0 ? "stopped; the store is closed" : "stopped")
    return status
  }

  private static func openLog(_ options: ServerOptions) {
    guard !options.logFilePath.isEmpty else { return }
    if let reason = Log.redirect(to: options.logFilePath) {
      Log.line("cannot open the log file \(options.logFilePath): \(reason); logging to stderr")
    }
  }

  private static func open(_ options: ServerOptions) -> Store? {
    let path = options.dataPath
    for name in RedisFiles.names(in: path) {
      Log.line(
        "\(path)/\(name) looks like a Redis data file, which kvd cannot read: to migrate, copy the keys from "
          + "a running Redis with DUMP and RESTORE")
    }
    do throws(StoreError) {
      let store = try Store.open(at: path, options: options.store)
      Log.line("opened \(path): \(store.openReport)")
      for warning in store.openReport.warnings + options.differences(from: store.openReport) {
        Log.line("warning: \(warning)")
      }
      return store
    } catch {
      Log.line("cannot open \(path): \(error)")
      return nil
    }
  }

  /// Handles SIGHUP.
  private static func reload(_ server: Server, _ arguments: [String], logFilePath: String) {
    if !logFilePath.isEmpty {
      if let reason = Log.redirect(to: logFilePath) {
        Log.line(
          "cannot reopen the log file \(logFilePath): \(reason); still logging to the old one")
      } else {
        Log.line("reopened the log file \(logFilePath)")
      }
    }
    do throws(ConfigurationError) {
      server.reread(try CommandLineOptions.parse(arguments))
    } catch {
      for problem in error.problems { Log.line(problem) }
      Log.line("configuration not reloaded: the current settings stay in effect")
    }
  }

  private static func close(_ store: Store) -> Int32 {
    do throws(StoreError) {
      try store.close()
      return 0
    } catch .poisoned(let reason) {
      Log.line(
        "stopped while writes were refused after an error: \(reason); acknowledged writes are in the log; check "
          + "the disk, then restart kvd")
      return 1
    } catch {
      Log.line("cannot close the store cleanly: \(error)")
      return 1
    }
  }
}
