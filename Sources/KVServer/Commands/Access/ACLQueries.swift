import Base
import KVStore

/// The subcommands of ACL that do not change users: CAT, GENPASS, DRYRUN and LOG.
extension ACLCommand {
  static func cat(_ call: inout Call, _ request: RawSpan) {
    guard call.count <= 3 else { return ContainerCommand.wrongForm(&call, request) }
    guard call.count == 3 else {
      call.reply.array(Categories.names.count)
      for name in Categories.names { call.reply.bulk(name) }
      return
    }
    let name = String(describing: request.extracting(call[2]))
    guard let category = Categories(named: name) else {
      return call.reply.error("ERR Unknown category '\(name.prefix(128))'")
    }
    let found = call.server.table.commands.filter { $0.facts.categories.contains(category) }
    call.reply.array(found.count)
    for command in found { call.reply.bulk(command.name) }
  }

  static func makePassword(_ call: inout Call, _ request: RawSpan) {
    guard call.count <= 3 else { return ContainerCommand.wrongForm(&call, request) }
    var bits: Int64 = 256
    if call.count == 3 {
      guard let given = parseInteger(request.extracting(call[2])) else {
        return call.notAnInteger()
      }
      bits = given
    }
    guard (1...mostBits).contains(bits) else {
      return call.reply.error(
        "ERR ACL GENPASS argument must be the number of bits for the output password, a positive "
          + "number up to \(mostBits)")
    }
    // The system's generator is cryptographically secure.
    var generator = SystemRandomNumberGenerator()
    let digits = (0..<(bits + 3) / 4).map { _ in
      String(generator.next() & 15, radix: 16)
    }
    call.reply.bulk(digits.joined())
  }

  private static let mostBits: Int64 = 4096

  static func dryRun(_ call: inout Call, _ request: RawSpan) {
    let name = String(describing: request.extracting(call[2]))
    guard let user = call.server.users.user([UInt8](copying: request.extracting(call[2]))) else {
      return call.reply.error("ERR User '\(name)' not found")
    }
    let arguments = Array(call.arguments[3...])
    guard let index = call.server.table.index(of: arguments[...], in: request) else {
      let word = String(describing: request.extracting(call[3]))
      return call.reply.error("ERR Command '\(word)' not found")
    }
    let command = call.server.table.commands[index]
    guard command.accepts(argumentCount: arguments.count) else {
      return call.wrongArity(command.name)
    }
    func refuse(_ kind: StaticString, _ name: RawSpan) {
      var text = ByteBuffer()
      text.append("This user has no permissions to access the '")
      text.append(name)
      text.append("' ")
      text.append(kind)
      text.withBytes { call.reply.bulk($0) }
    }
    switch user.refusal(of: index, arguments, in: request) {
    case nil: call.reply.ok()
    case .command:
      call.reply.bulk("This user has no permissions to run the '\(command.name)' command")
    case .key(let argument): refuse("key", request.extracting(arguments[argument]))
    case .channel(let argument): refuse("channel", request.extracting(arguments[argument]))
    }
  }

  // MARK: The log

  static func log(_ call: inout Call, _ request: RawSpan) {
    guard call.count <= 3 else { return ContainerCommand.wrongForm(&call, request) }
    var count: Int64 = 10
    if call.count == 3 {
      let argument = request.extracting(call[2])
      if argument.spells("RESET") {
        call.server.accessLog.reset()
        return call.reply.ok()
      }
      guard let given = parseInteger(argument) else {
        return call.notAnInteger()
      }
      count = max(0, given)
    }
    let entries = call.server.accessLog.newest(Int(count))
    let now = SystemClock.monotonicMilliseconds()
    call.reply.array(entries.count)
    for entry in entries { describe(entry, now: now, in: &call.reply) }
  }

  private static func describe(_ entry: AccessLog.Entry, now: Int64, in reply: inout ReplyWriter) {
    reply.map(7)
    reply.bulk("count")
    reply.integer(entry.count)
    reply.bulk("reason")
    reply.bulk(entry.reason.rawValue)
    reply.bulk("context")
    reply.bulk(entry.context.rawValue)
    reply.bulk("object")
    entry.object.withRawBytes { reply.bulk($0) }
    reply.bulk("username")
    entry.user.withRawBytes { reply.bulk($0) }
    reply.bulk("age-seconds")
    "\(Double(max(0, now - entry.at)) / 1000)".withRawBytes { reply.double($0) }
    reply.bulk("client-info")
    reply.bulk(entry.client)
  }
}
