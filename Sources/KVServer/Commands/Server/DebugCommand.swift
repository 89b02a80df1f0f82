import KVStore

/// The parts of DEBUG that test suites need and that cannot harm stored data. Refused unless
/// `enable-debug-command` allows it.
enum DebugCommand {
  static let command = Command(
    "debug", arity: -2, [.admin], group: "server",
    "A container for debugging commands", .session(run))

  static func run(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let allowed = call.server.options.debugCommands
    guard allowed == .yes || (allowed == .local && call.session.record.isLocal) else {
      call.reply.error(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", "
          + "you can run it from a local connection, otherwise you need to set this option in the "
          + "configuration file, and then restart the server.")
      return
    }
    let name = request.extracting(call[1])
    let word = String(describing: name).lowercased()
    if call.count == 2, word == "help" { return help(&call) }
    if let reason = refusals[word] {
      return call.reply.error("ERR DEBUG \(word.uppercased()) is not supported: \(reason)")
    }
    switch (word, call.count) {
    case ("sleep", 3):
      let seconds = Double(String(describing: request.extracting(call[2]))) ?? 0
      try sleep(milliseconds: Int(max(0, min(seconds, 86_400)) * 1000), &call)
    case ("set-active-expire", 3):
      let text = String(describing: request.extracting(call[2]))
      call.server.expiry.isPaused = (Int(text) ?? 0) == 0
      call.reply.ok()
    case ("error", 3):
      let text = String(describing: request.extracting(call[2]))
      call.reply.error(text)
    case ("log", 3):
      call.server.options.log("DEBUG LOG: \(String(describing: request.extracting(call[2])))")
      call.reply.ok()
    case ("reload", _), ("loadaof", 2): try reload(&call)
    case ("object", 3):
      try describe(request.extracting(call[2]), &call)
    case ("stringmatch-len", 4):
      try matchLength(&call, request)
    case ("stringmatch-test", 2):
      call.reply.simple("Apparently Redis did not crash: test passed")
    case ("protocol", 3):
      writeSample(&call, request.extracting(call[2]))
    case ("change-repl-id", 2), ("pause-cron", 3), ("quicklist-packed-threshold", 3),
      ("set-skip-checksum-validation", 3), ("set-disable-deny-scripts", 3),
      ("config-rewrite-force-all", 2):
      // They configure what kvd does not have. They succeed, so that tests can continue.
      call.reply.ok()
    case ("replybuffer", _) where call.count == 4:
      call.reply.ok()
    default:
      var text = ByteBuffer()
      text.append("ERR unknown subcommand or wrong number of arguments for '")
      text.append(name.extracting(first: min(name.byteCount, 128)))
      text.append("'. Try DEBUG HELP.")
      call.reply.error(text)
    }
  }

  private static let refusals: [String: String] = [
    "restart": "restart the process instead",
    "crash-and-recover": "kill and restart the process instead; acknowledged writes are recovered",
    "jmap": "Redis has no such subcommand",
    "digest": "kvd keeps no digest of the data; 'kvd check' verifies every entry",
    "digest-value": "kvd keeps no digest of the data; 'kvd check' verifies every entry",
    "segfault": "to test recovery, kill the process; acknowledged writes survive",
    "panic": "to test recovery, kill the process; acknowledged writes survive",
    "oom": "to test recovery, kill the process; acknowledged writes survive",
    "assert": "to test recovery, kill the process; acknowledged writes survive",
    "htstats": "kvd has no hash tables of keys",
    "htstats-key": "kvd has no hash tables of keys",
    "listpack": "kvd stores all values in one encoding",
    "quicklist": "kvd stores all values in one encoding",
    "ziplist": "kvd stores all values in one encoding",
    "sdslen": "kvd stores all values in one encoding",
    "mallctl": "the allocator has no such settings",
    "mallctl-str": "the allocator has no such settings",
  ]

  /// SLEEP, in pieces of at most 20 ms. In a transaction, where all writers wait, it is bounded by the time
  /// limit of an evaluation. Otherwise it ends when the server stops.
  private static func sleep(milliseconds: Int, _ call: inout Call) throws(StoreError) {
    var left = milliseconds
    while left > 0 {
      if call.isExecuting {
        guard !call.time.isOver(at: call.meter.clock.now) else { throw .walkStopped }
      } else if call.handle.shouldStop {
        break
      }
      let piece = min(left, 20)
      System.sleep(milliseconds: piece)
      left -= piece
    }
    call.reply.ok()
  }

  /// RELOAD: closes the store and opens it again, which recovers it. All other clients wait meanwhile. Redis's
  /// options concern its dumps; they are ignored.
  private static func reload(_ call: inout Call) throws(StoreError) {
    let isInside = call.isExecuting || call.isInScript
    guard call.server.options.reopen != nil, !isInside else {
      let reason =
        isInside
        ? "not allowed inside a transaction" : "the store is owned by the embedding application"
      return call.reply.error("ERR DEBUG RELOAD is not possible: \(reason)")
    }
    let outcome = call.server.reload.outcome
    guard let before = call.session.reloadsBefore else {
      call.session.reloadsBefore = outcome.count
      call.disposition = .waiting
      call.server.reload.ask()
      return call.server.gate.setReloading(true)
    }
    guard outcome.count > before else {
      call.disposition = .waiting
      return
    }
    call.session.reloadsBefore = nil
    if let error = outcome.error { throw error }
    call.reply.ok()
  }

