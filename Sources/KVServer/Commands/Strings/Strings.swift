import Base
import KVData
import KVStore

/// GET, SET and related commands.
enum Strings {
  /// The commands of Redis's group "string".
  static let all =
    commands + ExpiringStrings.commands + Substrings.commands + Counters.commands
    + LCSCommand.commands

  static let commands: [Command] = [
    Command(
      "get", arity: 2, [.readOnly, .fast], keys: .one, group: "string",
      "Get the value of a key", .read(get, get)),
    Command(
      "set", arity: -3, [.write, .readsFirstWithOptions], keys: .one, group: "string",
      "Set the string value of a key", .write(set)),
    Command(
      "setnx", arity: 3, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Set the value of a key, only if the key does not exist", .write(setIfAbsent)),
    Command(
      "getset", arity: 3, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Set the string value of a key and return its old value", .write(getSet)),
    Command(
      "getdel", arity: 2, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Get the value of a key and delete the key", .write(getDelete)),
    Command(
      "mget", arity: -2, [.readOnly, .fast, .looksUpMany], keys: .all, group: "string",
      "Get the values of all the given keys", .read(getMany, getMany)),
    Command(
      "mset", arity: -3, [.write], keys: .pairs, group: "string",
      "Set multiple keys to multiple values", .write(setMany)),
    Command(
      "msetnx", arity: -3, [.write, .readsFirst], keys: .pairs, group: "string",
      "Set multiple keys to multiple values, only if none of the keys exist",
      .write(setManyIfAbsent)),
    Command(
      "append", arity: 3, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Append a value to a key", .write(append)),
    Command(
      "strlen", arity: 2, [.readOnly, .fast], keys: .one, group: "string",
      "Get the length of the value stored in a key", .read(length, length)),
  ]

  static func get<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try view.withValue(of: request.extracting(call[1])) { call.reply.bulkOrNull($0) }
  }

  /// As in Redis, a key that holds another type than a string counts as absent. A damaged value has an error in
  /// its place, as a failed command has in the reply of EXEC: null would mean that the key is absent.
  static func getMany<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    call.keys.removeAll(keepingCapacity: true)
    for index in 1..<call.count { call.keys.append(call[index]) }
    call.reply.array(call.keys.count)
    let keys = call.keys
    do throws(StoreError) {
      try view.withEntries(of: keys, in: request) { _, info, value, damage throws(StoreError) in
        if let damage {
          StoreErrorReply.write(damage, to: &call.reply)
        } else if let info, info.type == 0 {
          call.reply.bulk(value)
        } else {
          call.reply.null()
        }
        if call.reply.isOverflowing { throw .walkStopped }
      }
    } catch {
      // The remaining keys are not looked up for a reply that is refused.
      guard case .walkStopped = error, call.reply.isOverflowing else { throw error }
    }
  }

  static func length<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let byteCount = try view.withValue(of: request.extracting(call[1])) { value in
      call.reply.countLookup(found: value != nil)
      return if let value { value.byteCount } else { 0 }
    }
    call.reply.integer(Int64(byteCount))
  }

  /// SET key value [NX | XX] [GET] [EX n | PX n | EXAT n | PXAT n | KEEPTTL]
  static func set(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    if call.count > 3 { return try setWithOptions(&evaluation, &call, request) }
    try Records.replace(
      request.extracting(call[1]), with: request.extracting(call[2]), in: &evaluation)
    call.reply.ok()
  }

  private static func setWithOptions(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let options = StringOptions(of: .set, &call, request) else { return }
    let key = request.extracting(call[1])
    let now = evaluation.now
    var expiry: UInt64 = 0
    if let argument = options.expiry {
      guard let moment = argument.moment(&call, request, now: now) else { return }
      expiry = moment
    }
    let old = try evaluation.withEntry(of: key) { (info, value) throws(StoreError) in
      guard options.returnsOld else { return info }
      if let info, info.type != 0 { throw .wrongType }
      if info != nil { call.reply.bulk(value) } else { call.reply.null() }
      return info
    }
    if (options.ifAbsent && old != nil) || (options.ifPresent && old == nil) {
      if !options.returnsOld { call.reply.null() }
      return
    }
    if options.keepsExpiry { expiry = old?.expiry ?? 0 }
    if expiry != 0, expiry <= now {
      try Records.remove(key, in: &evaluation)
    } else {
      try Records.replace(
        key, with: request.extracting(call[2]), expiry: expiry, replacing: old?.expiry ?? 0,
        in: &evaluation)
    }
    if !options.returnsOld { call.reply.ok() }
  }

  static func setIfAbsent(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let exists = try evaluation.exists(key)
    if !exists { try Records.replace(key, with: request.extracting(call[2]), in: &evaluation) }
    call.reply.integer(exists ? Int64(0) : 1)
  }

  static func getSet(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let oldExpiry = try Records.withString(at: key, in: &evaluation) { value, expiry in
      call.reply.bulkOrNull(value)
      return expiry
    }
    try Records.replace(
      key, with: request.extracting(call[2]), replacing: oldExpiry, in: &evaluation)
  }

  static func getDelete(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let exists = try evaluation.withValue(of: key) { value in
      call.reply.bulkOrNull(value)
      if value != nil { return true } else { return false }
    }
    if exists { try Records.remove(key, in: &evaluation) }
  }

  static func setMany(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard call.count % 2 == 1 else { return call.wrongArity("mset") }
    try putPairs(&evaluation, &call, request)
    call.reply.ok()
  }

  static func setManyIfAbsent(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard call.count % 2 == 1 else { return call.wrongArity("msetnx") }
    for index in stride(from: 1, to: call.count, by: 2) {
      let (exists, byteCount) = try evaluation.withEntry(of: request.extracting(call[index])) {
        info, value in (info != nil, value.byteCount)
      }
      if exists { return call.reply.integer(Int64(0)) }
      try evaluation.pace.advance(by: ScanBudget.steps(forByteCount: byteCount))
    }
    try putPairs(&evaluation, &call, request)
    call.reply.integer(Int64(1))
  }

  private static func putPairs(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let groupCount = 2 * LookupPrefetcher.limit
    for start in stride(from: 1, to: call.count, by: groupCount) {
      let group = stride(from: start, to: min(start + groupCount, call.count), by: 2)
      call.fetch(keys: group, request)
      call.loop.lookups.groupByPartition()
      // Counted once for a whole group, because an MSET of few keys does little else.
      var stepCount = groupCount
      for place in 0..<min(LookupPrefetcher.limit, (call.count - start) / 2) {
        let lookup = call.loop.lookups.grouped(at: place)
        let index = start &+ 2 &* lookup
        stepCount &+= call[index &+ 1].count &>> 8
        try Records.replace(
          request.extracting(call[index]), with: request.extracting(call[index + 1]),
          at: call.loop.lookups.place(at: lookup), in: &evaluation)
      }
      try evaluation.pace.advance(by: stepCount)
    }
  }

  static func append(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let suffix = request.extracting(call[2])
    var joined: [UInt8] = []
    var expiry: UInt64 = 0
    let byteCount = try Records.withString(at: key, in: &evaluation) { value, until in
      let byteCount = suffix.byteCount + (value?.byteCount ?? 0)
      guard byteCount <= Limits.valueByteCount else { return byteCount }
      expiry = until
      joined.reserveCapacity(byteCount)
      if let value { joined.append(copying: value) }
      joined.append(copying: suffix)
      return byteCount
    }
    guard byteCount <= Limits.valueByteCount else { return call.stringTooLong() }
    try Records.rewrite(key, with: joined.rawSpan, keeping: expiry, in: &evaluation)
    call.reply.integer(Int64(byteCount))
  }
}

extension Call {
  mutating func stringTooLong() {
    reply.error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
  }
}
