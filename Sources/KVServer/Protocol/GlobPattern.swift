import TxnWAL

/// Redis's glob patterns over bytes: `*`, `?`, `[a-z]`, `[^a]` and `\` to take the next byte as it is.
struct GlobPattern {
  private let pattern: [UInt8]
  /// The bytes every match begins with; a scan need look nowhere else.
  let literalPrefix: [UInt8]

  init(_ pattern: [UInt8]) {
    self.pattern = pattern
    var prefix: [UInt8] = []
    var offset = 0
    while offset < pattern.count {
      var byte = pattern[offset]
      if byte == 0x2A || byte == 0x3F || byte == 0x5B { break }
      if byte == 0x5C, offset + 1 < pattern.count {
        offset += 1
        byte = pattern[offset]
      }
      prefix.append(byte)
      offset += 1
    }
    literalPrefix = prefix
  }

  init(_ pattern: RawSpan) { self.init([UInt8](copying: pattern)) }

  init(_ pattern: String) { self.init([UInt8](pattern.utf8)) }

  /// Whether all of `text` matches.
  ///
  /// Complexity: O(pattern × text), by going back only to the last `*`: a pattern of many stars
  /// cannot make it exponential.
  func matches(_ text: RawSpan) -> Bool {
    // Redis takes a lone star for no pattern at all, and does not look at others for an empty text.
    if text.byteCount == 0 { return pattern.isEmpty || pattern == [0x2A] }
    var position = 0
    var offset = 0
    var star: (pattern: Int, text: Int)?
    while true {
      if position < pattern.count, pattern[position] == 0x2A {
        star = (position + 1, offset)
        position += 1
        continue
      }
      if offset == text.byteCount {
        if position == pattern.count { return true }
        return false
      }
      let byte = text.byte(at: offset)
      if position < pattern.count, let next = step(at: position, matching: byte) {
        position = next
        offset += 1
        continue
      }
      guard let last = star else { return false }
      star = (last.pattern, last.text + 1)
      position = last.pattern
      offset = last.text + 1
      if offset > text.byteCount { return false }
    }
  }

  func matches(_ text: [UInt8]) -> Bool { text.withRawBytes { matches($0) } }

  /// The position behind the one-byte pattern at `position`, or nil if it does not match `byte`.
  private func step(at position: Int, matching byte: UInt8) -> Int? {
    switch pattern[position] {
    case 0x3F:
      return position + 1
    case 0x5B:
      return stepSet(at: position, matching: byte)
    case 0x5C where position + 1 < pattern.count:
      return pattern[position + 1] == byte ? position + 2 : nil
    case let literal:
      return literal == byte ? position + 1 : nil
    }
  }

  /// The same for a set in brackets. As in Redis, a set that is never closed ends with the pattern.
  private func stepSet(at start: Int, matching byte: UInt8) -> Int? {
    var position = start + 1
    let isNegated = position < pattern.count && pattern[position] == 0x5E
    if isNegated { position += 1 }
    var isMember = false
    while position < pattern.count, pattern[position] != 0x5D {
      if pattern[position] == 0x5C, position + 1 < pattern.count {
        position += 1
        if pattern[position] == byte { isMember = true }
      } else if position + 2 < pattern.count, pattern[position + 1] == 0x2D {
        let low = min(pattern[position], pattern[position + 2])
        let high = max(pattern[position], pattern[position + 2])
        if low <= byte && byte <= high { isMember = true }
        position += 2
      } else if pattern[position] == byte {
        isMember = true
      }
      position += 1
    }
    guard isMember != isNegated else { return nil }
    return min(position + 1, pattern.count)
  }
}
