import Base
import KVStore
import Net

/// A running server: the store's commands over TCP and Unix sockets, in the Redis protocol.
///
/// The caller keeps ownership of the store: stop the server, wait for it, then close the store that it
/// served last.
public final class Server: Sendable {
  public enum Failure: Error, CustomStringConvertible {
    case cannotListen(address: String, port: Int, reason: String)
    case cannotListenAt(path: String, reason: String)
    case cannotStart(reason: String)
    case cannotReadUsers(reason: String)
    case invalidOption(String)

    public var description: String {
      switch self {
      case .cannotListen(let address, let port, let reason):
        "cannot listen on \(address) port \(port): \(reason)"
      case .cannotListenAt(let path, let reason): "cannot listen on \(path): \(reason)"
      case .cannotStart(let reason): "cannot start the I/O threads: \(reason)"
      case .cannotReadUsers(let reason): "cannot read the users: \(reason)"
      case .invalidOption(let reason): reason
      }
    }
  }

  private let state: ServerState
  private let handles: [LoopHandle]
  private let threads: [WorkerThread]

  /// The sockets of a server, and a check of its options. Prepared before the store is opened, which may
  /// take long, so that errors are found first.
  public struct Preparation: Sendable {
    fileprivate let sockets: [ListeningSocket]

    /// Binds the addresses, without accepting connections yet, and checks that the users can be read.
    public init(_ options: ServerOptions) throws(Failure) {
      try Server.check(options)
      do throws(Users.Failure) {
        try Users.check(options.access, dataPath: options.dataPath, table: .standard)
      } catch {
        throw .cannotReadUsers(reason: error.description)
      }
      sockets = try Listening.bindAddresses(options)
    }
  }

  /// Listens and starts the I/O threads. Clients can connect when this returns.
  public convenience init(
    store: Store, options: ServerOptions = ServerOptions()
  ) throws(Failure) {
    try self.init(store: store, options: options, Preparation(options))
  }

  /// The same, with what was prepared for these options.
  public init(
    store: Store, options: ServerOptions, _ preparation: Preparation
  ) throws(Failure) {
    System.ignoreBrokenPipes()
    let state = ServerState(
      store: store, options: options, clientLimit: try Self.clientLimit(options),
      users: try Self.users(options, of: store))
    self.state = state
    var sockets = preparation.sockets
    if let socket = try Listening.bindPath(options) { sockets.append(socket) }
    try Listening.listen(sockets, options)
    if let port = sockets.lazy.compactMap(\.port).first {
      state.port.store(port, ordering: .relaxed)
    }
    do throws(IOError) {
      var handles: [LoopHandle] = []
      for _ in 0..<options.ioThreadCount { handles.append(try LoopHandle()) }
      self.handles = handles
      state.begin(handles)
      threads = try Self.start(state, handles, sockets)
    } catch {
      throw .cannotStart(reason: error.reason)
    }
    state.start()
    state.watch.start(state)
  }

  private static func check(_ options: ServerOptions) throws(Failure) {
    guard options.ioThreadCount > 0, options.clientLimit > 0 else {
      throw .invalidOption("there must be at least one I/O thread and one client")
    }
    guard (0...65_535).contains(options.port) else {
      throw .invalidOption("the port must be between 0 and 65535, not \(options.port)")
    }
    guard options.clientMemoryByteCount >= leastClientMemoryByteCount else {
      throw .invalidOption(
        "the memory for clients must be at least \(leastClientMemoryByteCount) bytes, "
          + "because the largest request must fit")
    }
  }

  /// Room for the largest request and a reply of the same size, in bytes.
  public static let leastClientMemoryByteCount = 2 * RequestLimits().requestByteCount

  /// Descriptors kept free for the log, the partitions and other files opened while the server runs.
  /// Without them connections could use the last one, and the store would fail.
  private static let reservedDescriptorCount = 128

