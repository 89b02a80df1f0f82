import Base
import KVData
import KVStore

/// SETEX, PSETEX and GETEX: strings with an expiry.
enum ExpiringStrings {
  static let commands: [Command] = [
    Command(
      "setex", arity: 4, [.write, .readsFirst], keys: .one, group: "string",
      "Set the value and expiration of a key", .write(setSeconds)),
    Command(
      "psetex", arity: 4, [.write, .readsFirst], keys: .one, group: "string",
      "Set the value and expiration in milliseconds of a key", .write(setMilliseconds)),
    Command(
      "getex", arity: -2, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Get the value of a key and optionally set its expiration", .write(get)),
  ]

  static func setSeconds(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try set(.seconds, &evaluation, &call, request)
  }

  static func setMilliseconds(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try set(.milliseconds, &evaluation, &call, request)
  }

  private static func set(
    _ unit: ExpiryArgument.Unit, _ evaluation: inout Evaluation, _ call: inout Call,
    _ request: RawSpan
  ) throws(StoreError) {
    let argument = ExpiryArgument(unit, isAbsolute: false, number: call[2])
    guard let expiry = argument.moment(&call, request, now: evaluation.now) else { return }
    let key = request.extracting(call[1])
    let oldExpiry = try evaluation.withEntry(of: key) { info, _ in info?.expiry ?? 0 }
    try Records.replace(
      key, with: request.extracting(call[3]), expiry: expiry, replacing: oldExpiry,
      in: &evaluation)
    call.reply.ok()
  }

  /// GETEX key [EX n | PX n | EXAT n | PXAT n | PERSIST]
  ///
  /// As in Redis, the number is checked only if the key exists, and a time in the past removes the key.
  static func get(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let options = StringOptions(of: .getEx, &call, request) else { return }
    let key = request.extracting(call[1])
    let now = evaluation.now
    var copy: [UInt8]?
    var expiry: UInt64 = 0
    let oldExpiry = try Records.withString(at: key, in: &evaluation) { value, oldExpiry in
      guard let value else {
        call.reply.null()
        return oldExpiry
      }
      if let argument = options.expiry {
        guard let moment = argument.moment(&call, request, now: now) else { return oldExpiry }
        expiry = moment
      }
      call.reply.bulk(value)
      if expiry != 0 || (options.persists && oldExpiry != 0) { copy = [UInt8](copying: value) }
      return oldExpiry
    }
    guard let copy else { return }
    if expiry != 0, expiry <= now {
      try Records.remove(key, in: &evaluation)
    } else {
      try Records.rewrite(
        key, with: copy.rawSpan, expiry: expiry, replacing: oldExpiry, in: &evaluation)
    }
  }
}
