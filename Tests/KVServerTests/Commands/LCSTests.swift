import Testing

/// The replies are those of Redis 7.0.15, recorded from one.
struct LCSTests {
  @Test(arguments: [
    Conversation(
      "LCS",
      [
        ("MSET a ohmytext b mynewtext", "+OK"),
        ("LCS a b", "$mytext"),
        ("LCS a b LEN", ":6"),
        ("LCS a b IDX", "[$matches [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] $len :6]"),
        ("LCS a b IDX MINMATCHLEN 4", "[$matches [[[:4 :7] [:5 :8]]] $len :6]"),
        ("LCS a b idx minmatchlen 4 withmatchlen", "[$matches [[[:4 :7] [:5 :8] :4]] $len :6]"),
        ("LCS a b IDX MINMATCHLEN 5", "[$matches [] $len :6]"),
        ("LCS a b IDX MINMATCHLEN -1", "[$matches [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] $len :6]"),
        ("LCS a b WITHMATCHLEN", "$mytext"),
        ("LCS a b MINMATCHLEN 4", "$mytext"),
        ("LCS a b LEN IDX", "-ERR If you want both the length and indexes, please just use IDX."),
        ("LCS a b IDX MINMATCHLEN", "-ERR syntax error"),
        ("LCS a b IDX MINMATCHLEN x", "-ERR value is not an integer or out of range"),
        ("LCS a b FOO", "-ERR syntax error"),
        ("LCS a", "-ERR wrong number of arguments for 'lcs' command"),
        ("LCS none b", "$"),
        ("LCS none b LEN", ":0"),
        ("LCS none b IDX", "[$matches [] $len :0]"),
        ("LCS none none2 FOO", "-ERR syntax error"),
        ("MSET x aaaa y aa z abcabcabc w bca", "+OK"),
        ("LCS x y IDX WITHMATCHLEN", "[$matches [[[:2 :3] [:0 :1] :2]] $len :2]"),
        ("LCS z w IDX WITHMATCHLEN", "[$matches [[[:4 :6] [:0 :2] :3]] $len :3]"),
        ("LCS a a IDX WITHMATCHLEN", "[$matches [[[:0 :7] [:0 :7] :8]] $len :8]"),
        ("SET e ", "+OK"),
        ("LCS a e", "$"),
      ]),
    Conversation(
      "LCS in RESP3",
      [
        ("MSET a ohmytext b mynewtext", "+OK"),
        ("LCS a b IDX", "{$matches [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] $len :6}"),
        ("LCS a b IDX MINMATCHLEN 4", "{$matches [[[:4 :7] [:5 :8]]] $len :6}"),
        ("LCS a b IDX MINMATCHLEN 5", "{$matches [] $len :6}"),
        ("LCS a b IDX MINMATCHLEN -1", "{$matches [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] $len :6}"),
        ("LCS a b LEN IDX", "-ERR If you want both the length and indexes, please just use IDX."),
        ("LCS a b IDX MINMATCHLEN", "-ERR syntax error"),
        ("LCS a b IDX MINMATCHLEN x", "-ERR value is not an integer or out of range"),
        ("LCS none b IDX", "{$matches [] $len :0}"),
        ("MSET x aaaa y aa z abcabcabc w bca", "+OK"),
        ("LCS x y IDX WITHMATCHLEN", "{$matches [[[:2 :3] [:0 :1] :2]] $len :2}"),
        ("LCS z w IDX WITHMATCHLEN", "{$matches [[[:4 :6] [:0 :2] :3]] $len :3}"),
        ("LCS a a IDX WITHMATCHLEN", "{$matches [[[:0 :7] [:0 :7] :8]] $len :8}"),
      ], isRESP3: true),
  ])
  func `LCS finds what Redis finds`(conversation: Conversation) throws {
    try conversation.run()
  }
}
