/// Who may use a server.
public struct AccessOptions: Sendable, Equatable {
  /// The password of the user `default`, which every client is at first; empty for none. (`requirepass`)
  public var password = ""
  /// The path of a file of users that ACL SAVE writes and ACL LOAD reads. If it is empty, users are kept in
  /// the data folder and written at every change. (`aclfile`)
  public var userFile = ""
  /// Whether clients on other machines are refused while no password is set. (`protected-mode`)
  public var isProtected = true
  /// Users that the configuration declares, in its order; if there are none, users are kept elsewhere.
  /// (`user`)
  public var userLines: [UserLine] = []
  /// Which channels a new user may use, and a user after the rule `reset`. (`acl-pubsub-default`)
  public var channelDefault = ChannelDefault.none
  /// How many refusals ACL LOG keeps. (`acllog-max-len`)
  public var logLength = 128

  public init() {}

  public enum ChannelDefault: String, CaseIterable, Sendable {
    case all = "allchannels"
    case none = "resetchannels"
  }

  /// A line `user NAME rule…` of a configuration file.
  public struct UserLine: Sendable, Equatable {
    var name: [UInt8]
    /// The words as written; rules in parentheses are still split.
    var words: [[UInt8]]
    /// The file and the line number.
    var place: String
    /// The line is in an included file, which CONFIG REWRITE does not write.
    var isIncluded: Bool
  }
}
