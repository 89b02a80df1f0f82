import KVStore

/// INCR and its kin: a value read as a decimal integer, changed and written back in one evaluation.
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
    guard let delta = parseInteger(request.extracting(call[2])) else { return notAnInteger(&call) }
    try add(delta, &evaluation, &call, request)
  }

  static func decrementBy(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let delta = parseInteger(request.extracting(call[2])) else { return notAnInteger(&call) }
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
    let current = try evaluation.withValue(of: key) { value -> Int64? in
      if let value { parseInteger(value) } else { 0 }
    }
    guard let current else { return notAnInteger(&call) }
    let (sum, overflowed) = current.addingReportingOverflow(delta)
    guard !overflowed else {
      call.reply.error("ERR increment or decrement would overflow")
      return
    }
    try DecimalText(sum).withBytes { (digits) throws(StoreError) in
      try evaluation.put(key, digits)
    }
    call.reply.integer(sum)
  }

  private static func notAnInteger(_ call: inout Call) {
    call.reply.error("ERR value is not an integer or out of range")
  }
}
