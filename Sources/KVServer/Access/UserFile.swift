import KVStore

/// Reads the lines `user NAME rule…` of a file of users.
struct UserFile {
  let path: String
  let table: CommandTable
  let channels: AccessOptions.ChannelDefault

  /// Whether any line could define a user.
  static func namesUsers(_ bytes: [UInt8]) -> Bool {
    bytes.split(separator: 0x0A).contains { line in !line.allSatisfy { $0.isBlank } }
  }

  /// The users in the file, with `default` added if it is not among them. Throws all errors, in Redis's
  /// words.
  func users(in bytes: [UInt8]) throws(Users.Failure) -> [[UInt8]: User] {
    var users: [[UInt8]: User] = [:]
    var problems = ""
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let trimmed = line.drop { $0.isBlank }
      let words = trimmed.prefix(trimmed.count - trimmed.reversed().prefix { $0.isBlank }.count)
        .split(separator: 0x20).map { [UInt8]($0) }
      guard !words.isEmpty else { continue }
      guard words[0] == [UInt8]("user".utf8), words.count > 1 else {
        problems +=
          "\(path):\(index + 1) should start with user keyword followed by the username. "
        continue
      }
      guard users[words[1]] == nil else {
        problems +=
          "WARNING: Duplicate user '\(text(words[1]))' found on line \(index + 1). "
        continue
      }
      var user = User(name: words[1], table: table, channels: channels)
      problems += apply(words.dropFirst(2).map { $0 }, to: &user, line: index + 1)
      users[user.name] = user
    }
    guard problems.isEmpty else {
      throw .invalidFile(
        problems
          + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
      )
    }
    if users[User.defaultName] == nil {
      users[User.defaultName] = User.unrestricted(table: table)
    }
    return users
  }

  /// What is wrong with the rules; empty if nothing is.
  private func apply(_ words: [[UInt8]], to user: inout User, line: Int) -> String {
    switch User.merge(words) {
    case .failure: return "\(path):\(line): Unmatched parenthesis in selector definition."
    case .success(let rules):
      var problems = ""
      for rule in rules {
        do throws(AccessRuleError) {
          try user.apply(rule)
        } catch {
          problems += "\(path):\(line): \(error.text). "
        }
      }
      return problems
    }
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0D }
}
