/// Who may use the server.
extension Setting {
  static let access: [Setting] = [
    .text(
      "requirepass", .access, .any, form: "TEXT", isOptional: true,
      atMost: User.passwordByteLimit, \.access.password,
      "The password of the user 'default', which every client is until it logs in. Without a password and "
        + "without configured users, any client that can connect may do everything."),
    .text(
      "aclfile", .access, .start, form: "FILE", isOptional: true, \.access.userFile,
      "A file of users, read at startup and by ACL LOAD, and written by ACL SAVE. Without it, users are "
        + "saved to users.acl in the store's directory at every change, or, if the configuration file has "
        + "'user NAME rule...' lines, kept there."),
    .yesNo(
      "protected-mode", .access, .any, \.access.isProtected,
      "Whether clients on other machines are refused while no password is set."),
    .choice(
      "acl-pubsub-default", .access, .any, form: "allchannels|resetchannels",
      \.access.channelDefault,
      "The channels that new users may use; for compatibility only, because there is no "
        + "publish/subscribe."),
    .integer(
      "acllog-max-len", .access, .any, \.access.logLength, in: 0...1_000_000,
      "How many entries ACL LOG keeps."),
  ]
}
