/// Consecutive elements of a glob pattern, without a star between them.
///
/// A short run is tried at one offset after another. For a longer one that would be quadratic: all offsets
/// are tried at once, with one bit for each prefix of the run that the bytes so far match (Baeza-Yates and
/// Gonnet, "A new approach to text searching", the Shift-And method).
struct GlobRun: Sendable {
  private static let maxNaiveLength = 8
  private static let wordLimit = 8
  /// Longer runs are tried offset by offset. They need a pattern for texts longer than
  /// `GlobPattern.longestText`, which only DEBUG STRINGMATCH-LEN makes.
  private static let longestMasked = wordLimit * 64

  private let elements: [GlobElement]
  /// For each byte, `wordCount` words with one bit for each element that matches it; empty if offsets are
  /// tried one by one.
  private let masks: [UInt64]
  private let wordCount: Int

  init(_ elements: [GlobElement]) {
    self.elements = elements
    guard elements.count > Self.maxNaiveLength, elements.count <= Self.longestMasked else {
      masks = []
      wordCount = 0
      return
    }
    wordCount = (elements.count + 63) / 64
    var masks = [UInt64](repeating: 0, count: 256 * wordCount)
    for (place, element) in elements.enumerated() {
      for byte in UInt8.min...UInt8.max where element.matches(byte) {
        masks[Int(byte) * wordCount + place / 64] |= 1 << UInt64(place % 64)
      }
    }
    self.masks = masks
  }

  var count: Int { elements.count }

  /// Whether the run matches at `offset`, where at least `count` bytes must follow.
  func matches(_ text: RawSpan, at offset: Int) -> Bool {
    for place in elements.indices where !elements[place].matches(text.byte(at: offset + place)) {
      return false
    }
    return true
  }

  /// The end of the first match in the bytes from `start` up to `end`, or nil.
  func firstMatch(in text: RawSpan, from start: Int, upTo end: Int) -> Int? {
    guard end - start >= count else { return nil }
    guard masks.isEmpty else { return firstMaskedMatch(in: text, from: start, upTo: end) }
    for offset in start...(end - count) where matches(text, at: offset) { return offset + count }
    return nil
  }

  private func firstMaskedMatch(in text: RawSpan, from start: Int, upTo end: Int) -> Int? {
    var state = InlineArray<8, UInt64>(repeating: 0)
    let lastWord = wordCount - 1
    let lastBit = UInt64(1) << UInt64((count - 1) % 64)
    for offset in start..<end {
      let first = Int(text.byte(at: offset)) * wordCount
      // A match may begin at any offset.
      var carry: UInt64 = 1
      for word in 0..<wordCount {
        let shifted = state[word] << 1 | carry
        carry = state[word] >> 63
        state[word] = shifted & masks[first + word]
      }
      if state[lastWord] & lastBit != 0 { return offset + 1 }
    }
    return nil
  }
}
