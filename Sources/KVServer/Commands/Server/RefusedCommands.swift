import KVStore

/// Redis commands that clients and tools try but that make no sense here. Each is refused with the reason, or
/// succeeds because there is nothing to do.
enum RefusedCommands {
  static let commands: [Command] = [
    refused("replicaof", arity: 3, "server", replicas, flags: [.admin], isAllowed: isNoOne),
    refused("slaveof", arity: 3, "server", replicas, flags: [.admin], isAllowed: isNoOne),
    Command(
      "failover", arity: -1, [.admin, .noTransaction], group: "server",
      "Start a coordinated failover between this server and one of its replicas.",
      .session { (call, request) in
        if call.count == 2, request.extracting(call[1]).spells("ABORT") {
          return call.reply.error("ERR No failover in progress.")
        }
        call.reply.error("ERR FAILOVER requires connected replicas.")
      }),
    Command(
      "cluster", arity: -2, [.admin], group: "cluster", "A container for cluster commands",
      .session { (call, _) in
        call.reply.error("ERR This instance has cluster support disabled")
      }),
    Command(
      "module", arity: -2, [.noTransaction], group: "server",
      "A container for module commands",
      .session { (call, request) in
        if call.count == 2, request.extracting(call[1]).spells("LIST") {
          return call.reply.array(0)
        }
        call.reply.error("ERR MODULE command not allowed. kvd does not support modules")
      }),
    refused("subscribe", arity: -2, "pubsub", channels),
    refused("psubscribe", arity: -2, "pubsub", channels),
    refused("ssubscribe", arity: -2, "pubsub", channels),
    refused("unsubscribe", arity: -1, "pubsub", channels),
    refused("punsubscribe", arity: -1, "pubsub", channels),
    refused("sunsubscribe", arity: -1, "pubsub", channels),
    refused("publish", arity: 3, "pubsub", channels),
    refused("spublish", arity: 3, "pubsub", channels),
    refused("pubsub", arity: -2, "pubsub", channels),
  ]

  private static let replicas = "kvd has no replication"
  private static let channels = "kvd has no publish/subscribe"

  private static func refused(
    _ name: String, arity: Int, _ group: String, _ reason: String,
    flags: Command.Flags = [],
    isAllowed: (@Sendable (borrowing Call, RawSpan) -> Bool)? = nil
  ) -> Command {
    Command(
      name, arity: arity, flags.union(.noTransaction), group: group, "Not supported: \(reason)",
      .session { (call, request) in
        if let isAllowed, isAllowed(call, request) { return call.reply.ok() }
        // The gate does not check the channels of a user that may run every command on every key.
        let command = call.server.table.commands[call.command]
        if let refusal = call.session.user?.refusal(of: call.command, call.arguments, in: request) {
          Gate.log(refusal, command, &call, request)
          return call.reply.error("NOPERM \(refusal.text(command))")
        }
        call.reply.error("ERR \(name.uppercased()) is not supported: \(reason)")
      })
  }

  /// REPLICAOF NO ONE asks for the state that the server is in already.
  @Sendable private static func isNoOne(_ call: borrowing Call, _ request: RawSpan) -> Bool {
    request.extracting(call[1]).spells("NO") && request.extracting(call[2]).spells("ONE")
  }
}
