import Testing

/// The replies are those of Redis 7.0.15, recorded from one.
struct SubstringTests {
  @Test(arguments: [
    Conversation(
      "GETRANGE and SUBSTR",
      [
        ("SET a Hello World", "-ERR syntax error"),
        ("SET a HelloWorld", "+OK"),
        ("GETRANGE a 0 3", "$Hell"),
        ("GETRANGE a 0 -1", "$HelloWorld"),
        ("GETRANGE a -3 -1", "$rld"),
        ("GETRANGE a 5 3", "$"),
        ("GETRANGE a -1 -5", "$"),
        ("GETRANGE a 4 100", "$oWorld"),
        ("GETRANGE a 100 200", "$"),
        ("GETRANGE a -100 2", "$Hel"),
        ("GETRANGE a -100 -50", "$H"),
        ("GETRANGE a -9223372036854775808 9223372036854775807", "$HelloWorld"),
        ("GETRANGE a 0 9223372036854775808", "-ERR value is not an integer or out of range"),
        ("GETRANGE a x 1", "-ERR value is not an integer or out of range"),
        ("GETRANGE a 0 1.5", "-ERR value is not an integer or out of range"),
        ("SUBSTR a 2 4", "$llo"),
        ("SUBSTR a 2", "-ERR wrong number of arguments for 'substr' command"),
        ("GETRANGE none 0 -1", "$"),
        ("GETRANGE none x 1", "-ERR value is not an integer or out of range"),
        ("SET e ", "+OK"),
        ("GETRANGE e 0 -1", "$"),
        ("GETRANGE a 0 -1 x", "-ERR wrong number of arguments for 'getrange' command"),
      ]),
    Conversation(
      "SETRANGE",
      [
        ("SETRANGE a 0 ", ":0"),
        ("EXISTS a", ":0"),
        ("SETRANGE a 3 xyz", ":6"),
        ("GET a", "$\u{00}\u{00}\u{00}xyz"),
        ("SETRANGE a 1 bc", ":6"),
        ("GET a", "$\u{00}bcxyz"),
        ("SETRANGE a 5 12345", ":10"),
        ("GET a", "$\u{00}bcxy12345"),
        ("SETRANGE a 100 ", ":10"),
        ("SETRANGE a -1 x", "-ERR offset is out of range"),
        ("SETRANGE a x y", "-ERR value is not an integer or out of range"),
        ("SETRANGE none -1 ", "-ERR offset is out of range"),
        ("SETRANGE a 67108863 xy", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
        ("SETRANGE a 67108864 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"),
        (
          "SETRANGE none 9223372036854775807 x",
          "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"
        ),
        ("SETRANGE none 9223372036854775807 ", ":0"),
        ("SETRANGE a 9223372036854775808 x", "-ERR value is not an integer or out of range"),
        ("GET a", "$\u{00}bcxy12345"),
        ("EXISTS none", ":0"),
        ("SETRANGE a 1", "-ERR wrong number of arguments for 'setrange' command"),
      ]),
  ])
  func `parts of strings are read and written as by Redis`(conversation: Conversation) throws {
    try conversation.run()
  }
}
