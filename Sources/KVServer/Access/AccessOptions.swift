/// Who may use a server.
public struct AccessOptions: Sendable, Equatable {
  /// The password of the user `default`, who every client is at first; empty for none. (`requirepass`)
  public var password = ""
  /// A file of users that ACL SAVE writes and ACL LOAD reads; empty to keep them in the data folder, at
  /// every change. (`aclfile`)
  public var userFile = ""
  /// Whether clients of other machines are refused as long as no password is asked for. (`protected-mode`)
  public var isProtected = true
  /// Users that the configuration declares, in its order; none to keep them elsewhere. (`user`)
  public var userLines: [UserLine] = []
  /// Which channels a user may use when made, and after the rule `reset`. (`acl-pubsub-default`)
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
    /// As they stand there, those in parentheses still apart.
    var words: [[UInt8]]
    /// The file and the line.
    var place: String
    /// It stands in a file that another includes, which CONFIG REWRITE does not write.
    var isIncluded: Bool
  }
}