  /// How many clients there can be descriptors for, up to `wanted`; those connected are included.
  static func possibleClientCount(wanted: Int, connected: Int = 0) -> Int {
    let reserved = System.openDescriptorCount() - connected + reservedDescriptorCount
    return System.raiseDescriptorLimit(to: wanted + reserved) - reserved
  }

  private static func clientLimit(_ options: ServerOptions) throws(Failure) -> Int {
    let available = possibleClientCount(wanted: options.clientLimit)
    guard available < options.clientLimit else { return options.clientLimit }
    guard available > 0 else {
      throw .cannotStart(
        reason: "no file descriptors left for clients; raise the limit (ulimit -n)")
    }
    options.log(
      "maxclients reduced from \(options.clientLimit) to \(available): the limit on open files is too low "
        + "(ulimit -n)")
    return available
  }

  private static func users(
    _ options: ServerOptions, of store: Store
  ) throws(Failure) -> Users {
    do throws(Users.Failure) {
      let users = try Users(
        options: options.access, dataPath: options.dataPath, table: CommandTable.standard,
        mark: UsersConfiguredMark(store))
      for line in options.access.userLines where users.user(line.name)?.isEnabled == false {
        options.log(
          "\(line.place): the user '\(String(decoding: line.name, as: UTF8.self))' is disabled: "
            + "its rules do not include 'on'")
      }
      return users
    } catch {
      throw .cannotReadUsers(reason: error.description)
    }
  }

  private static func start(
    _ state: ServerState, _ handles: [LoopHandle], _ sockets: [ListeningSocket]
  ) throws(IOError) -> [WorkerThread] {
    let mailboxes = handles.map { Mailbox<ClientRecord>($0) }
    var threads: [WorkerThread] = []
    do throws(IOError) {
      for index in handles.indices {
        threads.append(try startLoop(index, state, mailboxes, sockets))
      }
    } catch {
      for handle in handles { handle.stop() }
      for thread in threads { thread.join() }
      throw error
    }
    return threads
  }

  /// The first loop gets the listening sockets.
  private static func startLoop(
    _ index: Int, _ state: ServerState, _ mailboxes: [Mailbox<ClientRecord>],
    _ sockets: [ListeningSocket]
  ) throws(IOError) -> WorkerThread {
    let poller = try Poller.makeDescriptor().release()
    let body: @Sendable () -> Void = {
      do throws(IOError) {
        let mailbox = mailboxes[index]
        let frontEnd = RESPFrontEnd(
          server: state, handle: mailbox.handle, counters: state.counters[index],
          statistics: state.statistics[index])
        let loop = try ClientLoop(
          frontEnd, mailbox: mailbox, registry: state.clients, memory: state.memory,
          traffic: state.counters[index].traffic, poller: Descriptor(adopting: poller),
          listener: index == 0 ? Listener(sockets: sockets, mailboxes: mailboxes) : nil)
        loop.run()
      } catch {
        state.options.log("cannot run an I/O thread: \(error.reason)")
      }
    }
    do throws(IOError) {
      return try WorkerThread(attempting: "kvd-io-\(index)", body)
    } catch {
      _ = Descriptor(adopting: poller)
      throw error
    }
  }

  /// The port listened on: the one requested, or the system's choice if that was 0.
  public var port: Int { state.port.load(ordering: .relaxed) }

  /// The store being served: the one passed to the server, or its replacement after DEBUG RELOAD.
  public var store: Store { state.store }

  /// Begins to stop: no new connections and no new requests; pending replies are still sent, once they are
  /// durable. Returns at once. May be called from any thread and more than once.
  public func stop() {
    for handle in handles { handle.stop() }
  }

  /// Waits until every thread of the server has stopped. Call once.
  public func wait() {
    for thread in threads { thread.join() }
    state.watch.close()
    state.finish()
  }

  /// Applies the settings that can change while the server runs from options that were read again, and
  /// reads the users again. Logs each change, each setting that needs a restart, and each error. One call
  /// at a time.
  public func reread(_ options: ServerOptions) { state.reread(options) }
}
