extension CheckReport {
  /// Adds what another report on the same store read and found.
  mutating func merge(_ other: CheckReport) {
    partitionCount += other.partitionCount
    entryCount += other.entryCount
    otherEntryCount += other.otherEntryCount
    byteCount += other.byteCount
    tombstoneCount += other.tombstoneCount
    appliedLSNs += other.appliedLSNs
    unowned.formUnion(other.unowned)
    unmatchedOwners.formUnion(other.unmatchedOwners)
    greatestSequence = max(greatestSequence, other.greatestSequence)
    findingCount += other.findingCount
    findings += other.findings.prefix(max(0, Self.findingLimit - findings.count))
  }

  /// What was read of partitions, for another process: a word and a value on each line.
  public var partitionLines: String {
    var text = ""
    text += "entries \(entryCount)\nbytes \(byteCount)\ndeletes \(tombstoneCount)\n"
    text += "others \(otherEntryCount)\nsequence \(greatestSequence)\n"
    for lsn in appliedLSNs { text += "applied \(lsn)\n" }
    for id in unowned { text += "owned \(id.text)\n" }
    for id in unmatchedOwners { text += "owner \(id.text)\n" }
    for finding in findings {
      text += "finding " + String(finding.map { $0.isNewline ? " " : $0 }) + "\n"
    }
    return text + "findings \(findingCount)\n"
  }

  /// The report on one partition that `partitionLines` described; nil if its end is missing or a line is unknown.
  public init?(partitionLines text: String) {
    self.init()
    partitionCount = 1
    var isWhole = false
    for line in text.split(separator: "\n") {
      guard let space = line.firstIndex(of: " ") else { return nil }
      let value = line[line.index(after: space)...]
      switch line[..<space] {
      case "entries": entryCount = Int(value) ?? 0
      case "others": otherEntryCount = Int(value) ?? 0
      case "bytes": byteCount = Int(value) ?? 0
      case "deletes": tombstoneCount = Int(value) ?? 0
      case "sequence": greatestSequence = SequenceNumber(value) ?? 0
      case "applied": appliedLSNs.append(UInt64(value) ?? 0)
      case "owned": if let id = OwnerID(value) { unowned.insert(id) }
      case "owner": if let id = OwnerID(value) { unmatchedOwners.insert(id) }
      case "finding": findings.append(String(value))
      case "findings":
        findingCount = Int(value) ?? 0
        isWhole = true
      default: return nil
      }
    }
    guard isWhole else { return nil }
  }
}
