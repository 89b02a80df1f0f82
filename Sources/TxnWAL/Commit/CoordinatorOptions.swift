/// Configuration of a log.
public struct CoordinatorOptions: Sendable {
  /// The length of a segment file in bytes: a multiple of 4096, at least 64 KiB. Fixed when the log is created.
  public var segmentByteCount = 64 << 20
  /// Whether opening creates a log if there is none. Otherwise a missing log is an error, as a store with existing
  /// data needs it.
  public var createsIfMissing = false
  /// When a write is acknowledged.
  public var durability = Durability.sync
  /// How much of the log holds may keep.
  public var retention = RetentionOptions()
  /// The watermarks to move. A caller that reads them may pass its own.
  public var watermarks = Watermarks()

  /// Called occasionally while recovery reads the log, with the percentage read.
  public var recoveryProgress: @Sendable (_ percent: Int) -> Void = { _ in }

  /// The default options.
  public init() {}
}
