import Base
import KVStore

/// All users, and the file that they are kept in.
///
/// They are kept in only one place, so that it is always clear which definition applies:
///
///     the configuration has   read at the start from    written by
///     an `aclfile`            that file                 ACL SAVE, as in Redis
///     lines `user …`          those lines               CONFIG REWRITE, as in Redis
///     neither                 users.acl, if it exists   every change, before it takes effect
///
/// So with neither, acknowledged changes survive a crash. Once users were set up in a file, a file that is
/// missing or names no users is refused (`UsersConfiguredMark`): it must not open the store to everyone.
final class Users: Sendable {
  enum Failure: Error {
    case rule(AccessRuleError, rule: [UInt8])
    case file(StoreError)
    /// As `file`, and the file could not be restored: it contains users that are not in effect.
    case fileStays(StoreError, path: String)
    /// All users together would be longer than `byteLimit`.
    case tooLong(byteCount: Int)
    case invalidFile(String)
    case invalidConfiguration(String)

    var description: String {
      switch self {
      case .rule(let error, let rule):
        "'\(String(decoding: rule, as: UTF8.self))': \(error.text)"
      case .file(let error): "\(error)"
      case .tooLong(let byteCount):
        "the users would take \(byteCount) bytes in ACL LIST, more than the limit of \(Users.byteLimit) bytes"
      case .fileStays(let error, let path):
        "\(error); \(path) contains the change anyway, which will take effect at the next start"
      case .invalidFile(let problems), .invalidConfiguration(let problems): problems
      }
    }
  }

  static let fileName = "users.acl"
  /// The most bytes that ACL SETUSER lets all users take together in ACL LIST: every change writes and
  /// reads all of them.
  static let byteLimit = 4 << 20

  /// Where users are kept.
  enum Home {
    case folder
    case file
    case configuration
  }

  private let table: CommandTable
  let mark: UsersConfiguredMark
  private let users: Lock<[[UInt8]: User]>
  /// The value of `requirepass`, and how often it was set.
  private let newestPassword = Lock((revision: 0, text: ""))
  /// Held while users are changed, from reading them until they are in the file. Never taken by an event
  /// loop.
  private let changes = Lock(())
  private let path: String
  let home: Home
  private let channelDefault: Lock<AccessOptions.ChannelDefault>

  /// Reads the users from where they are kept.
  init(
    options: AccessOptions, dataPath: String, table: CommandTable, mark: UsersConfiguredMark
  ) throws(Failure) {
    self.table = table
    self.mark = mark
    home = !options.userLines.isEmpty ? .configuration : options.userFile.isEmpty ? .folder : .file
    path = options.userFile.isEmpty ? "\(dataPath)/\(Self.fileName)" : options.userFile
    channelDefault = Lock(options.channelDefault)
    let defaultUser = User.unrestricted(table: table)
    users = Lock([defaultUser.name: defaultUser])
    guard home == .configuration else {
      try load(mayBeAbsent: home == .folder)
      if !options.password.isEmpty { setPassword(options.password) }
      return
    }
    try refuseFile(options)
    // As in Redis, a line for `default` overrides its password.
    if !options.password.isEmpty { setPassword(options.password) }
    let declared = try DeclaredUsers(table: table, channels: options.channelDefault)
      .users(in: options.userLines)
    users.withLock { $0.merge(declared) { $1 } }
  }

  /// If the configuration declares users, there must be no user file.
  private func refuseFile(_ options: AccessOptions) throws(Failure) {
    try Self.refuseFile(options, at: path)
  }

  private static func refuseFile(_ options: AccessOptions, at path: String) throws(Failure) {
    guard options.userFile.isEmpty else {
      throw .invalidConfiguration(
        "Configuring Redis with users defined in redis.conf and at the same setting an ACL file path "
          + "is invalid. This setup is very likely to lead to configuration errors and security "
          + "holes, please define either an ACL file or declare users directly in your redis.conf, "
          + "but not both.")
    }
    let kept: [UInt8]?
    do throws(StoreError) { kept = try SmallFile.contents(of: path) } catch { throw .file(error) }
    guard kept == nil else {
      throw .invalidConfiguration(
        "users are defined both by 'user' lines in the configuration file and in \(path), where kvd has kept "
          + "them until now: move all of them to one place, then remove that file or those lines")
    }
  }

