import KVStore

/// EVAL, EVALSHA and their read-only forms, and SCRIPT.
///
/// Like EXEC, a script is one evaluation, and therefore one atomic batch. A script that fails writes nothing.
enum Scripts {
  static let commands: [Command] = [
    Command(
      "eval", arity: -3, [.script, .mayWrite], group: "scripting",
      "Execute a Lua script server side", .write(runner(byDigest: false, isReadOnly: false))),
    Command(
      "evalsha", arity: -3, [.script, .mayWrite], group: "scripting",
      "Execute a Lua script server side", .write(runner(byDigest: true, isReadOnly: false))),
    Command(
      "eval_ro", arity: -3, [.script, .readOnly], group: "scripting",
      "Execute a read-only Lua script server side",
      .write(runner(byDigest: false, isReadOnly: true))),
    Command(
      "evalsha_ro", arity: -3, [.script, .readOnly], group: "scripting",
      "Execute a read-only Lua script server side",
      .write(runner(byDigest: true, isReadOnly: true))),
    Command(
      container: "script", group: "scripting", "A container for Lua scripts management commands",
      subcommands: [
        Command(
          "script|load", arity: 3, [], group: "scripting",
          "Load the specified Lua script into the script cache.", .session(load)),
        Command(
          "script|exists", arity: -3, [], group: "scripting",
          "Check existence of scripts in the script cache.", .session(exists)),
        Command(
          "script|flush", arity: -2, [], group: "scripting",
          "Remove all the scripts from the script cache.", .session(flush)),
        Command(
          "script|kill", arity: 2, [], group: "scripting",
          "Kill the script currently in execution.",
          .session(kill)),
        Command(
          "script|debug", arity: 3, [], group: "scripting",
          "Set the debug mode for executed scripts.",
          .session { (call, _) in
            call.reply.error(
              "ERR SCRIPT DEBUG is not supported: a script blocks all writers while it runs")
          }),
        Command(
          "script|help", arity: 2, [], group: "scripting",
          "Show helpful text about the different subcommands", ContainerCommand.help("script", help)
        ),
      ]),
  ]

  private static let help = [
    "EXISTS <sha1> [<sha1> ...]",
    "    Return information about the existence of the scripts in the script cache.",
    "FLUSH [ASYNC|SYNC]",
    "    Flush the Lua scripts cache.",
    "KILL",
    "    Kill the currently executing Lua script.",
    "LOAD <script>",
    "    Load a script into the scripts cache without executing it.",
  ]

  /// Prefetches the keys that a script declares. Returns by how many bytes the batch is expected to exceed the
  /// request: 0, because what a script writes is known only after it has run.
  @inline(never)
  static func touch(
    _ command: Command, _ call: borrowing Call, _ request: RawSpan, _ seen: inout PrefetchBudget
  ) throws(StoreError) -> Int {
    call.lua.settle()
    guard !seen.isSpent else { return 0 }
    for use in command.keyUses(call.arguments, in: request) ?? [] {
      guard case .argument(let index) = use.place, call[index].count <= Limits.keyByteCount,
        seen.insert(request.extracting(call[index]))
      else { continue }
      _ = try call.touchReplaced(request.extracting(call[index]), &seen)
    }
    return 0
  }

  private static func runner(byDigest: Bool, isReadOnly: Bool) -> Command.EvaluationHandler {
    { (evaluation, call, request) throws(StoreError) in
      guard let count = keyCount(&call, request, byDigest: byDigest),
        let script = script(&call, request, byDigest: byDigest)
      else { return }
      if isReadOnly, script.hasFlags, !script.isReadOnly {
        return call.reply.error(
          "ERR Can not execute a script with write flag using *_ro command.")
      }
      try run(
        script, keyCount: count, isReadOnly: isReadOnly || script.isReadOnly, &evaluation, &call,
        request)
    }
  }

  /// How many of the arguments are keys; nil, with the error written, if the request is refused.
  private static func keyCount(
    _ call: inout Call, _ request: RawSpan, byDigest: Bool
  ) -> Int? {
    if byDigest, call[1].count != 40 {
      noScript(&call)
    } else if let count = parseInteger(request.extracting(call[2])) {
      if count > call.count - 3 {
        call.reply.error("ERR Number of keys can't be greater than number of args")
      } else if count < 0 {
        call.reply.error("ERR Number of keys can't be negative")
      } else {
        return Int(count)
      }
    } else {
      call.reply.error("ERR value is not an integer or out of range")
    }
    return nil
  }

