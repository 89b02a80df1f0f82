import Base
import KVStore

/// ACL: which users may log in, and what each of them may do.
enum ACLCommand {
  static let command = Command(
    container: "acl", group: "server", "A container for Access List Control commands",
    subcommands: [
      subcommand("cat", -2, [], "List the ACL categories or the commands inside a category", cat),
      subcommand(
        "deluser", -3, [.admin, .noTransaction],
        "Remove the specified ACL users and the associated rules",
        removeUsers),
      subcommand(
        "dryrun", -4, [.admin],
        "Returns whether the user can execute the given command without executing the command.",
        dryRun),
      subcommand(
        "genpass", -2, [], "Generate a pseudorandom secure password to use for ACL users",
        makePassword),
      subcommand("getuser", 3, [.admin], "Get the rules for a specific ACL user", getUser),
      Command(
        "acl|help", arity: 2, [], group: "server",
        "Show helpful text about the different subcommands",
        ContainerCommand.help("acl", helpLines)),
      subcommand("list", 2, [.admin], "List the current ACL rules in ACL config file format", list),
      subcommand(
        "load", 2, [.admin, .noTransaction], "Reload the ACLs from the configured ACL file", load),
      subcommand("log", -2, [.admin], "List latest events denied because of ACLs in place", log),
      subcommand(
        "save", 2, [.admin, .noTransaction],
        "Save the current ACL rules in the configured ACL file", save),
      subcommand(
        "setuser", -3, [.admin, .noTransaction],
        "Modify or create the rules for a specific ACL user", setUser),
      subcommand("users", 2, [.admin], "List the username of all the configured ACL rules", names),
      subcommand(
        "whoami", 2, [], "Return the name of the user associated to the current connection", whoAmI),
    ])

  private static func subcommand(
    _ name: String, _ arity: Int, _ flags: Command.Flags, _ summary: String,
    _ handler: @escaping Command.SessionHandler
  ) -> Command {
    Command("acl|\(name)", arity: arity, flags, group: "server", summary, .session(handler))
  }

  private static let helpLines = [
    "CAT [<category>]",
    "    List all commands that belong to <category>, or all command categories",
    "    when no category is specified.",
    "DELUSER <username> [<username> ...]",
    "    Delete a list of users.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Returns whether the user can execute the given command without executing the command.",
    "GETUSER <username>",
    "    Get the user's details.",
    "GENPASS [<bits>]",
    "    Generate a secure 256-bit user password. The optional `bits` argument can",
    "    be used to specify a different size.",
    "LIST",
    "    Show users details in config file format.",
    "LOAD",
    "    Reload users from the ACL file.",
    "LOG [<count> | RESET]",
    "    Show the ACL log entries.",
    "SAVE",
    "    Save the current config to the ACL file.",
    "SETUSER <username> <attribute> [<attribute> ...]",
    "    Create or modify a user with the specified attributes.",
    "USERS",
    "    List all the registered usernames.",
    "WHOAMI",
    "    Return the current connection username.",
  ]

  // MARK: Users

  static func setUser(_ call: inout Call, _ request: RawSpan) {
    let name = [UInt8](copying: request.extracting(call[2]))
    guard !name.hasSpaces else {
      return call.reply.error("ERR Usernames can't contain spaces or null characters")
    }
    guard name.count <= longestName else {
      return call.reply.error("ERR Usernames can't be longer than \(longestName) bytes")
    }
    guard call.count - 3 <= User.ruleLimit,
      request.byteCount - name.count <= User.ruleByteLimit
    else {
      return call.reply.error(
        "ERR ACL SETUSER accepts at most \(User.ruleLimit) rules and \(User.ruleByteLimit) bytes in total"
      )
    }
    let words = (3..<call.count).map { [UInt8](copying: request.extracting(call[$0])) }
    switch User.merge(words) {
    case .failure(let unmatched):
      quote("ERR Unmatched parenthesis in acl selector starting at '", unmatched.rule, "'.", &call)
    case .success(let rules):
      let users = call.server.users
      change(&call) { () throws(Users.Failure) -> Change in
        try users.change(name, by: rules)
        return Change()
      }
    }
  }

  /// What happens after a change of users.
  private struct Change {
    /// Tells whether the clients of the user with this name are closed; nil closes none.
    var closes: (@Sendable ([UInt8]) -> Bool)?
    var reply: BackgroundWork.Completion = { $0.reply.ok() }
  }

  /// Changes users on the side thread, so that no event loop waits for the file that stores them.
  ///
  /// The side thread also applies the change to all other clients. It cannot be left to this client's event
  /// loop, because the client may be gone before its reply. Only the reply, and the effect on this client, are
  /// left for that loop.
  private static func change(
    _ call: inout Call, _ work: @escaping @Sendable () throws(Users.Failure) -> Change
  ) {
    let server = call.server
    let own = call.session.record
    call.onSideThread { () -> BackgroundWork.Completion in
      do throws(Users.Failure) {
        let change = try work()
        server.gate.change()
        let isOwnClosed = change.closes.map { closeClients(server, but: own, $0) } ?? false
        return { call in
          change.reply(&call)
          call.refreshGate()
          if isOwnClosed { call.disposition = .close }
        }
      } catch {
        log(error, server)
        return { fail(error, &$0) }
      }
    }
  }

