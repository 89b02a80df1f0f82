import Base
import KVStore

/// The size limits of requests.
struct RequestLimits {
  /// Lets values slightly over the store's limit through, so that the store replies with a clear error and
  /// the connection stays open.
  static let slackByteCount = 1 << 20
  /// Redis's own limits.
  static let argumentCount = 1024 * 1024
  static let lineByteCount = 64 * 1024
  static let redisBulkByteCount = 512 << 20
  /// For clients that must log in and have not: enough for a login, too little to fill memory.
  static let argumentCountBeforeLogin = 10
  static let bulkByteCountBeforeLogin = 16 << 10

  var bulkByteCount = Limits.valueByteCount + slackByteCount
  var requestByteCount = Limits.valueByteCount + Limits.keyByteCount + slackByteCount
}

/// Finds the requests in the bytes received on a connection, however they were split into packets.
///
///     request   = multibulk / inline
///     multibulk = "*" count CRLF count·( "$" length CRLF length·OCTET CRLF )
///     inline    = words, quoted as in a shell, LF
///
/// Arguments are ranges counted from the head of the buffer: nothing is copied, and nothing is allocated
/// once the list of ranges has its capacity. The parsed part of an incomplete request is remembered, so a
/// request received byte by byte is parsed in the same time as one received at once.
struct RequestDecoder {
  enum Outcome: Equatable {
    /// More bytes must be received.
    case incomplete
    /// The arguments are set; the request is the first `byteCount` bytes.
    case request(byteCount: Int)
    /// An empty line or an empty multibulk: `byteCount` bytes to consume, without a reply.
    case nothing(byteCount: Int)
    case failed(ProtocolError)
  }

  private var limits: RequestLimits
  /// Accepts only the smaller requests that a login needs.
  var isBeforeLogin = false
  /// How many arguments of the current request are still missing; nil outside a multibulk request.
  private var missing: Int?
  /// Where parsing continues.
  private var offset = 0
  /// The length of the current bulk, once it is parsed.
  private var bulkByteCount: Int?
  private var argumentByteCount = 0

  init(limits: RequestLimits = RequestLimits()) { self.limits = limits }

  /// The largest argument. Any limit from the store's value limit up is replaced by that limit with slack,
  /// so that the store can reply with a clear error.
  var bulkByteLimit: Int {
    get { limits.bulkByteCount }
    set {
      limits.bulkByteCount =
        newValue < Limits.valueByteCount ? newValue : RequestLimits().bulkByteCount
    }
  }

  /// Whether part of a request has been parsed.
  var isInsideRequest: Bool { missing != nil }

  /// How many bytes the buffer must hold before parsing can proceed; 0 if unknown. With it the caller can
  /// receive a large value in few calls.
  var wantedByteCount: Int { bulkByteCount.map { offset + $0 + 2 } ?? 0 }

  /// Continues parsing. After `.request` and `.nothing` the caller consumes the bytes; the next call parses
  /// the next request.
  mutating func next(
    in buffer: inout ByteBuffer, arguments: inout [Range<Int>]
  ) -> Outcome {
    if missing == nil {
      guard !buffer.isEmpty else { return .incomplete }
      if !isBeforeLogin,
        let byteCount = buffer.withBytes({ wholeRequest(in: $0, arguments: &arguments) })
      {
        return .request(byteCount: byteCount)
      }
      guard buffer[0] == 0x2A else { return nextInline(in: &buffer, arguments: &arguments) }
      let count: Int
      let end: Int
      if let (number, numberEnd) = buffer.withBytes({ shortNumber(in: $0, at: 1) }) {
        (count, end) = (number, numberEnd)
      } else {
        switch line(in: buffer, tooLong: .multibulkCountTooLong) {
        case .failed(let error): return .failed(error)
        case .incomplete: return .incomplete
        case .line(let lineEnd):
          guard let number = Self.number(in: buffer, 1..<lineEnd),
            number <= RequestLimits.argumentCount
          else { return .failed(.invalidMultibulkLength) }
          (count, end) = (Int(number), lineEnd)
        }
      }
      guard count <= RequestLimits.argumentCountBeforeLogin || !isBeforeLogin else {
        return .failed(.multibulkTooLongBeforeLogin)
      }
      guard count > 0 else {
        offset = 0
        return .nothing(byteCount: end + 2)
      }
      missing = count
      offset = end + 2
      argumentByteCount = 0
      if !arguments.isEmpty { arguments.removeAll(keepingCapacity: true) }
    }
    return nextBulks(in: buffer, arguments: &arguments)
  }

  /// The fast path for a complete multibulk with short numbers: sets the arguments and returns its length.
  /// Nil for anything else. Tried only until the count of the arguments has been parsed.
  @inline(__always)
  private func wholeRequest(in bytes: RawSpan, arguments: inout [Range<Int>]) -> Int? {
    guard bytes.byte(at: 0) == 0x2A, let (count, end) = shortNumber(in: bytes, at: 1), count > 0,
      count &* Self.leastBulkByteCount <= bytes.byteCount
    else { return nil }
    // Pipelined requests often have the same shape.
    if arguments.count != count {
      arguments.removeLast(max(0, arguments.count &- count))
      while arguments.count < count { arguments.append(0..<0) }
    }
    var places = arguments.mutableSpan
    var offset = end &+ 2
    for index in places.indices {
      guard offset < bytes.byteCount, bytes.byte(at: offset) == 0x24,
        let (length, end) = shortNumber(in: bytes, at: offset &+ 1),
        length <= limits.bulkByteCount
      else { return nil }
      let start = end &+ 2
      offset = start &+ length &+ 2
      places[index] = start..<(start &+ length)
    }
    guard offset <= bytes.byteCount, offset <= limits.requestByteCount else { return nil }
    return offset
  }