  private static func script(
    _ call: inout Call, _ request: RawSpan, byDigest: Bool
  ) -> Script? {
    let text = request.extracting(call[1])
    if byDigest {
      let found = call.server.scripts.script(text)
      if found == nil { noScript(&call) }
      return found
    }
    do throws(Script.Refusal) {
      try Script.checkLength(of: text)
      let digest = SHA1.hexadecimal(of: text)
      if let known = digest.withRawBytes({ call.server.scripts.script($0) }) { return known }
      return try Script(text, digest: digest)
    } catch {
      call.reply.error(error.text)
      return nil
    }
  }

  private static func noScript(_ call: inout Call) {
    call.reply.error("NOSCRIPT No matching script. Please use EVAL.")
  }

  private static func run(
    _ script: Script, keyCount: Int, isReadOnly: Bool, _ evaluation: inout Evaluation,
    _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    // As in Redis, MONITOR shows the script before the commands that it calls.
    if call.meter.isMonitored, !call.isRerun {
      call.server.monitors.tell(call.arguments, in: request, from: call.session.record.origin)
    }
    let start = call.reply.count
    var run = ScriptRun(
      isReadOnly: isReadOnly, replyLimit: call.server.options.scriptMemoryByteCount)
    let lua = call.lua
    let texts = call.arguments
    call.server.runningScript.begin()
    let outcome = lua.run(
      script, keys: texts[3..<(3 + keyCount)], arguments: texts[(3 + keyCount)...], request, &run,
      &evaluation, &call)
    // Not earlier: `error(of:)` asks whether the script was killed.
    defer { call.server.runningScript.end() }
    if let failure = run.failure {
      throw call.abandons("script", failure, &evaluation) ? .abandoned : failure
    }
    // The overflow is reported in place of the reply, whatever the script did after it.
    if call.isReplyLost { return call.server.scripts.add(script) }
    guard let error = error(of: outcome, run, call) else {
      call.server.scripts.add(script)
      return
    }
    // As in Redis, a script is known from its first successful compilation on.
    if !error.starts(with: notCompiled) { call.server.scripts.add(script) }
    call.reply.takeBack(to: start)
    if run.hasWritten {
      call.abandonment = Abandonment(
        error: error, isCounted: run.isErrorCounted, expired: evaluation.expiredKeysSeen)
      throw .abandoned
    }
    error.withRawBytes { call.reply.error($0, isCounted: run.isErrorCounted) }
  }

  private static let notCompiled = [UInt8]("ERR Error compiling script".utf8)

  /// The error that the script ended with; nil if there was none.
  private static func error(
    of outcome: LuaMachine.Outcome, _ run: borrowing ScriptRun, _ call: borrowing Call
  ) -> [UInt8]? {
    switch outcome {
    case .done: nil
    case .failed: run.error ?? [UInt8]("ERR unknown error".utf8)
    case .late: call.time.refusal(of: "script")
    case .ended where !call.server.runningScript.isKilled: call.time.refusal(of: "script")
    case .ended: [UInt8]("ERR Script killed by user with SCRIPT KILL; nothing was written".utf8)
    case .starved:
      [UInt8](
        ("ERR the script was stopped because it used more than "
          + "\(call.server.options.scriptMemoryByteCount) bytes of memory; nothing was written")
          .utf8)
    }
  }

  static func load(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let text = request.extracting(call[2])
    let script: Script
    do throws(Script.Refusal) {
      try Script.checkLength(of: text)
      script = try Script(text, digest: SHA1.hexadecimal(of: text))
    } catch {
      return call.reply.error(error.text)
    }
    var run = ScriptRun(isReadOnly: true, replyLimit: 0)
    let lua = call.lua
    let outcome = lua.compile(script, &run, &call)
    if let error = error(of: outcome, run, call) {
      return error.withRawBytes { call.reply.error($0) }
    }
    call.server.scripts.add(script)
    script.digest.withRawBytes { call.reply.bulk($0) }
  }

  /// Works only from a client of another I/O thread, because the script's own thread reads no requests while it
  /// runs.
  static func kill(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard call.server.runningScript.kill() else {
      return call.reply.error("NOTBUSY No scripts in execution right now.")
    }
    call.reply.ok()
  }

  static func exists(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.reply.array(call.count - 2)
    for index in 2..<call.count {
      let isKnown = call.server.scripts.contains(request.extracting(call[index]))
      call.reply.integer(Int64(isKnown ? 1 : 0))
    }
  }

  static func flush(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let mode = call.count == 3 ? request.extracting(call[2]) : nil
    guard call.count == 2 || mode?.spells("SYNC") == true || mode?.spells("ASYNC") == true else {
      return call.reply.error("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
    }
    call.server.scripts.removeAll()
    call.reply.ok()
  }
}
