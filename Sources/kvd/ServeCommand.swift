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

    Serves the store in a directory to Redis clients (RESP2 and RESP3). Recovers it first, whatever
    ended the last run, or makes a new one.

    Each setting below is written --NAME VALUE or --NAME=VALUE here, or NAME VALUE on a line of the
    configuration file: Redis's form, with quotes, # comments and include PATH. What stands here
    wins over the file. CONFIG GET tells the settings, CONFIG SET changes what can be changed while
    kvd runs, CONFIG REWRITE writes that into the file.

    A SIZE is a number of bytes, with k, m or g behind it for powers of 1000, or with kb, mb, gb, kib,
    mib, gib for powers of 1024.

    \(Settings.help)
    Settings of Redis that mean nothing to kvd, such as 'hz' and 'save', are accepted, each with a line
    in the log; CONFIG GET tells them.

    Messages go to stderr or to 'logfile', a line each: what opening the store found and did, where it
    listens, when writes are refused and accepted again, damage that was met, why it stops. SIGTERM,
    SIGINT, SIGQUIT and SHUTDOWN finish what is under way and close the store; another signal, a second
    later or more, stops at once, after which the next start recovers, as after kill -9. SIGHUP reads
    the configuration file and the users again and opens 'logfile' again; the log says what has
    changed. Other signals do nothing.

    Exit status: 0 stopped cleanly, or by a signal while the store was being opened; 1 the store
    cannot be opened, the port not be used, the store not be closed cleanly, or writes were refused
    because a write or sync had failed (the log says why, and nothing acknowledged is lost); 64 wrong
    usage, on the command line or in the configuration file, every mistake on a line.

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
        "cannot start the thread that waits for signals: \(IOError.text(ofErrno: error.errno))")
      return 1
    }
    for note in options.notes { Log.line(note) }
    options.shutDown = { Signals.sendToSelf() }
    options.reopen = { [path = options.dataPath, options = options.store] () throws(StoreError) in
      let store = try Store.open(at: path, options: options)
      Log.line("opened \(path) again: \(store.openReport)")
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
      Log.line("cannot open the log \(options.logFilePath): \(reason): messages go to stderr")
    }
  }

  private static func open(_ options: ServerOptions) -> Store? {
    let path = options.dataPath
    for name in RedisFiles.names(in: path) {
      Log.line(
        "\(path)/\(name) looks like data of Redis, which kvd does not read: to move it, copy the keys from "
          + "a running Redis (DUMP, RESTORE)")
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
        Log.line("cannot open the log \(logFilePath) again: \(reason): it goes on where it was")
      } else {
        Log.line("opened the log \(logFilePath) again")
      }
    }
    do throws(ConfigurationError) {
      server.reread(try CommandLineOptions.parse(arguments))
    } catch {
      for problem in error.problems { Log.line(problem) }
      Log.line("the configuration stays as it was")
    }
  }

  private static func close(_ store: Store) -> Int32 {
    do throws(StoreError) {
      try store.close()
      return 0
    } catch .poisoned(let reason) {
      Log.line(
        "stopped while writes were refused since \(reason); what was acknowledged is in the log: check the disk, "
          + "then start kvd again")
      return 1
    } catch {
      Log.line("closing the store: \(error)")
      return 1
    }
  }
}
