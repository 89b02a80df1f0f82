import Base
import FaultDevices
import KVStore

/// One client in one round: does its operations in order and compares what it sees with the model.
///
/// What is read must be exactly what the model says of one moment between the beginning of the read and its
/// end: a read of several partitions lets other threads run between one and the next.
final class Client {
  let world: World
  let store: Store
  private let pause = Monitor()
  /// Batches whose durability is waited for later, oldest first.
  private var inFlight: [Receipt] = []
  /// Cursors of this round, by the number of their hold.
  var cursors: [Int?: LogCursor] = [:]

  init(_ world: World, _ store: Store) {
    self.world = world
    self.store = store
  }

  /// Returns early where the round has come to its end, or a fault has.
  func run(_ operations: [Script.Operation]) {
    var held: [(snapshot: Snapshot, range: KeyRange)] = []
    for operation in operations {
      if world.hasCrashed { break }
      do {
        if case .hold(let range) = operation.action {
          held.append((try store.snapshot(), range))
        } else {
          try perform(operation.action)
        }
        if held.count > 2 { try check(held.removeFirst()) }
        while inFlight.count > 4 { try awaitDurability(of: inFlight.removeFirst()) }
      } catch {
        if judge(error, operation) { break }
      }
      world.notePromises()
    }
    for receipt in inFlight where !world.hasCrashed {
      do {
        try awaitDurability(of: receipt)
      } catch {
        if !world.hasCrashed, !world.isFaulty { Verdict.fail("waiting for a batch: \(error)") }
        break
      }
    }
    inFlight = []
    for item in held where !world.hasCrashed {
      do {
        try check(item)
      } catch {
        if !DataFiles.hasMetaFailed { Verdict.fail("a snapshot: \(error)") }
      }
    }
  }

  /// Whether the client has to stop. Fails where there is no reason for the error.
  private func judge(_ error: any Error, _ operation: Script.Operation) -> Bool {
    if world.hasCrashed { return true }
    switch error {
    // What fails is the writing: reads go on.
    case _ where operation.action.isRead && !DataFiles.hasMetaFailed:
      Verdict.fail("operation \(operation.id): \(error)")
    case StoreError.diskFull where world.isFull || world.isFaulty: return false
    case StoreError.poisoned where world.isFaulty, StoreError.io where world.isFaulty,
      StoreError.closed where world.isFaulty:
      return true
    default: Verdict.fail("operation \(operation.id): \(error)")
    }
  }

  private func perform(_ action: Script.Action) throws {
    switch action {
    case .write(let writes, let conditions, let wait):
      try write(writes, conditions, wait)
    case .increment(let address, let wait): try increment(address, wait)
    case .grow(let address, let count, let wait):
      try rewrite(address, wait) { old in
        old
          + [UInt8](
            repeating: UInt8(truncatingIfNeeded: old.count), count: max(0, count - old.count))
      }
    case .get(let keys): try get(keys)
    case .scan(let range, let reverse, let limit):
      try atOneMoment { () throws(StoreError) in
        try store.scan(range, reverse: reverse, limit: limit)
      } judge: { found, model in
        complaint(found, model, range, reverse: reverse, limit: limit)
      }
    case .count:
      try atOneMoment { () throws(StoreError) in
        try store.countEntries()
      } judge: { found, model in
        let expected = model.count
        return found == expected ? nil : "\(found) entries are counted, not \(expected)"
      }
    case .hold: break
    case .seal: store.seal()
    case .checkpoint: try store.checkpoint()
    case .removeOrphans: try removeOrphans()
    case .holdLog(let number, let fromOldest): try holdLog(number, fromOldest: fromOldest)
    case .advanceHold(let number): try advanceHold(number)
    case .releaseHold(let number): try releaseHold(number)
    case .followLog(let number): try followLog(number)
    case .pause: pause.withLock { pause.wait(milliseconds: 30) }
    case .jumpClock(let milliseconds):
      if milliseconds < 0 { world.hasClockGoneBack = true }
      world.scheduler.jump(milliseconds: milliseconds)
    case .fault(let fault):
      world.isFaulty = true
      world.device.fail(fault)
    case .dataFault(let fault):
      world.isFaulty = true
      DataFiles.fail(fault)
    case .fillDisk(let left, let ofData):
      world.isFull = true
      world.holds.mayBeLost = true
      world.device.limitRoom(to: world.device.usedByteCount + left)
      DataFiles.limitRoom(to: ofData)
    }
  }

