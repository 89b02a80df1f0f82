/// Whether users that were written and read back are those that were meant.
extension User {
  /// Whether this user has the name and the passwords of `other`, and may do the same. Redis's flag about RESTORE
  /// does not count: nothing follows from it.
  func isSame(as other: User) -> Bool {
    name == other.name && isEnabled == other.isEnabled && needsNoPassword == other.needsNoPassword
      && passwords == other.passwords && selectors.count == other.selectors.count
      && zip(selectors, other.selectors).allSatisfy { $0.isSame(as: $1) }
  }

  /// Whether `read` are these users, and no others.
  static func areSame(_ read: [[UInt8]: User], as users: [User]) -> Bool {
    read.count == users.count && users.allSatisfy { read[$0.name]?.isSame(as: $0) == true }
  }
}

extension Selector {
  fileprivate func isSame(as other: Selector) -> Bool {
    keyText == other.keyText && channelText == other.channelText
      && commands.isSame(as: other.commands)
  }
}
