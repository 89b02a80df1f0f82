import KVData
import KVStore

/// EXPIRE, TTL and related commands: when a key expires.
///
/// The expiry is part of the key's entry, so changing it rewrites the entry: O(length) for a string, O(1) for a
/// map, of which only the record is rewritten.
enum Expiries {
  static let commands: [Command] = [
    setting("expire", .seconds, isAbsolute: false, "Set expiration for a key in seconds"),
    setting(
      "pexpire", .milliseconds, isAbsolute: false, "Set expiration for a key in milliseconds"),
    setting(
      "expireat", .seconds, isAbsolute: true, "Set the expiration for a key as a UNIX timestamp"),
    setting(
      "pexpireat", .milliseconds, isAbsolute: true,
      "Set the expiration for a key as a UNIX timestamp in milliseconds"),
    telling("ttl", .seconds, isAbsolute: false, "Get the time to live for a key in seconds"),
    telling(
      "pttl", .milliseconds, isAbsolute: false, "Get the time to live for a key in milliseconds"),
    telling("expiretime", .seconds, isAbsolute: true, "Get the expiration time of a key"),
    telling(
      "pexpiretime", .milliseconds, isAbsolute: true,
      "Get the expiration time of a key in milliseconds"),
    Command(
      "persist", arity: 2, [.write, .fast, .readsFirst], keys: .one, group: "generic",
      "Remove the expiration from a key", .write(persist)),
  ]

  private static func setting(
    _ name: String, _ unit: ExpiryArgument.Unit, isAbsolute: Bool, _ summary: String
  ) -> Command {
    Command(
      name, arity: -3, [.write, .fast, .readsFirst], keys: .one, group: "generic", summary,
      .write { (evaluation, call, request) throws(StoreError) in
        try expire(unit, isAbsolute: isAbsolute, &evaluation, &call, request)
      })
  }

  private static func telling(
    _ name: String, _ unit: ExpiryArgument.Unit, isAbsolute: Bool, _ summary: String
  ) -> Command {
    Command(
      name, arity: 2, [.readOnly, .fast], keys: .one, group: "generic", summary,
      .read(
        { (view, call, request) throws(StoreError) in
          try tell(unit, isAbsolute: isAbsolute, &view, &call, request)
        },
        { (evaluation, call, request) throws(StoreError) in
          try tell(unit, isAbsolute: isAbsolute, &evaluation, &call, request)
        }))
  }

  /// EXPIRE key time [NX | XX | GT | LT]: replies 1 if it was done. A time in the past deletes the key.
  private static func expire(
    _ unit: ExpiryArgument.Unit, isAbsolute: Bool,
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let condition = ExpiryCondition(&call, request) else { return }
    let now = evaluation.now
    guard
      let moment = moment(unit, isAbsolute: isAbsolute, now: Int64(clamping: now), &call, request)
    else { return }
    let key = request.extracting(call[1])
    let info = try evaluation.withEntry(of: key) { info, _ in info }
    guard let info, condition.allows(moment, insteadOf: info.expiry) else {
      return call.reply.integer(Int64(0))
    }
    if moment <= Int64(clamping: now) {
      try Records.remove(key, in: &evaluation)
    } else {
      try Records.setExpiry(UInt64(moment), of: key, in: &evaluation)
    }
    call.reply.integer(Int64(1))
  }

  /// The expiry on the store's clock, in milliseconds since 1970; it may be negative. Nil, with the error
  /// written, if it does not fit 63 bits. An absolute number refers to the machine's clock, which is the one
  /// that clients see.
  private static func moment(
    _ unit: ExpiryArgument.Unit, isAbsolute: Bool, now: Int64,
    _ call: inout Call, _ request: RawSpan
  ) -> Int64? {
    guard let number = parseInteger(request.extracting(call[2])) else {
      call.notAnInteger()
      return nil
    }
    let (scaled, overflows) = number.multipliedReportingOverflow(by: unit.rawValue)
    let (moment, isTooLate) = scaled.addingReportingOverflow(
      isAbsolute ? Int64(clamping: call.store.clockLead) : now)
    guard !overflows, !isTooLate else {
      let name = call.server.table.commands[call.command].name
      call.reply.error("ERR invalid expire time in '\(name)' command")
      return nil
    }
    return moment
  }

  /// Replies −2 for no key, −1 for a key that never expires.
  private static func tell<V: View & ~Copyable>(
    _ unit: ExpiryArgument.Unit, isAbsolute: Bool,
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let expiry = try view.withEntry(of: request.extracting(call[1])) { info, _ in info?.expiry }
    guard let expiry else { return call.reply.integer(Int64(-2)) }
    guard expiry != 0 else { return call.reply.integer(Int64(-1)) }
    var milliseconds = Int64(clamping: expiry)
    // An absolute time is converted from the store's clock to the machine's, which clients see.
    let start = isAbsolute ? call.store.clockLead : call.store.now
    milliseconds = max(0, milliseconds - Int64(clamping: start))
    // Rounded as in Redis.
    call.reply.integer(
      unit == .seconds
        ? milliseconds.addingReportingOverflow(500).partialValue / 1000 : milliseconds)
  }

  private static func persist(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let expiry = try evaluation.withEntry(of: key) { info, _ in info?.expiry ?? 0 }
    if expiry != 0 { try Records.setExpiry(0, of: key, in: &evaluation) }
    call.reply.integer(expiry == 0 ? Int64(0) : 1)
  }
}

/// The condition under which EXPIRE does anything.
private struct ExpiryCondition {
  private var ifNone = false
  private var ifAny = false
  private var ifLater = false
  private var ifEarlier = false

  /// Nil, with the error written, if the options are invalid or exclude each other.
  init?(_ call: inout Call, _ request: RawSpan) {
    for index in 3..<max(3, call.count) {
      let option = request.extracting(call[index])
      if option.spells("NX") {
        ifNone = true
      } else if option.spells("XX") {
        ifAny = true
      } else if option.spells("GT") {
        ifLater = true
      } else if option.spells("LT") {
        ifEarlier = true
      } else {
        var text = ByteBuffer()
        text.append("ERR Unsupported option ")
        text.append(option.quoted(atMost: option.byteCount))
        call.reply.error(text)
        return nil
      }
    }
    if ifNone, ifAny || ifLater || ifEarlier {
      call.reply.error("ERR NX and XX, GT or LT options at the same time are not compatible")
      return nil
    }
    if ifLater, ifEarlier {
      call.reply.error("ERR GT and LT options at the same time are not compatible")
      return nil
    }
  }

  /// A key without an expiry counts as expiring later than any other.
  func allows(_ moment: Int64, insteadOf expiry: UInt64) -> Bool {
    let current = expiry == 0 ? nil : Int64(clamping: expiry)
    if ifNone, current != nil { return false }
    if ifAny, current == nil { return false }
    if ifLater { return current.map { moment > $0 } ?? false }
    if ifEarlier { return current.map { moment < $0 } ?? true }
    return true
  }
}
