/// How much of the log holds may keep, in addition to what the store itself needs.
public struct RetentionOptions: Sendable, Equatable {
  /// The limit, in bytes of segment files before the checkpoint's segment. Beyond it, the policy of each hold that
  /// keeps more decides.
  ///
  /// It is a limit for every hold and for all of them together, because a segment is kept once for all of them.
  /// 16 GiB is what a store that writes 1 MB/s appends in more than four hours: a consumer may be away for that long.
  /// On a disk with less room than that, `leastFreeByteCount` ends the holds earlier.
  public var byteLimit = 16 << 30

  /// Holds with the policy `.invalidate` are lost, the oldest first, while less than this is free on the disk and they
  /// keep segments. Nil: four segments. That is what the log itself may need again before its next checkpoint, and
  /// the participants need room, too.
  public var leastFreeByteCount: Int?

  /// The default limits.
  public init() {}

  func leastFreeByteCount(segmentByteCount: Int) -> Int {
    leastFreeByteCount ?? 4 * segmentByteCount
  }
}
