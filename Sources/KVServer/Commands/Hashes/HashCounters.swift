import Base
import KVData
import KVStore

/// HINCRBY and HINCRBYFLOAT: a field read as a number, changed and written back in one evaluation.
enum HashCounters {
  static let commands: [Command] = [
    Command(
      "hincrby", arity: 4, [.write, .fast], keys: .one, group: "hash",
      "Increment the integer value of a hash field by the given number",
      .edit(.oneField, incrementBy)),
    Command(
      "hincrbyfloat", arity: 4, [.write, .fast], keys: .one, group: "hash",
      "Increment the float value of a hash field by the given amount",
      .edit(.oneField, incrementByFloat)),
  ]

  static func incrementBy(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let delta = parseInteger(request.extracting(call[3])) else { return call.notAnInteger() }
    guard call.hasFittingFields(.oneField) else { return }
    let field = request.extracting(call[2])
    try evaluation.editMap(at: request.extracting(call[1])) {
      (map, evaluation) throws(StoreError) in
      var isNew = false
      let current = try map.withValue(of: field, in: &evaluation) { value -> Int64? in
        isNew = value == nil
        if let value { return parseInteger(value) } else { return 0 }
      }
      guard let current else { return call.reply.error("ERR hash value is not an integer") }
      let (sum, overflowed) = current.addingReportingOverflow(delta)
      guard !overflowed else {
        return call.reply.error("ERR increment or decrement would overflow")
      }
      try DecimalText(sum).withBytes { (digits) throws(StoreError) in
        try map.put(field, digits, isNew: isNew, in: &evaluation)
      }
      call.reply.integer(sum)
    }
  }

  static func incrementByFloat(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let increment = request.extracting(call[3])
    switch LongDoubleText.sum(of: nil, and: increment) {
    case .notANumber: return call.reply.error("ERR value is not a valid float")
    case .infinite: return call.reply.error("ERR value is NaN or Infinity")
    case .digits: break
    }
    guard call.hasFittingFields(.oneField) else { return }
    let field = request.extracting(call[2])
    try evaluation.editMap(at: request.extracting(call[1])) {
      (map, evaluation) throws(StoreError) in
      var isNew = false
      let sum = try map.withValue(of: field, in: &evaluation) { value in
        isNew = value == nil
        return LongDoubleText.sum(of: value, and: increment)
      }
      switch sum {
      case .notANumber: call.reply.error("ERR hash value is not a float")
      case .infinite: call.reply.error("ERR increment would produce NaN or Infinity")
      case .digits(let digits):
        try map.put(field, digits.rawSpan, isNew: isNew, in: &evaluation)
        call.reply.bulk(digits.rawSpan)
      }
    }
  }
}
