import Testing

@testable import KVServer

struct GlobPatternTests {
  @Test(arguments: [
    ("*", "", true), ("*", "abc", true), ("a*", "a", true), ("a*c", "abbbc", true),
    ("a*c", "abbbd", false), ("?", "", false), ("?", "a", true), ("h?llo", "hello", true),
    ("h[ae]llo", "hallo", true), ("h[ae]llo", "hillo", false), ("h[^e]llo", "hello", false),
    ("h[^e]llo", "hallo", true), ("h[a-b]llo", "hbllo", true), ("h[b-a]llo", "hallo", true),
    ("h[a-b]llo", "hcllo", false), ("\\*", "*", true), ("\\*", "a", false), ("[\\]]", "]", true),
    ("[a", "a", true), ("[", "a", false), ("a", "A", false), ("", "", true), ("", "a", false),
    ("**a", "bca", true), ("*a*b*", "xaybz", true), ("a\\", "a\\", true), ("[^a]", "", false),
    ("**", "", false), ("**", "a", true), ("a**", "a", true),
  ])
  func `patterns match as in Redis`(pattern: String, text: String, expected: Bool) {
    #expect(GlobPattern(pattern).matches(Array(text.utf8)) == expected)
  }

  @Test(arguments: [
    ("user:*", "user:"), ("*", ""), ("abc", "abc"), ("a\\*b*", "a*b"), ("a[b]", "a"), ("a?", "a"),
  ])
  func `the literal prefix is what every match begins with`(pattern: String, prefix: String) {
    #expect(GlobPattern(pattern).literalPrefix == Array(prefix.utf8))
  }

  @Test func `many stars take no exponential time`() {
    let pattern = GlobPattern(String(repeating: "a*", count: 2_000) + "b")
    #expect(!pattern.matches([UInt8](repeating: UInt8(ascii: "a"), count: 5_000)))
  }

  /// Patterns of a few letters, so that much matches, against a matcher that goes back and forth.
  @Test func `compiled patterns match what the plain rules match`() {
    var generator = SystemRandomNumberGenerator()
    let parts = [
      "a", "b", "c", "*", "?", "[ab]", "[^a]", "[b-c]", "\\a", "[", "]", "-", "ab", "abc*",
    ]
    for _ in 0..<20_000 {
      let length = Int.random(in: 0...12, using: &generator)
      let pattern = (0..<length).map { _ in parts.randomElement(using: &generator)! }.joined()
      let text = (0..<Int.random(in: 0...14)).map { _ in "abc".randomElement()! }
      let bytes = text.map { $0.asciiValue! }
      #expect(
        GlobPattern(pattern).matches(bytes) == PlainGlob.matches(Array(pattern.utf8), bytes),
        "\(pattern) \(String(text))")
    }
  }

  @Test(arguments: [1, 8, 9, 63, 64, 65, 127, 128, 200, 400])
  func `long runs between stars are found where they are`(length: Int) {
    let run = (0..<length).map { UInt8(ascii: "a") + UInt8($0 * 7 % 26) }
    for before in [0, 1, 5, 100] {
      let text = [UInt8](repeating: UInt8(ascii: "b"), count: before) + run + [0x7A]
      let pattern = GlobPattern([0x2A] + run + [0x2A])
      #expect(pattern.matches(text))
      #expect(pattern.matches(text + text))
      for place in 0..<length {
        var changed = text
        changed[before + place] = UInt8(ascii: "!")
        #expect(!pattern.matches(changed))
        #expect(PlainGlob.matches([0x2A] + run + [0x2A], changed) == false)
      }
    }
  }

  /// The story: a class in brackets was read again for each key, and a megabyte of it stopped everyone for minutes.
  @Test(arguments: ["[", "[^", "[ab]*["])
  func `the length of a class is paid for once`(opening: String) {
    let pattern = GlobPattern("*" + opening + String(repeating: "x", count: 1 << 20) + "]")
    let texts = (0..<5_000).map { Array("key:\($0)".utf8) }
    let count = texts.count { pattern.matches($0) }
    #expect(count == (opening == "[^" ? texts.count : 0))
  }

  @Test func `a pattern with more elements than a key has bytes is let go of`() {
    let long = String(repeating: "[ab]", count: 1 << 18)
    #expect(GlobPattern(long).matchesNothing)
    #expect(GlobPattern("*" + long + "*").matchesNothing)
    #expect(!GlobPattern(String(repeating: "*", count: 1 << 20) + "a").matchesNothing)
    #expect(GlobPattern(String(repeating: "*", count: 1 << 20) + "a").matches(Array("bca".utf8)))
    #expect(!GlobPattern(String(repeating: "?", count: 512)).matchesNothing)
  }
}

/// Redis's rules, one byte after another, with going back.
private enum PlainGlob {
  static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
    if text.isEmpty { return pattern.isEmpty || pattern == [0x2A] }
    return matches(pattern[...], text[...])
  }

  private static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    guard let first = pattern.first else { return text.isEmpty }
    if first == 0x2A {
      let rest = pattern.dropFirst()
      return (0...text.count).contains { matches(rest, text.dropFirst($0)) }
    }
    guard let byte = text.first else { return false }
    switch first {
    case 0x3F: return matches(pattern.dropFirst(), text.dropFirst())
    case 0x5C where pattern.count > 1:
      let literal = pattern[pattern.startIndex + 1]
      return literal == byte && matches(pattern.dropFirst(2), text.dropFirst())
    case 0x5B:
      var rest = pattern.dropFirst()
      let isNegated = rest.first == 0x5E
      if isNegated { rest = rest.dropFirst() }
      var isMember = false
      while let next = rest.first, next != 0x5D {
        let start = rest.startIndex
        if next == 0x5C, rest.count > 1 {
          isMember = isMember || rest[start + 1] == byte
          rest = rest.dropFirst(2)
        } else if rest.count > 2, rest[start + 1] == 0x2D {
          let bounds = [next, rest[start + 2]].sorted()
          isMember = isMember || (bounds[0]...bounds[1]).contains(byte)
          rest = rest.dropFirst(3)
        } else {
          isMember = isMember || next == byte
          rest = rest.dropFirst()
        }
      }
      return isMember != isNegated && matches(rest.dropFirst(), text.dropFirst())
    default: return first == byte && matches(pattern.dropFirst(), text.dropFirst())
    }
  }
}
