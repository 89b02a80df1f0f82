import Base

/// What a check read, and what it found wrong.
public struct CheckReport: Sendable {
  /// More findings than these are counted and not kept.
  public static let findingLimit = 1000

  /// Sound records of the log.
  public internal(set) var recordCount = 0
  /// Their bytes.
  public internal(set) var logByteCount = 0
  /// Where the log ends.
  public internal(set) var logEnd: UInt64 = 0
  /// Whether an unfinished write stands behind the end, which is no damage.
  public internal(set) var hasTornTail = false
  /// Transactions with an intent and no outcome, which recovery presumes aborted.
  public internal(set) var inDoubtCount = 0
  /// Partitions that were read.
  public internal(set) var partitionCount = 0
  /// Their entries, those under range deletes included.
  public internal(set) var entryCount = 0
  /// Those of them that have internal keys.
  public internal(set) var internalEntryCount = 0
  /// The bytes of keys and stored values.
  public internal(set) var byteCount = 0
  /// Range deletes that are being carried out.
  public internal(set) var tombstoneCount = 0
  /// Everything wrong, up to `findingLimit`.
  public internal(set) var findings: [String] = []
  /// How many things are wrong.
  public internal(set) var findingCount = 0

  var appliedLSNs: [UInt64] = []
  /// What owns the entries that were read and was not read itself; and what was, without what it owns.
  var unowned: Set<OwnerID> = []
  var ownersElsewhere: Set<OwnerID> = []
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
