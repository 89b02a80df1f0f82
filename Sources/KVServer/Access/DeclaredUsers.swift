/// Creates users from the lines `user NAME rule…` of a configuration file. Each line is the complete
/// definition of its user, also for `default`.
struct DeclaredUsers {
  let table: CommandTable
  let channels: AccessOptions.ChannelDefault

  /// Throws all errors, one line each.
  func users(in lines: [AccessOptions.UserLine]) throws(Users.Failure) -> [[UInt8]: User] {
    var users: [[UInt8]: User] = [:]
    var problems: [String] = []
    for line in lines {
      do throws(Users.Failure) {
        guard !line.name.hasSpaces else {
          throw refusal(line, "Spaces not allowed in ACL usernames")
        }
        let isKnown = users.updateValue(try user(line), forKey: line.name) != nil
        guard !isKnown else {
          throw refusal(
            line, "Duplicate user found. A user can only be defined once in config files")
        }
      } catch {
        problems.append(error.description)
      }
    }
    guard problems.isEmpty else { throw .invalidConfiguration(problems.joined(separator: "\n")) }
    return users
  }

  private func user(_ line: AccessOptions.UserLine) throws(Users.Failure) -> User {
    var user = User(name: line.name, table: table, channels: channels)
    // As in Redis, where `default` already exists.
    if line.name == User.defaultName { try? user.apply([UInt8]("reset".utf8)) }
    guard case .success(let rules) = User.merge(line.words) else {
      throw refusal(line, "Unmatched parenthesis in selector definition")
    }
    for rule in rules {
      do throws(AccessRuleError) {
        try user.apply(rule)
      } catch {
        throw refusal(line, "'\(String(decoding: rule, as: UTF8.self))': \(error.text)")
      }
    }
    return user
  }

  private func refusal(_ line: AccessOptions.UserLine, _ reason: String) -> Users.Failure {
    let name = String(decoding: line.name, as: UTF8.self)
    return .invalidConfiguration("\(line.place): Error in user declaration '\(name)': \(reason)")
  }
}
