import Base
import KVStore

/// AUTH, HELLO and RESET: the user of a connection, and its protocol version.
enum Authentication {
  static let commands: [Command] = [
    Command(
      "hello", arity: -1, [.fast], group: "connection", "Handshake with Redis", .session(hello)),
    Command(
      "auth", arity: -2, [.fast], group: "connection", "Authenticate to the server",
      .session(authenticate)),
    Command(
      "reset", arity: 1, [.fast, .immediate], group: "connection", "Reset the connection",
      .session(reset)),
  ]

  /// AUTH [user] password
  static func authenticate(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard call.count <= 3 else { return call.syntaxError() }
    var name = User.defaultName
    if call.count == 3 {
      name = [UInt8](copying: request.extracting(call[1]))
    } else if call.server.users.defaultUser.needsNoPassword {
      // A client that sends a password must not believe that it was checked.
      return call.reply.error(
        "ERR AUTH <password> called without any password configured for the default user. "
          + "Are you sure your configuration is correct?")
    }
    if logIn(name, request.extracting(call[call.count - 1]), &call, request) { call.reply.ok() }
  }

  /// HELLO [protocol [AUTH user password] [SETNAME name]]
  static func hello(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    var version = call.reply.isRESP3 ? 3 : 2
    if call.count > 1 {
      guard let number = parseInteger(request.extracting(call[1])) else {
        call.reply.error("ERR Protocol version is not an integer or out of range")
        return
      }
      guard number == 2 || number == 3 else {
        call.reply.error("NOPROTO unsupported protocol version")
        return
      }
      version = Int(number)
    }
    guard let options = HelloOptions(&call, request) else { return }
    if let (user, password) = options.login {
      let name = [UInt8](copying: request.extracting(call[user]))
      guard logIn(name, request.extracting(call[password]), &call, request) else { return }
    }
    guard call.session.isAuthenticated else {
      call.reply.error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
          + "AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
          + "protocol version at the same time")
      return
    }
    if let name = options.name {
      guard ClientCommand.setName(&call, request.extracting(call[name])) else { return }
    }
    call.reply.isRESP3 = version == 3
    call.session.record.protocolVersion.store(version, ordering: .relaxed)
    call.reply.map(7)
    call.reply.bulk("server")
    call.reply.bulk("redis")
    call.reply.bulk("version")
    call.reply.bulk(Version.redis)
    call.reply.bulk("proto")
    call.reply.integer(Int64(version))
    call.reply.bulk("id")
    call.reply.integer(call.session.id)
    call.reply.bulk("mode")
    call.reply.bulk("standalone")
    call.reply.bulk("role")
    call.reply.bulk("master")
    call.reply.bulk("modules")
    call.reply.array(0)
  }

  /// Logs the connection in. Returns false, with the error written, if user and password are not accepted.
  private static func logIn(
    _ name: [UInt8], _ password: RawSpan, _ call: inout Call, _ request: RawSpan
  ) -> Bool {
    guard password.byteCount <= User.passwordByteLimit else {
      call.reply.error("ERR \(User.refusal(ofPasswordOf: password.byteCount))")
      return false
    }
    guard let user = call.server.users.user(name), user.accepts(password) else {
      call.logRefusal(
        .auth, of: [UInt8](copying: request.extracting(call[0])),
        Array(name.prefix(AccessLog.objectByteCount)), request)
      call.reply.error("WRONGPASS invalid username-password pair or user is disabled.")
      return false
    }
    call.session.user = user
    call.session.isAuthenticated = true
    call.session.record.labels.withLock { $0.user = name }
    call.refreshGate()
    return true
  }

  /// RESET: ends the transaction, and gives the connection the name, user, reply mode and protocol version of a
  /// new one. Its id stays.
  static func reset(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    call.session.endTransaction()
    call.session.record.labels.withLock {
      $0.name = ""
      $0.user = User.defaultName
    }
    call.session.user = nil
    call.session.isAuthenticated = false
    call.session.replyMode = .on
    call.refreshGate()
    call.reply.isRESP3 = false
    call.session.record.protocolVersion.store(2, ordering: .relaxed)
    call.reply.simple("RESET")
  }
}

/// The options after HELLO's protocol version, as argument indices.
private struct HelloOptions {
  private(set) var login: (user: Int, password: Int)?
  private(set) var name: Int?

  /// Nil, with the error written, if the options are invalid.
  init?(_ call: inout Call, _ request: RawSpan) {
    var index = 2
    while index < call.count {
      let option = request.extracting(call[index])
      if option.spells("AUTH"), index + 2 < call.count {
        login = (index + 1, index + 2)
        index += 3
      } else if option.spells("SETNAME"), index + 1 < call.count {
        guard ClientCommand.checkName(&call, request.extracting(call[index + 1])) else {
          return nil
        }
        name = index + 1
        index += 2
      } else {
        var text = ByteBuffer()
        text.append("ERR Syntax error in HELLO option '")
        text.append(option)
        text.append("'")
        call.reply.error(text)
        return nil
      }
    }
  }
}
