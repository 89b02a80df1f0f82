/// What salvage copied, and what it could not copy.
public struct SalvageReport: Sendable {
  /// At most this many losses are described; any others are only counted.
  public static let lossLimit = 1000

  /// The entries read from the partitions.
  public internal(set) var entryCount = 0
  /// The committed transactions read from the log that some partition lacked.
  public internal(set) var transactionCount = 0
  /// The transactions in the log without an outcome, which are given up as recovery would.
  public internal(set) var inDoubtCount = 0
  /// Descriptions of what could not be read.
  public internal(set) var losses: [String] = []
  /// The number of losses; one may concern many keys.
  public internal(set) var lossCount = 0

  mutating func lose(_ text: String) {
    lossCount += 1
    if losses.count < Self.lossLimit { losses.append(text) }
  }
}