  /// The length of an empty bulk.
  private static let leastBulkByteCount = 6

  private mutating func nextBulks(
    in buffer: borrowing ByteBuffer, arguments: inout [Range<Int>]
  ) -> Outcome {
    while let left = missing, left > 0 {
      if bulkByteCount == nil, let outcome = nextLength(in: buffer) { return outcome }
      let length = bulkByteCount ?? 0
      guard buffer.count &- offset >= length &+ 2 else { return .incomplete }
      arguments.append(offset..<(offset &+ length))
      offset &+= length &+ 2
      bulkByteCount = nil
      missing = left &- 1
    }
    let byteCount = offset
    missing = nil
    offset = 0
    return .request(byteCount: byteCount)
  }

  /// Parses the header of the bulk at `offset` into `bulkByteCount`; otherwise returns why it cannot.
  @inline(__always)
  private mutating func nextLength(in buffer: borrowing ByteBuffer) -> Outcome? {
    guard offset < buffer.count else { return .incomplete }
    let kind = buffer[offset]
    guard kind == 0x24 else { return .failed(.expectedBulk(got: kind)) }
    let length: Int
    let end: Int
    if let (number, numberEnd) = buffer.withBytes({ shortNumber(in: $0, at: offset &+ 1) }) {
      (length, end) = (number, numberEnd)
    } else {
      switch line(in: buffer, tooLong: .bulkCountTooLong) {
      case .failed(let error): return .failed(error)
      case .incomplete: return .incomplete
      case .line(let lineEnd):
        guard let number = Self.number(in: buffer, (offset + 1)..<lineEnd), number >= 0,
          number <= RequestLimits.redisBulkByteCount
        else { return .failed(.invalidBulkLength) }
        (length, end) = (Int(number), lineEnd)
      }
    }
    argumentByteCount &+= length
    guard length <= RequestLimits.bulkByteCountBeforeLogin || !isBeforeLogin else {
      return .failed(.bulkTooLargeBeforeLogin)
    }
    guard length <= limits.bulkByteCount else {
      if limits.bulkByteCount < Limits.valueByteCount { return .failed(.invalidBulkLength) }
      return .failed(.bulkTooLarge(byteCount: length, limit: limits.bulkByteCount))
    }
    guard argumentByteCount <= limits.requestByteCount else {
      return .failed(.requestTooLarge(limit: limits.requestByteCount))
    }
    bulkByteCount = length
    offset = end &+ 2
    return nil
  }

  private mutating func nextInline(
    in buffer: inout ByteBuffer, arguments: inout [Range<Int>]
  ) -> Outcome {
    guard let end = buffer.firstOffset(of: 0x0A, from: 0, limit: RequestLimits.lineByteCount + 1)
    else {
      return buffer.count > RequestLimits.lineByteCount ? .failed(.inlineTooLong) : .incomplete
    }
    let hasReturn = end > 0 && buffer[end - 1] == 0x0D
    // As in Redis, whose lines are C strings, a zero byte ends the line.
    let textEnd =
      buffer.firstOffset(of: 0, from: 0, limit: end) ?? (hasReturn ? end - 1 : end)
    arguments.removeAll(keepingCapacity: true)
    guard InlineRequest.split(&buffer, upTo: textEnd, into: &arguments) else {
      return .failed(.unbalancedQuotes)
    }
    return arguments.isEmpty ? .nothing(byteCount: end + 1) : .request(byteCount: end + 1)
  }

  private enum Line {
    case incomplete
    case line(end: Int)
    case failed(ProtocolError)
  }

  /// The end of the line at `offset`. As in Redis, the byte after the CR is assumed to be LF.
  private func line(in buffer: borrowing ByteBuffer, tooLong: ProtocolError) -> Line {
    let limit = offset + RequestLimits.lineByteCount
    guard let end = buffer.firstOffset(of: 0x0D, from: offset, limit: limit) else {
      return buffer.count > limit ? .failed(tooLong) : .incomplete
    }
    return end + 1 < buffer.count ? .line(end: end) : .incomplete
  }

  @inline(__always)
  private static func number(in buffer: borrowing ByteBuffer, _ range: Range<Int>) -> Int64? {
    if range.count == 1 {
      let digit = buffer[range.lowerBound] &- 0x30
      return digit < 10 ? Int64(digit) : nil
    }
    return buffer.withBytes { parseInteger($0.extracting(range)) }
  }
}

/// Parses one to five digits without a leading zero, followed by a CR and another byte: the number, and the
/// offset of the CR. Nil for anything else, which may still be valid.
@inline(__always)
func shortNumber(in bytes: RawSpan, at start: Int) -> (number: Int, end: Int)? {
  guard start &+ 7 <= bytes.byteCount else { return nil }
  let word = bytes.load(at: start, as: UInt32.self)
  var number = Int(word & 0xFF) &- 0x30
  guard number >= 0, number <= 9 else { return nil }
  var end = start &+ 1
  var byte = UInt8(truncatingIfNeeded: word >> 8)
  if number == 0, byte != 0x0D { return nil }
  while byte != 0x0D {
    let digit = Int(byte) &- 0x30
    guard digit >= 0, digit <= 9, end < start &+ 5 else { return nil }
    number = number &* 10 &+ digit
    end &+= 1
    byte = bytes.load(at: end, as: UInt8.self)
  }
  return (number, end)
}
