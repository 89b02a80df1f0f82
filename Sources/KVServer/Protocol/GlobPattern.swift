import Base

/// Redis's glob patterns over bytes: `*`, `?`, `[a-z]`, `[^a]`, and `\` to escape the next byte.
///
/// A pattern is compiled once, into runs of elements between its stars; each element matches one byte. The
/// first run must match at the start of the text, the last at its end, and every other run at its first
/// match after the run before it.
///
/// Patterns come from clients, so neither their length nor their form may make them expensive. A bracket
/// class costs as much as a letter, however it is written. A pattern with more elements than `longestText`
/// is not stored, because nothing can match it. A run is found in time linear in the text (see `GlobRun`).
struct GlobPattern: Sendable {
  /// No key, hash field, setting name or command name is longer.
  static let longestText = 512

  /// The bytes that every match begins with; a scan can skip everything else.
  let literalPrefix: [UInt8]
  /// Nothing within the length limit can match.
  let matchesNothing: Bool
  private let runs: [GlobRun]
  private let matchesEmpty: Bool
  private let leastByteCount: Int

  /// - Parameter limit: the length of the longest text to be matched, in bytes.
  init(_ pattern: [UInt8], longestText limit: Int = GlobPattern.longestText) {
    // Redis treats a lone `*` as no pattern at all, and matches no other non-empty pattern against an empty
    // text.
    matchesEmpty = pattern.isEmpty || pattern == [0x2A]
    var parser = GlobParser(pattern)
    var runs: [[GlobElement]] = [[]]
    var prefix: [UInt8] = []
    var count = 0
    while count <= limit, let token = parser.next() {
      switch token {
      case .star:
        if runs.count == 1 || !runs[runs.count - 1].isEmpty { runs.append([]) }
      case .element(let element):
        if runs.count == 1, prefix.count == count, case .byte(let byte) = element {
          prefix.append(byte)
        }
        runs[runs.count - 1].append(element)
        count += 1
      }
    }
    literalPrefix = prefix
    matchesNothing = count > limit
    leastByteCount = count
    self.runs = matchesNothing ? [] : runs.map { GlobRun($0) }
  }

  init(_ pattern: RawSpan, longestText limit: Int = GlobPattern.longestText) {
    self.init([UInt8](copying: pattern), longestText: limit)
  }

  init(_ pattern: String) { self.init([UInt8](pattern.utf8)) }

  /// Whether all of `text` matches.
  ///
  /// Complexity: O(n·w) for a text of n bytes, where w is the number of 64-bit words that hold a bit for
  /// each element of the longest run between two stars.
  func matches(_ text: RawSpan) -> Bool {
    if text.byteCount == 0 { return matchesEmpty }
    guard !matchesNothing, text.byteCount >= leastByteCount else { return false }
    let first = runs[0]
    guard first.matches(text, at: 0) else { return false }
    guard runs.count > 1 else { return text.byteCount == leastByteCount }
    let last = runs[runs.count - 1]
    let end = text.byteCount - last.count
    guard last.matches(text, at: end) else { return false }
    var offset = first.count
    for index in 1..<runs.count - 1 {
      guard let next = runs[index].firstMatch(in: text, from: offset, upTo: end) else {
        return false
      }
      offset = next
    }
    return offset <= end
  }

  func matches(_ text: [UInt8]) -> Bool { text.withRawBytes { matches($0) } }
}

/// What matches one byte.
enum GlobElement: Sendable {
  case byte(UInt8)
  case any
  case set(ByteSet)

  @inline(__always)
  func matches(_ byte: UInt8) -> Bool {
    switch self {
    case .byte(let literal): literal == byte
    case .any: true
    case .set(let set): set.contains(byte)
    }
  }
}

/// A set of bytes, as 256 bits.
struct ByteSet: Sendable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  func contains(_ byte: UInt8) -> Bool {
    let word =
      switch byte >> 6 {
      case 0: words.0
      case 1: words.1
      case 2: words.2
      default: words.3
      }
    return word >> UInt64(byte & 63) & 1 == 1
  }

  mutating func insert(_ byte: UInt8) {
    let bit = UInt64(1) << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: words.0 |= bit
    case 1: words.1 |= bit
    case 2: words.2 |= bit
    default: words.3 |= bit
    }
  }

  mutating func invert() { words = (~words.0, ~words.1, ~words.2, ~words.3) }
}

/// Splits a pattern into tokens, by Redis's rules for malformed patterns.
struct GlobParser {
  enum Token {
    case star
    case element(GlobElement)
  }

  private let pattern: [UInt8]
  private var position = 0

  init(_ pattern: [UInt8]) { self.pattern = pattern }

  /// Nil at the end.
  mutating func next() -> Token? {
    guard position < pattern.count else { return nil }
    let byte = pattern[position]
    position += 1
    switch byte {
    case 0x2A: return .star
    case 0x3F: return .element(.any)
    case 0x5B: return .element(.set(nextSet()))
    case 0x5C where position < pattern.count:
      defer { position += 1 }
      return .element(.byte(pattern[position]))
    case let literal: return .element(.byte(literal))
    }
  }

  /// The rest of a set in brackets. As in Redis, an unclosed set ends with the pattern.
  private mutating func nextSet() -> ByteSet {
    var set = ByteSet()
    let isNegated = position < pattern.count && pattern[position] == 0x5E
    if isNegated { position += 1 }
    while position < pattern.count, pattern[position] != 0x5D {
      if pattern[position] == 0x5C, position + 1 < pattern.count {
        position += 1
        set.insert(pattern[position])
      } else if position + 2 < pattern.count, pattern[position + 1] == 0x2D {
        let low = min(pattern[position], pattern[position + 2])
        let high = max(pattern[position], pattern[position + 2])
        for byte in low...high { set.insert(byte) }
        position += 2
      } else {
        set.insert(pattern[position])
      }
      position += 1
    }
    if position < pattern.count { position += 1 }
    if isNegated { set.invert() }
    return set
  }
}
