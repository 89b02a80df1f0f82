import KVStore

/// The options after SET's value, and after GETEX's key.
///
///     SET    NX | XX, GET, EX | PX | EXAT | PXAT | KEEPTTL
///     GETEX  EX | PX | EXAT | PXAT | PERSIST
///
/// As in Redis, an option may be repeated, the last number counts, and options that exclude each other are a
/// syntax error.
struct StringOptions {
  enum Owner { case set, getEx }

  private(set) var ifAbsent = false
  private(set) var ifPresent = false
  private(set) var returnsOld = false
  private(set) var keepsExpiry = false
  private(set) var persists = false
  private(set) var expiry: ExpiryArgument?

  /// Nil, with the error written, if the options are invalid.
  init?(of owner: Owner, _ call: inout Call, _ request: RawSpan) {
    var index = owner == .set ? 3 : 2
    while index < call.count {
      let option = request.extracting(call[index])
      if takeCondition(option, owner) {
        index += 1
      } else if index + 1 < call.count,
        let argument = ExpiryArgument(option, number: call[index + 1]), !keepsExpiry, !persists,
        expiry?.isSameOption(as: argument) ?? true
      {
        expiry = argument
        index += 2
      } else {
        call.syntaxError()
        return nil
      }
    }
  }

  /// Takes an option without a number. Returns false if it is none, or if an earlier option excludes it.
  private mutating func takeCondition(_ option: RawSpan, _ owner: Owner) -> Bool {
    switch owner {
    case .set:
      if option.spells("NX"), !ifPresent {
        ifAbsent = true
      } else if option.spells("XX"), !ifAbsent {
        ifPresent = true
      } else if option.spells("GET") {
        returnsOld = true
      } else if option.spells("KEEPTTL"), expiry == nil {
        keepsExpiry = true
      } else {
        return false
      }
    case .getEx:
      guard option.spells("PERSIST"), expiry == nil else { return false }
      persists = true
    }
    return true
  }
}
