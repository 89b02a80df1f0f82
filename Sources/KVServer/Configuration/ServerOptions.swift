import KVStore

/// How a server listens, what it allows its clients, and how its store was opened.
///
/// Each option that users can set has a name, bounds and a text form in `Settings`.
public struct ServerOptions: Sendable {
  // MARK: Listening

  /// IPv4 or IPv6 addresses or host names; `*` and `::*` stand for all IPv4 and all IPv6 addresses. An
  /// address with the prefix `-` may be missing on this machine.
  public var addresses = ["127.0.0.1"]
  /// 0 lets the system choose.
  public var port = 7379
  /// Empty for none.
  public var unixSocketPath = ""
  /// The permissions of the Unix socket; 0 leaves them to the umask.
  public var unixSocketMode = 0
  public var backlog = 511
  /// After how many silent seconds the system probes whether a client is still there; 0 for never.
  public var keepAliveSeconds = 300
  public var ioThreadCount = 1

  // MARK: Client limits

  /// Fewer if the process may not open that many descriptors.
  public var clientLimit = 10_000
  /// Bounds the memory for requests, queued commands and unread replies of all clients together.
  public var clientMemoryByteCount = 256 << 20
  /// The most bytes of requests from one client that have not run yet.
  public var queryBufferByteLimit = 1 << 30
  /// The largest argument of a request, in bytes.
  public var bulkByteLimit = Limits.valueByteCount
  public var outputLimits = OutputLimits()
  /// When the process uses more anonymous memory than this, commands that may need more are refused; 0 for
  /// no limit.
  public var memoryLimit = 0
  /// After how many idle seconds a client is cut off; 0 for never.
  public var idleTimeoutSeconds = 0
  /// How long a client may take to send the rest of a request, plus one second for each 16 KiB of it; 0 for
  /// no limit.
  public var requestTimeoutSeconds = 300
  /// How long a client may leave replies unread before it is cut off.
  public var stallTimeoutSeconds = 60
  /// How long one evaluation (a script, an EXEC, a command that writes) may take while all writers wait for
  /// it.
  public var scriptMilliseconds = 5_000
  /// Bounds the memory of the scripts of one I/O thread.
  public var scriptMemoryByteCount = 64 << 20

  /// How many steps a command's walks over data may take on an I/O thread before the command is restarted
  /// on its own thread; see `ScanBudget`. The default takes a few milliseconds.
  public var inlineStepCount = 16_384

  // MARK: Access

  public var access = AccessOptions()

  // MARK: Observation

  /// In microseconds; negative for never.
  public var slowLogThreshold = 10_000
  public var slowLogLength = 128
  /// In milliseconds; 0 for never.
  public var latencyThreshold = 0
  public var tracksLatency = true
  public var latencyPercentiles = [50.0, 99.0, 99.9]
  public var debugCommands = DebugCommands.no

  public var encodings = Encodings()

  /// The log file; empty for stderr.
  public var logFilePath = ""
  /// The file that holds the process id while kvd serves; empty for none.
  public var pidFilePath = ""
  /// The values of Redis settings that have no effect, by name.
  var ignored: [String: String] = [:]
  /// The names of the settings given in the file or on the command line, whatever their values.
  public internal(set) var givenNames: Set<String> = []
  /// Messages about the settings, to be logged once the log is open.
  public internal(set) var notes: [String] = []

  // MARK: The store, which the caller opens

  public var dataPath = "./kvd-data"
  public var store = StoreOptions()

  // MARK: Stopping

  /// How long a stop waits for replies to be sent.
  public var drainTimeoutMilliseconds = 5_000
  /// How long stopping may take in total before the process exits anyway.
  public var stopSeconds = 30
  /// What SHUTDOWN does; nil to stop only this server.
  public var shutDown: (@Sendable () -> Void)?

  /// Reopens the store that the server has closed, for DEBUG RELOAD; nil if the server must not close it.
  public var reopen: (@Sendable () throws(StoreError) -> Store)?

  /// The file that the options were read from, for CONFIG REWRITE.
  public var configurationPath: String?
  /// Receives messages for the operator, one line at a time, from any thread.
  public var log: @Sendable (String) -> Void = { _ in }

  public init() {}

  /// Who may use DEBUG.
  public enum DebugCommands: String, CaseIterable, Sendable {
    case no
    case yes
    case local
  }
}

/// The sizes up to which Redis keeps a value in a packed encoding; only OBJECT ENCODING uses them.
public struct Encodings: Sendable, Equatable {
  public var listpackEntries = 512
  public var listpackValueByteCount = 64
  public var intsetEntries = 512
}

/// Redis's limits on the pending output of a client, by class of client, in bytes. 0 is no limit.
public struct OutputLimits: Sendable, Equatable {
  public struct Limit: Sendable, Equatable {
    /// A client beyond it is cut off at once.
    public var hard = 0
    /// A client beyond it for `softSeconds` without a break is cut off.
    public var soft = 0
    public var softSeconds = 0
  }

  public var normal = Limit()
  /// kvd has no replicas; kept so that tools can read back what they wrote.
  public var replica = Limit(hard: 256 << 20, soft: 64 << 20, softSeconds: 60)
  /// Clients in MONITOR. Like subscribers, they receive data without requesting each piece.
  public var monitor = Limit(hard: 32 << 20, soft: 8 << 20, softSeconds: 60)
}

/// The versions that INFO and HELLO report.
public enum Version {
  public static let kvd = "0.1.0"
  /// The Redis version whose replies kvd gives.
  public static let redis = "7.0.15"
}
