import Base
import KVData
import KVStore

/// INCR and related commands: a value is read as a number, changed and written back in one evaluation. Its
/// expiry is kept.
enum Counters {
  static let commands: [Command] = [
    Command(
      "incr", arity: 2, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Increment the integer value of a key by one", .write(increment)),
    Command(
      "decr", arity: 2, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Decrement the integer value of a key by one", .write(decrement)),
    Command(
      "incrby", arity: 3, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Increment the integer value of a key by the given amount", .write(incrementBy)),
    Command(
      "decrby", arity: 3, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Decrement the integer value of a key by the given number", .write(decrementBy)),
    Command(
      "incrbyfloat", arity: 3, [.write, .fast, .readsFirst], keys: .one, group: "string",
      "Increment the float value of a key by the given amount", .write(incrementByFloat)),
  ]

  static func increment(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try add(1, &evaluation, &call, request)
  }

  static func decrement(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try add(-1, &evaluation, &call, request)
  }

  static func incrementBy(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let delta = parseInteger(request.extracting(call[2])) else { return call.notAnInteger() }
    try add(delta, &evaluation, &call, request)
  }

  static func decrementBy(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let delta = parseInteger(request.extracting(call[2])) else { return call.notAnInteger() }
    guard delta != .min else {
      call.reply.error("ERR decrement would overflow")
      return
    }
    try add(-delta, &evaluation, &call, request)
  }

  @inline(__always)
  private static func add(
    _ delta: Int64, _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    var expiry: UInt64 = 0
    var current: Int64? = 0
    try Records.lendString(at: key, in: &evaluation) { value, until in
      expiry = until
      if let value { current = parseInteger(value) }
    }
    guard let current else { return call.notAnInteger() }
    let (sum, overflowed) = current.addingReportingOverflow(delta)
    guard !overflowed else {
      call.reply.error("ERR increment or decrement would overflow")
      return
    }
    try DecimalText(sum).withBytes { (digits) throws(StoreError) in
      try Records.rewrite(key, with: digits, keeping: expiry, in: &evaluation)
    }
    call.reply.integer(sum)
  }

  static func incrementByFloat(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    var expiry: UInt64 = 0
    let sum = try Records.withString(at: key, in: &evaluation) { value, until in
      expiry = until
      return LongDoubleText.sum(of: value, and: request.extracting(call[2]))
    }
    switch sum {
    case .notANumber: call.reply.error("ERR value is not a valid float")
    case .infinite: call.reply.error("ERR increment would produce NaN or Infinity")
    case .digits(let digits):
      try Records.rewrite(key, with: digits.rawSpan, keeping: expiry, in: &evaluation)
      call.reply.bulk(digits.rawSpan)
    }
  }
}
