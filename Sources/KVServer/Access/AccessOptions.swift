/// Who may use a server.
public struct AccessOptions: Sendable, Equatable {
  /// The password of the user `default`, who every client is at first; empty for none. (`requirepass`)
  public var password = ""
  /// A file of users that ACL SAVE writes and ACL LOAD reads; empty to keep them in the data folder, at
  /// every change. (`aclfile`)
  public var userFile = ""
  /// Whether clients of other machines are refused as long as no password is asked for. (`protected-mode`)
  public var isProtected = true
  /// How many refusals ACL LOG keeps. (`acllog-max-len`)
  public var logLength = 128

  public init() {}
}
