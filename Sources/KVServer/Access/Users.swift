import KVStore
import Synchronization
import TxnWAL

/// All users, and the file that they are kept in.
///
/// With an `aclfile`, that is read when the server starts and written by ACL SAVE, as in Redis. Without
/// one, `users.acl` in the data folder is written at every change, before the change counts: what
/// was acknowledged is there after a crash.
final class Users: Sendable {
  enum Failure: Error {
    case rule(AccessRuleError, rule: [UInt8])
    case file(StoreError)
    case invalidFile(String)

    var description: String {
      switch self {
      case .rule(let error, let rule):
        "'\(String(decoding: rule, as: UTF8.self))': \(error.text)"
      case .file(let error): "\(error)"
      case .invalidFile(let problems): problems
      }
    }
  }

  static let fileName = "users.acl"

  private let table: CommandTable
  private let users: Mutex<[[UInt8]: User]>
  /// Held by whoever changes users, from reading them to having them in the file.
  private let changes = Mutex(())
  private let path: String
  /// Whether the file is written by ACL SAVE only.
  let isFileGiven: Bool

  /// Reads the users, if there is a file of them.
  init(options: AccessOptions, dataPath: String, table: CommandTable) throws(Failure) {
    self.table = table
    isFileGiven = !options.userFile.isEmpty
    path = isFileGiven ? options.userFile : "\(dataPath)/\(Self.fileName)"
    let everybody = User.unrestricted(table: table)
    users = Mutex([everybody.name: everybody])
    try load(mayBeAbsent: !isFileGiven)
    if !options.password.isEmpty { setPassword(options.password) }
  }

  // MARK: Looking up

  func user(_ name: [UInt8]) -> User? { users.withLock { $0[name] } }

  /// In the order of their names.
  var all: [User] {
    users.withLock { $0.values.sorted { $0.name.lexicographicallyPrecedes($1.name) } }
  }

  /// What clients are before they log in; it always exists.
  var everybody: User {
    users.withLock { $0[User.defaultName] } ?? User.unrestricted(table: table)
  }

  // MARK: Changing

  /// Makes the user `name`, or changes it, by all the rules or by none.
  func change(_ name: [UInt8], by rules: [[UInt8]]) throws(Failure) {
    try change { (users) throws(Failure) in
      var user = users[name] ?? User(name: name, table: table)
      for rule in rules {
        do throws(AccessRuleError) {
          try user.apply(rule)
        } catch {
          throw .rule(error, rule: rule)
        }
      }
      users[name] = user
    }
  }

  /// Removes users; returns those that there were.
  func remove(_ names: [[UInt8]]) throws(Failure) -> [[UInt8]] {
    var removed: [[UInt8]] = []
    try change { (users) throws(Failure) in
      for name in names where users.removeValue(forKey: name) != nil { removed.append(name) }
    }
    return removed
  }

  /// Sets the password of everybody, or with an empty one asks for none (`requirepass`). That is an option
  /// of the server and not kept in the file.
  func setPassword(_ password: String) {
    changes.withLock { _ in
      var user = everybody
      let rules = ["resetpass", password.isEmpty ? "nopass" : ">" + password]
      for rule in rules { try? user.apply([UInt8](rule.utf8)) }
      let changed = user
      users.withLock { $0[changed.name] = changed }
    }
  }

  private func change(_ body: (inout [[UInt8]: User]) throws(Failure) -> Void) throws(Failure) {
    try changes.withLock { (_) throws(Failure) in
      var changed = users.withLock { $0 }
      try body(&changed)
      if !isFileGiven { try write(changed) }
      let result = changed
      users.withLock { $0 = result }
    }
  }

  // MARK: The file

  /// Writes the file, durably.
  func save() throws(Failure) {
    try changes.withLock { (_) throws(Failure) in try write(users.withLock { $0 }) }
  }

  private func write(_ users: [[UInt8]: User]) throws(Failure) {
    let sorted = users.values.sorted { $0.name.lexicographicallyPrecedes($1.name) }
    do throws(StoreError) {
      try SmallFile.replace(path, with: sorted.flatMap { $0.description + [0x0A] })
    } catch {
      throw .file(error)
    }
  }

  /// Reads the file: all of it counts, or none.
  func load(mayBeAbsent: Bool = false) throws(Failure) {
    try changes.withLock { (_) throws(Failure) in
      let bytes: [UInt8]?
      do throws(StoreError) {
        bytes = try SmallFile.contents(of: path)
      } catch {
        throw .invalidFile("Error loading ACLs, opening file '\(path)': \(error)")
      }
      guard let bytes else {
        if mayBeAbsent { return }
        throw .invalidFile(
          "Error loading ACLs, opening file '\(path)': \(SystemCall.message(for: 2))")
      }
      let read = try UserFile(path: path, table: table).users(in: bytes)
      users.withLock { $0 = read }
    }
  }
}
