import Base
import KVStore

/// FUNCTION and FCALL: behave like a Redis without functions. Whatever would create one is refused.
enum FunctionCommand {
  static let commands: [Command] = [
    container,
    Command(
      "fcall", arity: -3, [], group: "scripting", "Invoke a function", .session(missing)),
    Command(
      "fcall_ro", arity: -3, [.readOnly], group: "scripting", "Invoke a read-only function",
      .session(missing)),
  ]

  private static let container = Command(
    container: "function", group: "scripting", "A container for function commands",
    subcommands: [
      Command(
        "function|delete", arity: 3, [.write, .deletes], group: "scripting",
        "Delete a function by name",
        .session { (call, _) in call.reply.error("ERR Library not found") }),
      Command(
        "function|dump", arity: 2, [], group: "scripting",
        "Dump all functions into a serialized binary payload", .session(dump)),
      Command(
        "function|flush", arity: -2, [.write, .deletes], group: "scripting",
        "Deleting all functions", .session(flush)),
      Command(
        "function|kill", arity: 2, [], group: "scripting",
        "Kill the function currently in execution.",
        .session { (call, _) in
          call.reply.error("NOTBUSY No scripts in execution right now.")
        }),
      Command(
        "function|list", arity: -2, [], group: "scripting",
        "List information about all the functions", .session(list)),
      Command(
        "function|load", arity: -3, [.write], group: "scripting",
        "Not supported: kvd has no functions",
        .session { (call, _) in call.reply.error("ERR FUNCTION LOAD \(refusal)") }),
      Command(
        "function|restore", arity: -3, [.write], group: "scripting",
        "Restore all the functions on the given payload", .session(restore)),
      Command(
        "function|stats", arity: 2, [], group: "scripting",
        "Return information about the function currently running (name, description, duration)",
        .session(statistics)),
      Command(
        "function|help", arity: 2, [], group: "scripting",
        "Show helpful text about the different subcommands",
        ContainerCommand.help(
          "function",
          [
            "DELETE <LIBRARY NAME>", "    Delete the given library.",
            "DUMP", "    Return a serialized payload of the current libraries.",
            "FLUSH [ASYNC|SYNC]", "    Delete all the libraries.",
            "KILL", "    Kill the current running function.",
            "LIST [LIBRARYNAME PATTERN] [WITHCODE]",
            "    Return an empty list: kvd has no libraries.",
            "LOAD [REPLACE] <FUNCTION CODE>", "    Not supported: kvd has no functions.",
            "RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]",
            "    Accept a payload without libraries. Others are refused.",
            "STATS", "    Return information about the current function running.",
          ])),
    ])

  private static let refusal =
    "is not supported: kvd has no functions; use EVAL, or SCRIPT LOAD and EVALSHA"

  private static func missing(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.reply.error("ERR Function not found")
  }

  /// A dump of nothing: only version and checksum.
  private static func dump(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var bytes: [UInt8] = []
    ValueDump.appendFooter(to: &bytes)
    call.reply.bulk(bytes.rawSpan)
  }

  private static func flush(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    if call.count > 2 {
      let mode = request.extracting(call[2])
      guard call.count == 3, mode.spells("ASYNC") || mode.spells("SYNC") else {
        return call.reply.error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
      }
    }
    call.reply.ok()
  }

  private static func list(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var index = 2
    while index < call.count {
      let word = request.extracting(call[index])
      if word.spells("WITHCODE") {
        index += 1
      } else if word.spells("LIBRARYNAME") {
        guard index + 1 < call.count else {
          return call.reply.error("ERR library name argument was not given")
        }
        index += 2
      } else {
        var text = ByteBuffer()
        text.append("ERR Unknown argument ")
        text.append(word.quoted(atMost: 128))
        return call.reply.error(text)
      }
    }
    call.reply.array(0)
  }

  private static func restore(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    if call.count > 3 {
      let policy = request.extracting(call[3])
      guard call.count == 4,
        policy.spells("FLUSH") || policy.spells("APPEND") || policy.spells("REPLACE")
      else {
        return call.reply.error(
          "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
      }
    }
    let payload = request.extracting(call[2])
    // A long payload is refused in any case, so its checksum is not computed.
    guard payload.byteCount > longestChecked || ValueDump.isSound(payload) else {
      return call.reply.error("ERR DUMP payload version or checksum are wrong")
    }
    guard payload.byteCount == ValueDump.footerByteCount else {
      return call.reply.error("ERR FUNCTION RESTORE of functions \(refusal)")
    }
    call.reply.ok()
  }

  private static let longestChecked = 64 << 10

  private static func statistics(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.reply.map(2)
    call.reply.bulk("running_script")
    call.reply.null()
    call.reply.bulk("engines")
    call.reply.map(1)
    call.reply.bulk("LUA")
    call.reply.map(2)
    for name in ["libraries_count", "functions_count"] {
      call.reply.bulk(name)
      call.reply.integer(Int64(0))
    }
  }
}
