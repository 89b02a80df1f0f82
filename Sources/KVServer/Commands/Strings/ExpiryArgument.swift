import KVStore

/// An expiry given by EX, PX, EXAT or PXAT.
struct ExpiryArgument {
  enum Unit: Int64 {
    case milliseconds = 1
    case seconds = 1000
  }

  let unit: Unit
  /// Counted from 1970 instead of from the current time.
  let isAbsolute: Bool
  /// The range of the number in the request.
  let number: Range<Int>

  /// Nil if `option` is none of the four words.
  init?(_ option: RawSpan, number: Range<Int>) {
    if option.spells("EX") {
      self.init(.seconds, isAbsolute: false, number: number)
    } else if option.spells("PX") {
      self.init(.milliseconds, isAbsolute: false, number: number)
    } else if option.spells("EXAT") {
      self.init(.seconds, isAbsolute: true, number: number)
    } else if option.spells("PXAT") {
      self.init(.milliseconds, isAbsolute: true, number: number)
    } else {
      return nil
    }
  }

  init(_ unit: Unit, isAbsolute: Bool, number: Range<Int>) {
    self.unit = unit
    self.isAbsolute = isAbsolute
    self.number = number
  }

  /// Whether both come from the same of the four options.
  func isSameOption(as other: ExpiryArgument) -> Bool {
    unit == other.unit && isAbsolute == other.isAbsolute
  }

  /// The expiry on the store's clock, in milliseconds since 1970: it is positive, but may be in the past. Nil,
  /// with the error written, if the number is not an integer, is not positive, or does not fit 63 bits. An
  /// absolute number refers to the machine's clock, which is the one that clients see.
  func moment(_ call: inout Call, _ request: RawSpan, now: UInt64) -> UInt64? {
    guard let number = parseInteger(request.extracting(number)) else {
      call.notAnInteger()
      return nil
    }
    let (scaled, overflows) = number.multipliedReportingOverflow(by: unit.rawValue)
    let start = Int64(clamping: isAbsolute ? call.store.clockLead : now)
    let (moment, isTooLate) = scaled.addingReportingOverflow(start)
    guard number > 0, !overflows, !isTooLate else {
      let name = call.server.table.commands[call.command].name
      call.reply.error("ERR invalid expire time in '\(name)' command")
      return nil
    }
    return UInt64(moment)
  }
}