  // MARK: Writing

  /// Does what `attempt` does once there is room for so many bytes, and again where it turns out to write more,
  /// once there is room for that.
  func admitting(_ byteCount: Int, _ attempt: () throws -> Void) throws {
    try store.admit(byteCount: byteCount)
    while !world.hasCrashed {
      do {
        return try attempt()
      } catch StoreError.noRoom(let needed) {
        try store.admit(byteCount: needed, isMeasured: true)
      } catch StoreError.rangeDeletesPending {
        store.requestSync()
        pause.withLock { pause.wait(milliseconds: 10) }
      }
    }
  }

  private func write(
    _ writes: [Script.Write], _ conditions: [Script.Condition], _ wait: Script.Wait
  ) throws {
    try admitting(writes.reduce(1000) { $0 + $1.byteCount }) {
      let before = world.history.newest
      let required = conditions.map { $0.requirement(in: before) }
      let broken = conditions.firstIndex { !$0.holds(in: before) }
      let (receipt, refused) = try order(writes, required)
      if let refused {
        guard refused == broken else {
          Verdict.fail("condition \(refused) failed, not \(broken.map { "\($0)" } ?? "none")")
        }
        return
      }
      if world.hasCrashed { return }
      guard let receipt, broken == nil else { Verdict.fail("a broken condition passed") }
      var model = before
      for write in writes { model.apply(write, at: world.history.last + 1) }
      try finish(
        receipt, model, wait, wrote: !conditions.isEmpty || writes.contains { !$0.isNothing })
    }
  }

  /// The receipt, or which condition failed.
  private func order(
    _ writes: [Script.Write], _ required: [(key: [UInt8], condition: Precondition)]
  ) throws -> (Receipt?, refused: Int?) {
    do {
      let (_, receipt) = try store.evaluate { evaluation throws(StoreError) in
        for item in required { try evaluation.require(item.condition, of: item.key.rawSpan) }
        for write in writes { try write.carryOut(in: &evaluation) }
      }
      return (receipt, nil)
    } catch {
      if case StoreError.preconditionFailed(let index) = error { return (nil, index) }
      throw error
    }
  }

  private func increment(_ address: Address, _ wait: Script.Wait) throws {
    try rewrite(address, wait) { old in
      var value = Array(old.prefix(16))
      value.append(UInt8(truncatingIfNeeded: value.count) &+ (value.last ?? 0) &+ 1)
      return value
    }
  }

  /// Puts what `change` makes of the newest value at `address`, of which nobody knew beforehand how long it is.
  private func rewrite(
    _ address: Address, _ wait: Script.Wait, as change: ([UInt8]) -> [UInt8]
  ) throws {
    try admitting(1000) {
      let before = world.history.newest
      let (value, receipt) = try store.evaluate { evaluation throws(StoreError) -> [UInt8] in
        let old = try evaluation.withEntry(
          of: address.key.rawSpan, in: address.keyspace
        ) { info, value in
          info.map { _ in [UInt8](copying: value) }
        }
        guard old == before.entry(address)?.value else {
          Verdict.fail(
            "an evaluation of \(address) saw \(old?.count ?? -1) bytes that are not the newest")
        }
        let value = change(old ?? [])
        try evaluation.putEntry(address.key.rawSpan, value.rawSpan, in: address.keyspace)
        return value
      }
      if world.hasCrashed { return }
      var model = before
      model.put(address, value, at: world.history.last + 1)
      try finish(receipt, model, wait, wrote: true)
    }
  }

  func finish(
    _ receipt: Receipt, _ model: Model, _ wait: Script.Wait, wrote: Bool
  ) throws {
    if wrote {
      guard receipt.sequence == world.history.last + 1 else {
        Verdict.fail("sequence \(receipt.sequence) follows \(world.history.last)")
      }
      world.history.add(
        model, sequence: receipt.sequence, position: receipt.position)
      world.abandoned.formUnion(model.abandoned)
    }
    switch wait {
    case .durable: try awaitDurability(of: receipt)
    case .request: store.requestSync()
    case .sync: try store.syncIfIdle()
    case .later: inFlight.append(receipt)
    case .none: break
    }
  }

