import Base
import KVData
import KVStore

/// KV.BATCH: many changes over many partitions as one atomic batch, if all its conditions hold.
///
///     KV.BATCH condition* change*
///     condition = IF key ABSENT | IF key PRESENT | IF key SEQ n
///     change    = SET key value | DEL key | DELRANGE start end | DELPREFIX prefix
///
/// The reply is OK, or `CASFAIL` with the first condition that does not hold; in that case nothing has changed.
/// All conditions are checked before any change is made, so their position among the changes does not matter.
enum BatchCommand {
  static let commands: [Command] = [
    Command(
      "kv.batch", arity: -3, [.write, .noTransaction], group: "kvd",
      "Change many keys as one atomic batch, if all conditions hold",
      categories: .keyspace, .session(run))
  ]

  private struct Condition {
    enum Kind {
      case absent, present
      case sequence(SequenceNumber)
    }
    let kind: Kind
    let key: Range<Int>
  }

  private enum Change {
    case set(key: Range<Int>, value: Range<Int>)
    case delete(key: Range<Int>)
    case deleteRange(KeyRange?)

    var key: Range<Int>? {
      switch self {
      case .set(let key, _), .delete(let key): key
      case .deleteRange: nil
      }
    }

    var valueByteCount: Int {
      if case .set(_, let value) = self { value.count } else { 0 }
    }
  }

  static func run(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var conditions: [Condition] = []
    var changes: [Change] = []
    guard try parse(&call, request, &conditions, &changes) else { return }
    var seen = PrefetchBudget()
    for condition in conditions {
      let key = request.extracting(condition.key)
      if seen.insert(key) { seen.didRead(try call.reader.touch(key)) }
    }
    var replaced = PrefetchBudget()
    var byteCount = request.byteCount
    for change in changes {
      if case .deleteRange(let range?) = change {
        // A range tombstone is written to every partition.
        byteCount +=
          (range.lower.count + (range.upper?.count ?? 0)) * call.store.openReport.partitionCount
      }
      if let place = change.key {
        let key = request.extracting(place)
        if replaced.insert(key) { byteCount += try call.touchReplaced(key, &replaced) }
      }
    }
    try call.evaluate(byteCount: byteCount) { (evaluation, call) throws(StoreError) in
      var known: [[UInt8]: SequenceNumber] = [:]
      for condition in conditions {
        let found = try sequence(of: condition.key, &known, &evaluation, request)
        if !holds(condition, found) {
          fail(condition, found, &call, request)
          return
        }
      }
      for change in changes {
        try evaluation.pace.advance(by: ScanBudget.steps(forByteCount: change.valueByteCount))
        switch change {
        case .set(let key, let value):
          try Records.replace(
            request.extracting(key), with: request.extracting(value), in: &evaluation)
        case .delete(let key):
          try Records.removeUnread(request.extracting(key), in: &evaluation)
        case .deleteRange(let range):
          if let range { try evaluation.deleteRange(range) }
        }
      }
      call.reply.ok()
    }
  }

  /// The sequence number of a key. A key with many conditions is looked up once.
  private static func sequence(
    of place: Range<Int>, _ known: inout [[UInt8]: SequenceNumber], _ evaluation: inout Evaluation,
    _ request: RawSpan
  ) throws(StoreError) -> SequenceNumber {
    let key = request.extracting(place)
    let bytes = [UInt8](copying: key)
    if let sequence = known[bytes] { return sequence }
    let (sequence, byteCount) = try evaluation.withEntry(of: key) { info, value in
      (info?.sequence ?? 0, value.byteCount)
    }
    try evaluation.pace.advance(by: ScanBudget.steps(forByteCount: byteCount))
    known[bytes] = sequence
    return sequence
  }

  /// Returns false, with the error written, if the arguments are not a batch.
  private static func parse(
    _ call: inout Call, _ request: RawSpan, _ conditions: inout [Condition],
    _ changes: inout [Change]
  ) throws(StoreError) -> Bool {
    let store = call.store
    var rangeDeleteCount = 0
    // Checked before the rest is parsed: there may be a hundred thousand.
    func countRangeDelete() throws(StoreError) {
      rangeDeleteCount += 1
      try store.checkRangeDeletes(rangeDeleteCount)
    }
    var index = 1
    while index < call.count {
      let word = request.extracting(call[index])
      let left = call.count - index - 1
      if word.spells("SET"), left >= 2 {
        changes.append(.set(key: try key(index + 1, call, request), value: call[index + 2]))
        index += 3
      } else if word.spells("DEL"), left >= 1 {
        changes.append(.delete(key: try key(index + 1, call, request)))
        index += 2
      } else if word.spells("DELRANGE"), left >= 2 {
        try countRangeDelete()
        let start = request.extracting(call[index + 1])
        changes.append(.deleteRange(Ordered.bounds(start, request.extracting(call[index + 2]))))
        index += 3
      } else if word.spells("DELPREFIX"), left >= 1 {
        try countRangeDelete()
        let prefix = [UInt8](copying: request.extracting(call[index + 1]))
        changes.append(.deleteRange(.prefix(prefix)))
        index += 2
      } else if word.spells("IF"), left >= 2 {
        let key = try key(index + 1, call, request)
        let test = request.extracting(call[index + 2])
        if test.spells("ABSENT") {
          conditions.append(Condition(kind: .absent, key: key))
          index += 3
        } else if test.spells("PRESENT") {
          conditions.append(Condition(kind: .present, key: key))
          index += 3
        } else if test.spells("SEQ"), left >= 3 {
          guard let sequence = parseUnsigned(request.extracting(call[index + 3])) else {
            call.reply.error("ERR sequence number is not an integer or out of range")
            return false
          }
          conditions.append(Condition(kind: .sequence(sequence), key: key))
          index += 4
        } else {
          call.syntaxError()
          return false
        }
      } else {
        call.syntaxError()
        return false
      }
    }
    return true
  }

  private static func key(
    _ index: Int, _ call: borrowing Call, _ request: RawSpan
  ) throws(StoreError) -> Range<Int> {
    let byteCount = call[index].count
    guard byteCount <= Limits.keyByteCount else {
      throw .keyTooLong(byteCount: byteCount, limit: Limits.keyByteCount)
    }
    return call[index]
  }

  private static func holds(_ condition: Condition, _ found: SequenceNumber) -> Bool {
    switch condition.kind {
    case .absent: found == 0
    case .present: found != 0
    case .sequence(let wanted): found == wanted
    }
  }

  private static func fail(
    _ condition: Condition, _ found: SequenceNumber, _ call: inout Call, _ request: RawSpan
  ) {
    var text = ByteBuffer()
    text.append("CASFAIL IF '")
    text.append(request.extracting(condition.key))
    switch condition.kind {
    case .absent: text.append("' ABSENT does not hold: ")
    case .present: text.append("' PRESENT does not hold: ")
    case .sequence(let wanted):
      text.append("' SEQ ")
      DecimalText(unsigned: wanted).withBytes { text.append($0) }
      text.append(" does not hold: ")
    }
    if found == 0 {
      text.append("the key is absent")
    } else {
      text.append("its sequence number is ")
      DecimalText(unsigned: found).withBytes { text.append($0) }
    }
    call.reply.error(text)
  }
}