  /// Whether the configuration and the file define valid users. Checked before a store is opened.
  static func check(
    _ options: AccessOptions, dataPath: String, table: CommandTable
  ) throws(Failure) {
    let path = options.userFile.isEmpty ? "\(dataPath)/\(fileName)" : options.userFile
    if !options.userLines.isEmpty {
      try refuseFile(options, at: path)
      _ = try DeclaredUsers(table: table, channels: options.channelDefault)
        .users(in: options.userLines)
      return
    }
    let bytes: [UInt8]?
    do throws(StoreError) {
      bytes = try SmallFile.contents(of: path)
    } catch {
      // If the directory cannot be used, opening the store gives a better error.
      if options.userFile.isEmpty { return }
      throw .file(error)
    }
    if let bytes {
      _ = try UserFile(path: path, table: table, channels: options.channelDefault).users(in: bytes)
    } else if !options.userFile.isEmpty {
      throw .invalidFile(
        "Error loading ACLs, opening file '\(path)': \(IOError.text(ofErrno: 2))")
    }
  }

  /// Applies to users created from now on.
  func setChannelDefault(_ channels: AccessOptions.ChannelDefault) {
    channelDefault.withLock { $0 = channels }
  }

  /// Reads the users again from where they are kept. If anything is wrong there, nothing changes.
  func reread(_ options: AccessOptions) throws(Failure) {
    guard home == .configuration else {
      // `default` must never be without its password, not even for a moment.
      return try load(mayBeAbsent: home == .folder, password: options.password)
    }
    let declared = try DeclaredUsers(table: table, channels: options.channelDefault)
      .users(in: options.userLines)
    try changes.withLock { (_) throws(Failure) in
      let defaultUser = self.defaultUser
      users.withLock { $0 = [defaultUser.name: defaultUser].merging(declared) { $1 } }
    }
  }

  // MARK: Look-ups

  func user(_ name: [UInt8]) -> User? { users.withLock { $0[name] } }

  /// Sorted by name.
  var all: [User] {
    users.withLock { $0.values.sorted { $0.name.lexicographicallyPrecedes($1.name) } }
  }

  /// The user that clients are before they log in; it always exists.
  var defaultUser: User {
    users.withLock { $0[User.defaultName] } ?? User.unrestricted(table: table)
  }

  // MARK: Changes

  /// Creates or changes the user `name`: applies all rules or none.
  func change(_ name: [UInt8], by rules: [[UInt8]]) throws(Failure) {
    let channels = channelDefault.withLock { $0 }
    try change { (users) throws(Failure) in
      var user = users[name] ?? User(name: name, table: table, channels: channels)
      user.channelDefault = channels
      for rule in rules {
        do throws(AccessRuleError) {
          try user.apply(rule)
        } catch {
          throw .rule(error, rule: rule)
        }
      }
      let byteCount = users[name]?.description.count ?? 0
      users[name] = user
      try checkLength(users, ifMoreThan: byteCount, of: user)
    }
  }

  /// A user that has become no longer than `former` is always accepted: the file may already have exceeded
  /// the limit.
  private func checkLength(
    _ users: [[UInt8]: User], ifMoreThan former: Int, of user: User
  ) throws(Failure) {
    guard user.description.count > former else { return }
    let byteCount = users.values.reduce(0) { $0 + $1.description.count + 1 }
    guard byteCount <= Self.byteLimit else { throw .tooLong(byteCount: byteCount) }
  }

  /// Removes users; returns the names of those that existed.
  func remove(_ names: [[UInt8]]) throws(Failure) -> [[UInt8]] {
    var removed: [[UInt8]] = []
    try change { (users) throws(Failure) in
      for name in names where users.removeValue(forKey: name) != nil { removed.append(name) }
    }
    return removed
  }

