import Testing

/// The replies are those of Redis 7.0.15, recorded from one.
struct FloatCounterTests {
  @Test(arguments: [
    Conversation(
      "INCRBYFLOAT",
      [
        ("INCRBYFLOAT a 10.50", "$10.5"),
        ("INCRBYFLOAT a 0.1", "$10.6"),
        ("INCRBYFLOAT a -5", "$5.6"),
        ("INCRBYFLOAT a 5.0e3", "$5005.60000000000000009"),
        ("INCRBYFLOAT a -5000", "$5.60000000000000009"),
        ("GET a", "$5.60000000000000009"),
        ("INCRBYFLOAT b 0.1", "$0.1"),
        ("INCRBYFLOAT b 0.2", "$0.3"),
        ("INCRBYFLOAT b -0.3", "$0"),
        ("INCRBYFLOAT c 3", "$3"),
        ("INCRBYFLOAT c 1.000000000000000005", "$4.00000000000000001"),
        ("INCRBYFLOAT d 1e20", "$100000000000000000000"),
        ("INCRBYFLOAT d 0.5", "$100000000000000000000"),
        ("INCRBYFLOAT e 0x1p-3", "$0.125"),
        ("INCRBYFLOAT e .5", "$0.625"),
        ("INCRBYFLOAT e 5.", "$5.625"),
        ("INCRBYFLOAT f 1e-17", "$0.00000000000000001"),
        ("INCRBYFLOAT f 1e-30", "$0.00000000000000001"),
        ("INCRBYFLOAT g -1e-30", "$0"),
        ("INCRBYFLOAT h 3.14159265358979323846264338327950288", "$3.14159265358979324"),
        ("INCRBYFLOAT i 123456789012345678901234567890", "$123456789012345678899921813504"),
      ]),
    Conversation(
      "what is not a number, or not one that fits",
      [
        ("INCRBYFLOAT a abc", "-ERR value is not a valid float"),
        ("INCRBYFLOAT a ", "-ERR value is not a valid float"),
        ("INCRBYFLOAT a 1x", "-ERR value is not a valid float"),
        ("INCRBYFLOAT a nan", "-ERR value is not a valid float"),
        ("INCRBYFLOAT a inf", "-ERR increment would produce NaN or Infinity"),
        ("INCRBYFLOAT a -inf", "-ERR increment would produce NaN or Infinity"),
        ("INCRBYFLOAT a 1e5000", "-ERR value is not a valid float"),
        ("INCRBYFLOAT a 1e-5000", "-ERR value is not a valid float"),
        ("INCRBYFLOAT a 1e-4940", "$0"),
        ("INCRBYFLOAT s 1", "$1"),
        ("SET s foo", "+OK"),
        ("INCRBYFLOAT s 1", "-ERR value is not a valid float"),
        ("INCRBYFLOAT s abc", "-ERR value is not a valid float"),
        ("SET s inf", "+OK"),
        ("INCRBYFLOAT s -inf", "-ERR increment would produce NaN or Infinity"),
        ("INCRBYFLOAT s 1", "-ERR increment would produce NaN or Infinity"),
        ("SET s ", "+OK"),
        ("INCRBYFLOAT s 1", "-ERR value is not a valid float"),
        ("INCRBYFLOAT s", "-ERR wrong number of arguments for 'incrbyfloat' command"),
        ("SET m 1.18e4932", "+OK"),
        ("INCRBYFLOAT m 1.18e4932", "-ERR increment would produce NaN or Infinity"),
      ]),
  ])
  func `numbers are added and written to the digit as by Redis`(conversation: Conversation) throws {
    try conversation.run()
  }
}
