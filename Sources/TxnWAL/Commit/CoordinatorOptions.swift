/// How a log is kept.
public struct CoordinatorOptions: Sendable {
  /// The length of a segment file, in bytes: a multiple of 4096, 64 KiB at least. Fixed when the log
  /// is made.
  public var segmentByteCount = 64 << 20
  /// Whether opening makes a log where there is none. Otherwise a missing log is an error, which is what
  /// a store wants that knows it had one.
  public var createsIfMissing = false
  /// When a write is acknowledged.
  public var durability = Durability.sync
  /// The marks to move; whoever reads them may have made them before.
  public var watermarks = Watermarks()

  /// Told now and then, while recovery reads the log, how many percent of it are read.
  public var recoveryProgress: @Sendable (_ percent: Int) -> Void = { _ in }

  /// The defaults.
  public init() {}
}