  private func awaitDurability(of receipt: Receipt) throws {
    try store.waitUntilDurable(receipt)
    if !world.hasCrashed, store.publishedSequence < receipt.sequence {
      Verdict.fail("batch \(receipt.sequence) is acknowledged and not visible")
    }
    world.notePromises()
  }

  // MARK: Reading

  private func model(at sequence: SequenceNumber) -> Model {
    guard let model = world.history.model(at: sequence) else {
      Verdict.fail("sequence \(sequence) is published and was never ordered")
    }
    return model
  }

  /// Reads, and fails unless `judge` has no complaint about what was found for one of the sequences that were
  /// published meanwhile.
  private func atOneMoment<Found>(
    _ read: () throws(StoreError) -> Found, judge: (Found, Model) -> String?
  ) throws {
    let first = store.publishedSequence
    let found = try read()
    let last = store.publishedSequence
    var complaint: String?
    for sequence in first...last {
      guard let reason = judge(found, model(at: sequence)) else { return }
      complaint = complaint ?? "at sequence \(sequence): \(reason)"
    }
    Verdict.fail("\(complaint ?? "") (nor at any up to \(last))")
  }

  private func get(_ addresses: [Address]) throws {
    let reader = store.makeReader()
    defer { reader.close() }
    try get(keys: addresses.filter { $0.keyspace == .keys }.map(\.key), reader)
    // So that a look-up of one key opens the file itself.
    reader.end()
    for address in addresses {
      try atOneMoment { () throws(StoreError) in
        try reader.withEntry(of: address.key.rawSpan, in: address.keyspace) { info, value in
          info.map {
            Model.Entry(value: [UInt8](copying: value), sequence: $0.sequence, type: $0.type)
          }
        }
      } judge: { found, model in
        found == model.entry(address)
          ? nil : "\(address) has the value of sequence \(found?.sequence ?? 0)"
      }
      if address.keyspace != .keys { continue }
      try atOneMoment { () throws(StoreError) in
        try reader.sequence(of: address.key.rawSpan)
      } judge: { found, model in
        found == model.entry(address)?.sequence ?? 0 ? nil : "\(address) has sequence \(found)"
      }
    }
  }

  /// Users' keys together, at one cut.
  private func get(keys: [[UInt8]], _ reader: Reader) throws {
    var bytes: [UInt8] = []
    var ranges: [Range<Int>] = []
    for key in keys {
      ranges.append(bytes.count..<bytes.count + key.count)
      bytes += key
    }
    try atOneMoment { () throws(StoreError) in
      var found: [Model.Entry?] = []
      try reader.withEntries(of: ranges, in: bytes.rawSpan) { _, info, value in
        found.append(
          info.map {
            Model.Entry(value: [UInt8](copying: value), sequence: $0.sequence, type: $0.type)
          })
      }
      return found
    } judge: { found, model in
      zip(keys, found).first { $1 != model.entry(Address($0)) }.map {
        "\($0.0) does not have its value at one cut"
      }
    }
  }

  private func check(_ held: (snapshot: Snapshot, range: KeyRange)) throws {
    defer { held.snapshot.close() }
    var found: [(key: [UInt8], value: [UInt8])] = []
    try held.snapshot.scan(held.range) { key, value in
      found.append(([UInt8](copying: key), [UInt8](copying: value)))
      return true
    }
    let model = model(at: held.snapshot.sequence)
    if let reason = complaint(found, model, held.range, reverse: false, limit: .max) {
      Verdict.fail("a snapshot at sequence \(held.snapshot.sequence): \(reason)")
    }
    let count = try held.snapshot.countEntries()
    guard count == model.count else {
      Verdict.fail("a snapshot counts \(count) entries")
    }
  }

  /// What is wrong with what a scan has found, if anything is.
  private func complaint(
    _ found: [(key: [UInt8], value: [UInt8])], _ model: Model, _ range: KeyRange, reverse: Bool,
    limit: Int
  ) -> String? {
    let keys = model.keys(in: range)
    let expected = Array((reverse ? keys.reversed() : keys).prefix(limit))
    let isRight =
      found.map(\.key) == expected
      && found.allSatisfy { model.entry(Address($0.key))?.value == $0.value }
    return isRight ? nil : "a scan of \(range) finds \(found.map(\.key)), not \(expected)"
  }
}

extension Script.Action {
  fileprivate var isRead: Bool {
    switch self {
    case .get, .scan, .count, .hold: true
    default: false
    }
  }
}
