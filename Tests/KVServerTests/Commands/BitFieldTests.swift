import Testing

/// The replies are those of Redis 7.0.15, recorded from one.
struct BitFieldTests {
  @Test(arguments: [
    Conversation(
      "BITFIELD",
      [
        ("BITFIELD a", "[]"),
        ("BITFIELD a GET u8 0", "[:0]"),
        ("EXISTS a", ":0"),
        ("BITFIELD a SET u8 0 65 SET u8 #1 66", "[:0 :0]"),
        ("GET a", "$AB"),
        (
          "BITFIELD a GET u8 0 GET u16 0 GET i8 4 GET u4 4 GET u1 1 GET i1 1 GET u63 0 GET i64 0",
          "[:65 :16706 :20 :1 :1 :-1 :2351160480464109568 :4702320960928219136]"
        ),
        ("BITFIELD a INCRBY u8 0 -1 INCRBY i5 100 1 GET u4 0", "[:64 :1 :4]"),
        ("STRLEN a", ":14"),
        ("BITFIELD b SET u2 0 3 INCRBY u2 0 1", "[:0 :0]"),
        ("BITFIELD b OVERFLOW SAT INCRBY u2 0 5 INCRBY u2 0 -9", "[:3 :0]"),
        (
          "BITFIELD b OVERFLOW FAIL INCRBY u2 0 5 GET u2 0 OVERFLOW WRAP INCRBY u2 0 5",
          "[nil :0 :1]"
        ),
        (
          "BITFIELD c SET i8 0 127 INCRBY i8 0 1 OVERFLOW SAT INCRBY i8 0 -1 INCRBY i8 0 -500 INCRBY i8 0 500",
          "[:0 :-128 :-128 :-128 :127]"
        ),
        (
          "BITFIELD c OVERFLOW FAIL SET i8 0 128 SET i8 0 -129 SET u8 0 256 SET u8 0 -1",
          "[nil nil nil nil]"
        ),
        (
          "BITFIELD c OVERFLOW SAT SET i8 0 128 SET i8 0 -129 SET u8 0 256 SET u8 0 -1 GET u8 0",
          "[:127 :127 :128 :255 :255]"
        ),
        (
          "BITFIELD c OVERFLOW WRAP SET i8 0 128 SET i8 0 -129 SET u8 0 256 SET u8 0 -1 GET u8 0",
          "[:-1 :-128 :127 :0 :255]"
        ),
        (
          "BITFIELD d SET i64 0 9223372036854775807 INCRBY i64 0 1 OVERFLOW SAT INCRBY i64 0 -1 INCRBY i64 0 9223372036854775807",
          "[:0 :-9223372036854775808 :-9223372036854775808 :-1]"
        ),
        (
          "BITFIELD d SET u63 3 9223372036854775807 INCRBY u63 3 1 OVERFLOW SAT INCRBY u63 3 -1 OVERFLOW FAIL INCRBY u63 3 9223372036854775807",
          "[:9223372036854775804 :0 :0 :9223372036854775807]"
        ),
        ("BITFIELD f OVERFLOW FAIL SET u8 0 256", "[nil]"),
        ("STRLEN f", ":1"),
        ("BITFIELD f OVERFLOW FAIL", "[]"),
        (
          "BITFIELD a GET u64 0",
          "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
        ),
        (
          "BITFIELD a GET i65 0",
          "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
        ),
        (
          "BITFIELD a GET i0 0",
          "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
        ),
        (
          "BITFIELD a GET U8 0",
          "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
        ),
        (
          "BITFIELD a GET u08 0",
          "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
        ),
        ("BITFIELD a GET u8 -1", "-ERR bit offset is not an integer or out of range"),
        ("BITFIELD a GET u8 #-1", "-ERR bit offset is not an integer or out of range"),
        ("BITFIELD a GET u8 x", "-ERR bit offset is not an integer or out of range"),
        ("BITFIELD a GET u8 536870912", "-ERR bit offset is not an integer or out of range"),
        ("BITFIELD a GET u8 #67108864", "-ERR bit offset is not an integer or out of range"),
        ("BITFIELD a GET u8 #67108863", "[:0]"),
        ("BITFIELD a SET u8 0", "-ERR syntax error"),
        ("BITFIELD a SET u8 0 x", "-ERR value is not an integer or out of range"),
        ("BITFIELD a SET u8 0 1 GET", "-ERR syntax error"),
        ("BITFIELD a OVERFLOW FOO SET u8 0 1", "-ERR Invalid OVERFLOW type specified"),
        ("BITFIELD a OVERFLOW", "-ERR syntax error"),
        ("BITFIELD a FOO u8 0", "-ERR syntax error"),
        ("BITFIELD a SET u8 0 1 FOO", "-ERR syntax error"),
        ("BITCOUNT a", ":4"),
        ("BITFIELD_RO a GET u8 0 GET u8 #1", "[:64 :66]"),
        ("BITFIELD_RO a", "[]"),
        ("BITFIELD_RO none GET i64 7", "[:0]"),
        ("BITFIELD_RO a SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"),
        (
          "BITFIELD_RO a INCRBY u8 0 1 GET u8 0",
          "-ERR BITFIELD_RO only supports the GET subcommand"
        ),
        ("BITFIELD_RO a GET u8 0 OVERFLOW SAT", "[:64]"),
        (
          "BITFIELD_RO a GET u64 0",
          "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
        ),
        ("BITFIELD", "-ERR wrong number of arguments for 'bitfield' command"),
      ]),
    Conversation(
      "a field that ends beyond the longest value",
      [
        (
          "BITFIELD a SET u8 536870905 1",
          "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"
        ),
        ("EXISTS a", ":0"), ("BITFIELD a GET u8 536870905", "[:0]"),
      ]),
    Conversation(
      "BITFIELD in RESP3",
      [
        ("BITFIELD b OVERFLOW FAIL SET u8 0 256 GET u8 0", "[nil :0]"),
        ("BITFIELD_RO none GET u1 0", "[:0]"),
        ("GETBIT none 0", ":0"),
        ("BITCOUNT none", ":0"),
        ("BITPOS none 1", ":-1"),
      ], isRESP3: true),
  ])
  func `integers of any width are read and changed as by Redis`(conversation: Conversation) throws {
    try conversation.run()
  }
}