  /// OBJECT key: a line in Redis's format, in which the encoding and the length are meaningful.
  private static func describe(_ key: RawSpan, _ call: inout Call) throws(StoreError) {
    let limits = call.server.live.current.encodings
    let found = try call.reader.withCut(of: key, through: call.through) {
      (cut) throws(StoreError) -> (encoding: String, byteCount: Int)? in
      guard let encoding = try ObjectCommand.encoding(of: key, limits, &cut) else { return nil }
      return (encoding, try cut.withEntry(of: key) { _, value in value.byteCount })
    }
    guard let found else { return call.reply.error("ERR no such key") }
    call.reply.simple(
      "Value at:0x0 refcount:1 encoding:\(found.encoding) serializedlength:\(found.byteCount) "
        + "lru:0 lru_seconds_idle:0")
  }

  /// STRINGMATCH-LEN length pattern: whether a text of that many `a` matches.
  private static func matchLength(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard let length = parseInteger(request.extracting(call[2])), (0...1 << 20).contains(length)
    else { return call.notAnInteger() }
    let text = request.extracting(call[3])
    // The pattern may be longer than those of other commands, and each of its bytes may be compared with each
    // byte of the text.
    guard text.byteCount * Int(length) <= mostCompared else {
      return call.reply.error(
        "ERR pattern of \(text.byteCount) bytes is too long for a text of \(length) bytes")
    }
    let pattern = GlobPattern(text, longestText: Int(length))
    let matches = pattern.matches([UInt8](repeating: 0x61, count: Int(length)))
    call.reply.integer(Int64(matches ? 1 : 0))
  }

  private static let mostCompared = 1 << 26

  /// PROTOCOL type: a sample value of each type, for developers of clients.
  private static func writeSample(_ call: inout Call, _ kind: RawSpan) {
    let isRESP3 = call.reply.isRESP3
    switch String(describing: kind).lowercased() {
    case "string": call.reply.bulk("Hello World")
    case "integer": call.reply.integer(Int64(12345))
    case "double":
      if isRESP3 { call.reply.line(",3.141") } else { call.reply.bulk("3.141") }
    case "null": call.reply.null()
    case "array":
      call.reply.array(3)
      for number in 0..<3 { call.reply.integer(Int64(number)) }
    case "set":
      call.reply.set(3)
      for number in 0..<3 { call.reply.integer(Int64(number)) }
    case "map":
      call.reply.map(3)
      for number in 0..<3 {
        call.reply.integer(Int64(number))
        call.reply.bool(number == 1)
      }
    case "attrib":
      if isRESP3 {
        call.reply.line("|1")
        call.reply.bulk("key-popularity")
        call.reply.array(2)
        call.reply.bulk("key:123")
        call.reply.integer(Int64(90))
      }
      call.reply.bulk("Some real reply following the attribute")
    case "push":
      guard isRESP3 else { return call.reply.error("ERR RESP2 is not supported by this command") }
      call.reply.line(">2")
      call.reply.bulk("server-cpu-usage")
      call.reply.integer(Int64(42))
    case "verbatim": call.reply.verbatim("This is a verbatim\nstring")
    case "true": call.reply.bool(true)
    case "false": call.reply.bool(false)
    case "bignum":
      let number = "1234567999999999999999999999999999999"
      if isRESP3 { call.reply.line("(" + number) } else { call.reply.bulk(number) }
    default:
      call.reply.error(
        "ERR Wrong protocol type name. Please use one of the following: "
          + "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false")
    }
  }

  private static func help(_ call: inout Call) {
    let lines: [String] = [
      "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "ERROR <string>",
      "    Return an error with <string> as message.", "LOG <message>",
      "    Write <message> to the server log.", "RELOAD",
      "    Close and reopen the store. All clients wait meanwhile.", "OBJECT <key>",
      "    Show the encoding that Redis would use and the length of the entry.", "PROTOCOL <type>",
      "    Reply with a test value of the specified type. <type> can be: string,",
      "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
      "    true, false.", "SET-ACTIVE-EXPIRE <0|1>",
      "    Setting it to 0 disables expiring keys in background when they are not",
      "    accessed. Setting it to 1 reenables it.", "SLEEP <seconds>",
      "    Stop the I/O thread of this client for <seconds>. Decimals allowed.",
      "STRINGMATCH-LEN <length> <pattern>",
      "    Return 1 if a text of <length> 'a' characters matches <pattern>, else 0.", "HELP",
      "    Prints this help.",
    ]
    call.reply.array(lines.count)
    for line in lines { call.reply.simple(line) }
  }
}
