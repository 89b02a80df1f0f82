import FaultDevices
import KVStore

/// Scripts as a person reads them.
extension Script {
  var text: String {
    var lines = [
      "\(partitionCount) partitions, segments of \(segmentByteCount), log limit \(logByteLimit), "
        + "memtables \(memtableByteCount), \(applyEntryLimit) entries a transaction, "
        + "durability \(durability), "
        + "holds keep \(heldSegmentLimit.map { "up to \($0)" } ?? "all") segments"
    ]
    for (index, round) in rounds.enumerated() {
      lines.append("round \(index)")
      for opening in round.openings { lines.append("  opening: \(opening.text)") }
      for operation in round.operations {
        lines.append("  [\(operation.id)] client \(operation.client): \(operation.action.text)")
      }
      lines.append(
        "  ends: \(round.crash.map { "\($0.point):\($0.count), " } ?? "")\(round.ending)")
    }
    return lines.joined(separator: "\n")
  }
}

extension Script.Opening {
  fileprivate var text: String {
    switch self {
    case .crash(let point, let count, let ending): "crash at \(point):\(count), \(ending)"
    case .fault(let fault): faultText(fault)
    case .dataFault(let fault): faultText(fault)
    }
  }
}

extension Script.Action {
  fileprivate var text: String {
    switch self {
    case .write(let writes, let conditions, let wait):
      (conditions.map(\.text) + writes.map(\.text)).joined(separator: ", ") + "; wait: \(wait)"
    case .increment(let address, let wait): "increment \(addressText(address)); wait: \(wait)"
    case .grow(let address, let count, let wait):
      "grow \(addressText(address)) to \(count) bytes; wait: \(wait)"
    case .get(let addresses): "get " + addresses.map(addressText).joined(separator: " ")
    case .scan(let range, let reverse, let limit):
      "scan \(rangeText(range))\(reverse ? " backward" : "")\(limit == .max ? "" : ", \(limit)")"
    case .count: "count"
    case .hold(let range): "snapshot, later scan \(rangeText(range))"
    case .seal: "seal"
    case .checkpoint: "checkpoint"
    case .pause: "pause"
    case .removeOrphans: "remove orphans"
    case .holdLog(let number, let fromOldest):
      "hold \(number) on the log from its \(fromOldest ? "oldest position" : "end")"
    case .advanceHold(let number): "advance hold \(number)"
    case .releaseHold(let number): "release hold \(number)"
    case .followLog(let number): "follow the log\(number.map { " of hold \($0)" } ?? "")"
    case .jumpClock(let milliseconds): "the clock jumps by \(milliseconds) ms"
    case .fault(let fault): faultText(fault)
    case .dataFault(let fault): faultText(fault)
    case .fillDisk(let left, let ofData):
      "fill the disk up to \(left) bytes of log, \(ofData) of partitions"
    }
  }
}

extension Script.Write {
  fileprivate var text: String {
    switch self {
    case .put(let address, let count, let fill): "put \(addressText(address)) \(count) x \(fill)"
    case .putEntry(let key, let count, let fill, let type, let expiry):
      "put \(keyText(key)) \(count) x \(fill) of type \(type), expiry \(expiry)"
    case .delete(let address): "delete \(addressText(address))"
    case .deleteRange(let range, let keyspace):
      "delete range \(rangeText(range)) of keyspace \(keyspace.rawValue)"
    case .putOwner(let key, let id): "put owner \(keyText(key)) \(id)"
    case .moveOwner(let key, let target): "move owner \(keyText(key)) to \(keyText(target))"
    }
  }
}

extension Script.Condition {
  fileprivate var text: String {
    switch self {
    case .absent(let key): "if \(keyText(key)) absent"
    case .present(let key): "if \(keyText(key)) present"
    case .sequence(let key, let isRight): "if \(keyText(key)) \(isRight ? "as is" : "otherwise")"
    }
  }
}

private func faultText(_ fault: MemoryDevice.Fault) -> String {
  "errno \(fault.code)\(fault.isShort ? " (short)" : "") at \(fault.operation) "
    + "\(fault.skipping + 1) of files '\(fault.prefix)…'"
}

private func faultText(_ fault: DataFiles.Fault) -> String {
  "errno \(fault.code)\(fault.isShort ? " (short)" : "") at LMDB's \(fault.operation) "
    + "\(fault.skipping + 1)"
}

private func addressText(_ address: Address) -> String {
  keyText(address.key)
    + (address.keyspace == .keys ? "" : " of keyspace \(address.keyspace.rawValue)")
}

private func keyText(_ key: [UInt8]) -> String {
  key.isEmpty ? "''" : String(decoding: key, as: UTF8.self)
}

private func rangeText(_ range: KeyRange) -> String {
  "\(keyText(range.lower))..\(range.upper.map(keyText) ?? "")"
}
