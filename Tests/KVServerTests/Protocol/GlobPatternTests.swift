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
}
