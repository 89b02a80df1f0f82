/// Whether users that were written and read back are unchanged.
extension User {
  /// Whether this user has the name, passwords and permissions of `other`. Redis's flag about RESTORE is
  /// ignored, because it has no effect.
  func isSame(as other: User) -> Bool {
    name == other.name && isEnabled == other.isEnabled && needsNoPassword == other.needsNoPassword
      && passwords == other.passwords && selectors.count == other.selectors.count
      && zip(selectors, other.selectors).allSatisfy { $0.isSame(as: $1) }
  }

  /// Whether `read` are exactly these users.
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
