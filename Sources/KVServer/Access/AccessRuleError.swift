/// What can be wrong with a rule of a user.
enum AccessRuleError: Error, Equatable {
  case syntax
  case unknownCommand
  case firstArgumentOfSubcommand
  case patternAfterAll
  case channelAfterAll
  case noSuchPassword
  case badHash
  case passwordTooLong(byteCount: Int)
  case tooManyParts

  /// In Redis's words.
  var text: String {
    switch self {
    case .syntax: "Syntax error"
    case .unknownCommand: "Unknown command or category name in ACL"
    case .firstArgumentOfSubcommand: "Allowing first-arg of a subcommand is not supported"
    case .patternAfterAll: Self.afterAll("pattern", "allkeys", "resetkeys", "patterns")
    case .channelAfterAll: Self.afterAll("pattern", "allchannels", "resetchannels", "channels")
    case .noSuchPassword: "The password you are trying to remove from the user does not exist"
    case .passwordTooLong(let byteCount): "The " + User.refusal(ofPasswordOf: byteCount)
    case .tooManyParts:
      "A user can have at most \(User.partLimit) passwords, selectors, patterns and command rules"
    case .badHash:
      "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
        + "characters"
    }
  }

  private static func afterAll(
    _ what: String, _ all: String, _ reset: String, _ list: String
  ) -> String {
    "Adding a \(what) after the * pattern (or the '\(all)' flag) is not valid and does not have any "
      + "effect. Try '\(reset)' to start with an empty list of \(list)"
  }
}
