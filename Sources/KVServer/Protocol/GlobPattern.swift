import Base

/// Redis's glob patterns over bytes: `*`, `?`, `[a-z]`, `[^a]` and `\` to take the next byte as it is.
///
/// A pattern is compiled once. Between its stars are runs of elements that match one byte each: the first run stands at
/// the text's beginning, the last at its end, and each other one at the first place behind the run before it.
///
/// Patterns come from clients, so neither their length nor their form may make them costly: a class in brackets costs
/// as much as a letter, however it is written; one of more elements than `longestText` is not kept at all, because
/// nothing can match it; and a run is looked for in time linear in the text (see `GlobRun`).
struct GlobPattern: Sendable {
  /// No key, field of a hash, or name of a setting or command is longer.
  static let longestText = 512

  /// The bytes every match begins with; a scan need look nowhere else.
  let literalPrefix: [UInt8]
  /// No text matches that is not longer than the limit given.
  let matchesNothing: Bool
  private let runs: [GlobRun]
  private let matchesEmpty: Bool
  private let leastByteCount: Int

  /// - Parameter limit: of the texts that it will be compared with.
  init(_ pattern: [UInt8], longestText limit: Int = GlobPattern.longestText) {
    // Redis takes a lone star for no pattern at all, and does not look at others for an empty text.
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
  /// Complexity: O(n) for a text of n bytes, times the words of 64 bits in the longest run between two stars.
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

/// Takes a pattern apart, by Redis's rules for what is not well-formed.
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

  /// The rest of a set in brackets. As in Redis, one that is never closed ends with the pattern.
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