  /// Sets the password of the user `default`; an empty one turns authentication off (`requirepass`). It is
  /// a server option and not kept in the file.
  func setPassword(_ password: String) {
    users.withLock { users in
      newestPassword.withLock { $0 = (revision: $0.revision + 1, text: password) }
      users[User.defaultName]?.setPassword(password)
    }
  }

  private func change(_ body: (inout [[UInt8]: User]) throws(Failure) -> Void) throws(Failure) {
    try changes.withLock { (_) throws(Failure) in
      var changed = users.withLock { $0 }
      let revision = newestPassword.withLock { $0.revision }
      try body(&changed)
      if home == .folder { try write(changed) }
      let result = changed
      users.withLock { users in
        users = result
        // `setPassword` does not wait for `changes`, so the password may have been set meanwhile.
        let newest = newestPassword.withLock { $0 }
        if newest.revision != revision { users[User.defaultName]?.setPassword(newest.text) }
      }
    }
  }

  // MARK: The file

  /// Writes the file, durably.
  func save() throws(Failure) {
    try changes.withLock { (_) throws(Failure) in try write(users.withLock { $0 }) }
  }

  private func write(_ users: [[UInt8]: User]) throws(Failure) {
    let sorted = users.values.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    let bytes: [UInt8] = sorted.flatMap { $0.description + [0x0A] }
    let channels = channelDefault.withLock { $0 }
    let read = try UserFile(path: path, table: table, channels: channels).users(in: bytes)
    guard User.areSame(read, as: sorted) else {
      throw .invalidFile("the users would be different when \(path) is read back")
    }
    let former: [UInt8]?
    do throws(StoreError) { former = try SmallFile.contents(of: path) } catch { throw .file(error) }
    do throws(StoreError) {
      try SmallFile.replace(path, with: bytes)
      try mark.set()
    } catch {
      try putBack(former, since: error)
      throw .file(error)
    }
  }

  /// Restores the former file after a failure: an unacknowledged change must not take effect at the next
  /// start. The mark is set after the file is written, because a marked store without a file is refused.
  private func putBack(_ former: [UInt8]?, since failure: StoreError) throws(Failure) {
    do throws(StoreError) {
      guard try SmallFile.contents(of: path) != former else { return }
      if let former {
        try SmallFile.replace(path, with: former)
      } else {
        try SmallFile.remove(path)
      }
    } catch {
      throw .fileStays(failure, path: path)
    }
  }

  /// Reads the file: either all of it takes effect, or nothing.
  ///
  /// - Parameter password: replaces the password of `default` in the file; empty to keep that.
  func load(mayBeAbsent: Bool = false, password: String = "") throws(Failure) {
    try changes.withLock { (_) throws(Failure) in
      let bytes: [UInt8]?
      do throws(StoreError) {
        bytes = try SmallFile.contents(of: path)
      } catch {
        throw .invalidFile("Error loading ACLs, opening file '\(path)': \(error)")
      }
      if mark.isSet { try requireUsers(bytes) }
      guard let bytes else {
        if mayBeAbsent { return }
        throw .invalidFile(
          "Error loading ACLs, opening file '\(path)': \(IOError.text(ofErrno: 2))")
      }
      let channels = channelDefault.withLock { $0 }
      let file = UserFile(path: path, table: table, channels: channels)
      var read = try file.users(in: bytes)
      if !password.isEmpty, var defaultUser = read[User.defaultName] {
        defaultUser.setPassword(password)
        read[User.defaultName] = defaultUser
      }
      if UserFile.namesUsers(bytes) {
        do throws(StoreError) { try mark.set() } catch { throw .file(error) }
      }
      let users = read
      self.users.withLock { $0 = users }
    }
  }

  private func requireUsers(_ bytes: [UInt8]?) throws(Failure) {
    if let bytes, UserFile.namesUsers(bytes) { return }
    throw .invalidFile(
      "users were configured for this store, but \(path) \(bytes == nil ? "is missing" : "defines none"): "
        + "restore it from a backup. To allow access without a password instead, put this line into it: "
        + "user default on nopass sanitize-payload ~* &* +@all")
  }
}
