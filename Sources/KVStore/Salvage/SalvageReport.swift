/// What salvage copied, and what it could not.
public struct SalvageReport: Sendable {
  /// More losses than these are counted and not named.
  public static let lossLimit = 1000

  /// The entries read out of the partitions.
  public internal(set) var entryCount = 0
  /// The committed transactions read out of the log that a partition lacked.
  public internal(set) var transactionCount = 0
  /// The transactions in the log without an outcome, which are given up as recovery would.
  public internal(set) var inDoubtCount = 0
  /// What could not be read, in words.
  public internal(set) var losses: [String] = []
  /// How many such things there are; one may be of many keys.
  public internal(set) var lossCount = 0

  mutating func lose(_ text: String) {
    lossCount += 1
    if losses.count < Self.lossLimit { losses.append(text) }
  }
}
