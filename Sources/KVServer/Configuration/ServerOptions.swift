import KVStore

/// How a server listens, what it allows its clients, and how its store was opened.
///
/// Each option that people set has a name, bounds and a text form in `Settings`.
public struct ServerOptions: Sendable {
  // MARK: Where it listens

  /// IPv4 or IPv6 addresses or names of hosts, `*` and `::*` for all of each kind. One with a `-` before it may be
  /// missing on this machine.
  public var addresses = ["127.0.0.1"]
  /// 0 lets the system choose.
  public var port = 7379
  /// Empty for none.
  public var unixSocketPath = ""
  /// The mode of the Unix socket; 0 leaves it to the umask.
  public var unixSocketMode = 0
  public var backlog = 511
  /// After how many silent seconds the system asks whether a client is still there; 0 for never.
  public var keepAliveSeconds = 300
  public var ioThreadCount = 1

  // MARK: What clients may take

  /// Fewer if the process may not open so many descriptors.
  public var clientLimit = 10_000
  /// Bounds the memory for what clients have sent, queued and not yet read, over all of them together.
  public var clientMemoryByteCount = 256 << 20
  /// What one client may have sent of requests that are not carried out yet.
  public var queryBufferByteLimit = 1 << 30
  /// The largest argument of a request.
  public var bulkByteLimit = Limits.valueByteCount
  public var outputLimits = OutputLimits()
  /// Beyond so much memory of its own the server refuses commands that may need more; 0 for no limit.
  public var memoryLimit = 0
  /// After how many idle seconds a client is cut off; 0 for never.
  public var idleTimeoutSeconds = 0
  /// How long a client may take to send the rest of a request that it has begun, beside a second for
  /// each 16 KiB of it; 0 for any time.
  public var requestTimeoutSeconds = 300
  /// How long a client may leave replies unread that it was sent before it is cut off.
  public var stallTimeoutSeconds = 60
  /// How long one evaluation may take while all writers wait for it: a script, an EXEC, a command that writes.
  public var scriptMilliseconds = 5_000
  /// Bounds the memory that the scripts of one I/O thread may take.
  public var scriptMemoryByteCount = 64 << 20

  /// How many steps the walks of a command may take on an I/O thread, before it is begun again on a thread of its own:
  /// see `WalkPace`. The default is a few milliseconds.
  public var inlineStepCount = 16_384

  // MARK: Who may use it

  public var access = AccessOptions()

  // MARK: What it tells

  /// In microseconds; negative for never.
  public var slowLogThreshold = 10_000
  public var slowLogLength = 128
  /// In milliseconds; 0 for never.
  public var latencyThreshold = 0
  public var tracksLatency = true
  public var latencyPercentiles = [50.0, 99.0, 99.9]
  public var debugCommands = DebugCommands.no

  public var encodings = Encodings()

  /// Where messages go in place of stderr; empty for stderr.
  public var logFilePath = ""
  /// Has the process's number while kvd serves; empty for none.
  public var pidFilePath = ""
  /// Settings of Redis that mean nothing here, by name, as they were set.
  var ignored: [String: String] = [:]
  /// The names of the settings that the file or the command line has, whatever their values.
  public internal(set) var givenNames: Set<String> = []
  /// What is to be told about the settings once messages have a place to go to.
  public internal(set) var notes: [String] = []

  // MARK: The store, which was opened elsewhere

  public var dataPath = "./kvd-data"
  public var store = StoreOptions()

  // MARK: The end

  /// How long a stop waits for replies to be sent.
  public var drainTimeoutMilliseconds = 5_000
  /// How long stopping may take in all before the process ends as it is.
  public var stopSeconds = 30
  /// What SHUTDOWN does: nil to stop this server alone.
  public var shutDown: (@Sendable () -> Void)?

  /// Opens the store again that the server has closed, for DEBUG RELOAD; nil if the server may not close it.
  public var reopen: (@Sendable () throws(StoreError) -> Store)?

  /// The file that the options were read from, for CONFIG REWRITE.
  public var configurationPath: String?
  /// Told what an operator should know, a line at a time, from any thread.
  public var log: @Sendable (String) -> Void = { _ in }

  public init() {}

  /// Who may use DEBUG.
  public enum DebugCommands: String, CaseIterable, Sendable {
    case no
    case yes
    case local
  }
}

/// Up to which size a Redis would keep a value in a packed form: what OBJECT ENCODING goes by.
public struct Encodings: Sendable, Equatable {
  public var listpackEntries = 512
  public var listpackValueByteCount = 64
  public var intsetEntries = 512
}

/// Redis's limits on what waits to be sent to a client, by class of client. 0 is no limit.
public struct OutputLimits: Sendable, Equatable {
  public struct Limit: Sendable, Equatable {
    /// Beyond it the client is cut off at once.
    public var hard = 0
    /// Beyond it for `softSeconds` on end the client is cut off.
    public var soft = 0
    public var softSeconds = 0
  }

  public var normal = Limit()
  /// There are no replicas; kept so that tools read back what they wrote.
  public var replica = Limit(hard: 256 << 20, soft: 64 << 20, softSeconds: 60)
  /// Clients in MONITOR, which like subscribers are sent what they did not ask for one by one.
  public var monitor = Limit(hard: 32 << 20, soft: 8 << 20, softSeconds: 60)
}

/// The versions that INFO and HELLO tell.
public enum Version {
  public static let kvd = "0.1.0"
  /// The Redis whose replies kvd gives.
  public static let redis = "7.0.15"
}