  /// Names stay in memory and appear in every line of CLIENT LIST.
  private static let longestName = 1024

  static func removeUsers(_ call: inout Call, _ request: RawSpan) {
    let names = (2..<call.count).map { [UInt8](copying: request.extracting(call[$0])) }
    guard !names.contains(User.defaultName) else {
      return call.reply.error("ERR The 'default' user cannot be removed")
    }
    let users = call.server.users
    change(&call) { () throws(Users.Failure) -> Change in
      let removed = Set(try users.remove(names))
      return Change(closes: { removed.contains($0) }) { $0.reply.integer(Int64(removed.count)) }
    }
  }

  static func getUser(_ call: inout Call, _ request: RawSpan) {
    let name = [UInt8](copying: request.extracting(call[2]))
    guard let user = call.server.users.user(name) else { return call.reply.null() }
    call.reply.map(6)
    call.reply.bulk("flags")
    call.reply.set(user.flags.count)
    for flag in user.flags { call.reply.bulk(flag) }
    call.reply.bulk("passwords")
    call.reply.array(user.passwords.count)
    for password in user.passwords { password.withRawBytes { call.reply.bulk($0) } }
    describe(user.selectors[0], in: &call.reply)
    call.reply.bulk("selectors")
    call.reply.array(user.selectors.count - 1)
    for selector in user.selectors.dropFirst() {
      call.reply.map(3)
      describe(selector, in: &call.reply)
    }
  }

  private static func describe(_ selector: Selector, in reply: inout ReplyWriter) {
    reply.bulk("commands")
    reply.bulk(selector.commands.description)
    reply.bulk("keys")
    selector.keyText.withRawBytes { reply.bulk($0) }
    reply.bulk("channels")
    selector.channelText.withRawBytes { reply.bulk($0) }
  }

  static func list(_ call: inout Call, _ request: RawSpan) {
    let users = call.server.users.all
    call.reply.array(users.count)
    for user in users { user.description.withRawBytes { call.reply.bulk($0) } }
  }

  static func names(_ call: inout Call, _ request: RawSpan) {
    let users = call.server.users.all
    call.reply.array(users.count)
    for user in users { user.name.withRawBytes { call.reply.bulk($0) } }
  }

  static func whoAmI(_ call: inout Call, _ request: RawSpan) {
    (call.session.user?.name ?? User.defaultName).withRawBytes { call.reply.bulk($0) }
  }

  // MARK: The file

  static func load(_ call: inout Call, _ request: RawSpan) {
    guard call.server.users.home == .file else { return refuseFile(&call) }
    let users = call.server.users
    change(&call) { () throws(Users.Failure) -> Change in
      try users.load()
      // As in Redis: the users that the clients logged in as may have changed.
      return Change(closes: { $0 != User.defaultName })
    }
  }

  static func save(_ call: inout Call, _ request: RawSpan) {
    guard call.server.users.home == .file else { return refuseFile(&call) }
    let users = call.server.users
    change(&call) { () throws(Users.Failure) -> Change in
      try users.save()
      return Change()
    }
  }

  private static func refuseFile(_ call: inout Call) {
    call.reply.error(
      call.server.users.home == .configuration
        ? "ERR This Redis instance is not configured to use an ACL file. You may want to specify users "
          + "via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis "
          + "configuration file set) in order to store users in the Redis configuration."
        : "ERR This Redis instance is not configured to use an ACL file. kvd stores its users in "
          + "\(Users.fileName) in its data folder and saves every change there.")
  }

  private static func log(_ failure: Users.Failure, _ server: ServerState) {
    switch failure {
    case .file, .fileStays: server.options.log("cannot save the users: \(failure.description)")
    case .invalidFile, .invalidConfiguration, .rule, .tooLong: break
    }
  }

  private static func fail(_ failure: Users.Failure, _ call: inout Call) {
    switch failure {
    case .file, .fileStays:
      call.reply.error("ERR There was an error trying to save the ACLs: \(failure.description)")
    case .invalidFile(let problems), .invalidConfiguration(let problems):
      call.reply.error("ERR \(problems)")
    case .tooLong: call.reply.error("ERR \(failure.description)")
    case .rule(let error, let rule):
      quote("ERR Error in ACL SETUSER modifier '", rule, "': \(error.text)", &call)
    }
  }

  // MARK: Sessions

  /// Closes the clients of the users that `isMeant` selects, except `own`. Returns whether `own` is one of
  /// them; it must be closed after its reply.
  private static func closeClients(
    _ server: ServerState, but own: ClientRecord, _ isMeant: ([UInt8]) -> Bool
  ) -> Bool {
    let doomed = server.clients.all.filter { $0 !== own && isMeant($0.labels.withLock { $0.user }) }
    server.gate.kill(doomed)
    return isMeant(own.labels.withLock { $0.user })
  }

  /// Replies with an error that quotes bytes sent by the client.
  private static func quote(
    _ before: StaticString, _ bytes: [UInt8], _ after: String, _ call: inout Call
  ) {
    var text = ByteBuffer()
    text.append(before)
    bytes.withRawBytes { text.append($0) }
    after.withRawBytes { text.append($0) }
    call.reply.error(text)
  }
}
