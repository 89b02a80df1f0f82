import Base

/// What a check read, and what it found wrong.
public struct CheckReport: Sendable {
  /// The most findings that are kept; further ones are only counted.
  public static let findingLimit = 1000

  /// Valid records in the log.
  public internal(set) var recordCount = 0
  /// Their bytes.
  public internal(set) var logByteCount = 0
  /// The LSN at which the log ends.
  public internal(set) var logEnd: UInt64 = 0
  /// Whether an unfinished write follows the end, which is not damage.
  public internal(set) var hasTornTail = false
  /// Transactions with an intent but no outcome, which recovery presumes aborted.
  public internal(set) var inDoubtCount = 0
  /// The holds on the log.
  public internal(set) var holds: [HoldSummary] = []
  /// Partitions that were read.
  public internal(set) var partitionCount = 0
  /// Their entries, including those under range deletes.
  public internal(set) var entryCount = 0
  /// How many of those are not users'.
  public internal(set) var otherEntryCount = 0
  /// The bytes of keys and stored values.
  public internal(set) var byteCount = 0
  /// Range deletes that are in progress.
  public internal(set) var tombstoneCount = 0
  /// What is wrong: the first `findingLimit` findings.
  public internal(set) var findings: [String] = []
  /// How many things are wrong.
  public internal(set) var findingCount = 0

  var appliedLSNs: [UInt64] = []
  /// The owners of entries that were read, without having been read themselves; and the owners that were read
  /// without what they own.
  var unowned: Set<OwnerID> = []
  var unmatchedOwners: Set<OwnerID> = []
  var greatestSequence: SequenceNumber = 0
  var lastSequence: SequenceNumber = 0

  /// Whether nothing was found wrong.
  public var isSound: Bool { findingCount == 0 }

  mutating func add(_ finding: Finding) { add("\(finding)") }

  mutating func add(_ error: StoreError) { add("\(error)") }

  private mutating func add(_ text: String) {
    findingCount += 1
    if findings.count < Self.findingLimit { findings.append(text) }
  }
}
