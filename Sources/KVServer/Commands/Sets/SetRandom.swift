import KVData
import KVStore

/// SRANDMEMBER key [count] and SPOP key [count]
enum SetRandom {
  static let commands: [Command] = [
    Command(
      "srandmember", arity: -2, [.readOnly, .scans], keys: .one, group: "set",
      "Get one or multiple random members from a set", .cut(random, random)),
    Command(
      "spop", arity: -2, [.write, .fast, .readsFirst], keys: .one, group: "set",
      "Remove and return one or multiple random members from a set", .write(pop)),
  ]

  static func random<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    guard call.count > 2 else {
      guard let set = try view.map(at: key, type: .set) else { return call.reply.null() }
      return try RandomCount.draw(-1, from: set, in: &view) { member, _ in
        call.reply.bulk(member)
        return false
      }
    }
    guard call.count == 3 else { return call.syntaxError() }
    guard let count = RandomCount.parse(request.extracting(call[2]), &call) else { return }
    guard let set = try view.map(at: key, type: .set), count != 0 else {
      return call.reply.array(0)
    }
    let drawn = RandomCount.drawn(count, of: set.count)
    guard RandomCount.fits(drawn, &call) else { return }
    call.reply.array(drawn)
    try RandomCount.draw(count, from: set, in: &view) { member, _ in
      call.reply.bulk(member)
      return !call.reply.isOverflowing
    }
  }

  /// How many members of a larger set one batch may remove, whatever their lengths.
  private static let mostRemoved =
    Limits.batchByteCount / (Limits.mutationByteCount + MapLimits.fieldPrefixByteCount)

  static func pop(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    guard call.count > 2 else {
      guard let set = try evaluation.map(at: key, type: .set) else { return call.reply.null() }
      return try remove(1, from: set, at: key, &evaluation, &call)
    }
    guard call.count == 3 else { return call.syntaxError() }
    guard let count = parseInteger(request.extracting(call[2])), count >= 0 else {
      return call.reply.error("ERR value is out of range, must be positive")
    }
    guard let set = try evaluation.map(at: key, type: .set), count > 0 else {
      return call.reply.set(0)
    }
    let drawn = RandomCount.drawn(count, of: set.count)
    guard drawn == set.count || drawn <= mostRemoved else {
      return call.reply.error(
        "ERR SPOP removes at most \(mostRemoved) members at a time, or the whole set")
    }
    // If the client wants no reply, the members are removed all the same.
    if !RandomCount.fits(drawn, &call), call.isReplyLost { return }
    call.reply.set(drawn)
    try remove(drawn, from: set, at: key, &evaluation, &call)
  }

  /// Replies with random members and removes them. Removes none if the client wants the reply and the reply
  /// cannot hold them.
  private static func remove(
    _ count: Int, from set: FoundMap, at key: RawSpan, _ evaluation: inout Evaluation,
    _ call: inout Call
  ) throws(StoreError) {
    let areAll = count >= set.count
    var drawn = FieldList()
    var byteCount = 0
    var random = RandomFields(of: set)
    try random.distinct(count, in: &evaluation) { member, _ throws(StoreError) in
      if !areAll {
        drawn.append(member)
        byteCount += member.byteCount + MapLimits.fieldPrefixByteCount + Limits.mutationByteCount
        guard byteCount <= Limits.batchByteCount else {
          throw .batchTooLarge(byteCount: byteCount, limit: Limits.batchByteCount)
        }
      }
      call.reply.bulk(member)
      return !call.isReplyLost
    }
    if call.isReplyLost { return }
    if areAll {
      try Records.remove(key, in: &evaluation)
      return
    }
    try evaluation.edit(.set, at: key) { (set, evaluation) throws(StoreError) in
      for index in 0..<drawn.count { try set.delete(drawn[index], in: &evaluation) }
    }
  }
}
