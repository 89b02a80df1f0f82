import KVStore
import TxnWAL

/// GET, SET and their kin.
enum Strings {
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
      "mget", arity: -2, [.readOnly, .fast], keys: .all, group: "string",
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

  static func getMany<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    call.keys.removeAll(keepingCapacity: true)
    for index in 1..<call.count { call.keys.append(call[index]) }
    call.reply.array(call.keys.count)
    let keys = call.keys
    try view.withValues(of: keys, in: request) { _, value in call.reply.bulkOrNull(value) }
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

  /// SET key value [NX | XX] [GET] [KEEPTTL]
  static func set(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let value = request.extracting(call[2])
    if call.count == 3 {
      try evaluation.put(key, value)
      call.reply.ok()
      return
    }
    guard let options = SetOptions(&call, request) else { return }
    let exists: Bool
    if options.returnsOld {
      exists = try evaluation.withValue(of: key) { old in
        call.reply.bulkOrNull(old)
        if old != nil { return true } else { return false }
      }
    } else if options.ifAbsent || options.ifPresent {
      exists = try evaluation.exists(key)
    } else {
      exists = false
    }
    if (options.ifAbsent && exists) || (options.ifPresent && !exists) {
      if !options.returnsOld { call.reply.null() }
      return
    }
    try evaluation.put(key, value)
    if !options.returnsOld { call.reply.ok() }
  }

  static func setIfAbsent(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let exists = try evaluation.exists(key)
    if !exists { try evaluation.put(key, request.extracting(call[2])) }
    call.reply.integer(exists ? Int64(0) : 1)
  }

  static func getSet(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    try evaluation.withValue(of: key) { call.reply.bulkOrNull($0) }
    try evaluation.put(key, request.extracting(call[2]))
  }

  static func getDelete(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let exists = try evaluation.withValue(of: key) { value in
      call.reply.bulkOrNull(value)
      if value != nil { return true } else { return false }
    }
    if exists { try evaluation.delete(key) }
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
      if try evaluation.exists(request.extracting(call[index])) {
        call.reply.integer(Int64(0))
        return
      }
    }
    try putPairs(&evaluation, &call, request)
    call.reply.integer(Int64(1))
  }

  private static func putPairs(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    for index in stride(from: 1, to: call.count, by: 2) {
      try evaluation.put(request.extracting(call[index]), request.extracting(call[index + 1]))
    }
  }

  static func append(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let suffix = request.extracting(call[2])
    var joined: [UInt8] = []
    try evaluation.withValue(of: key) { value in
      guard let value, value.byteCount + suffix.byteCount <= Limits.valueByteCount else { return }
      joined.reserveCapacity(value.byteCount + suffix.byteCount)
      joined.append(copying: value)
    }
    let existing = try evaluation.withValue(of: key) { value in
      if let value { value.byteCount } else { 0 }
    }
    guard existing + suffix.byteCount <= Limits.valueByteCount else {
      call.reply.error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
      return
    }
    joined.append(copying: suffix)
    try joined.withRawBytes { (value) throws(StoreError) in try evaluation.put(key, value) }
    call.reply.integer(Int64(joined.count))
  }
}

/// The options behind SET's value.
struct SetOptions {
  private(set) var ifAbsent = false
  private(set) var ifPresent = false
  private(set) var returnsOld = false

  /// Nil if they are not understood; the error is then written.
  init?(_ call: inout Call, _ request: RawSpan) {
    for index in 3..<call.count {
      let option = request.extracting(call[index])
      if option.spells("NX") {
        ifAbsent = true
      } else if option.spells("XX") {
        ifPresent = true
      } else if option.spells("GET") {
        returnsOld = true
      } else if option.spells("EX") || option.spells("PX") || option.spells("EXAT")
        || option.spells("PXAT")
      {
        call.reply.error("ERR expiry (EX, PX, EXAT, PXAT) is not supported yet")
        return nil
      } else if !option.spells("KEEPTTL") {
        call.syntaxError()
        return nil
      }
    }
    guard !(ifAbsent && ifPresent) else {
      call.syntaxError()
      return nil
    }
  }
}
