/// Who may use the server.
extension Setting {
  static let access: [Setting] = [
    .text(
      "requirepass", .access, .any, form: "TEXT", isOptional: true,
      atMost: User.passwordByteLimit, \.access.password,
      "The password of the user `default`, who every client is at first; without it, and without "
        + "users that were set up, whoever reaches the port may do everything."),
    .text(
      "aclfile", .access, .start, form: "FILE", isOptional: true, \.access.userFile,
      "Users, written by ACL SAVE and read by ACL LOAD and at the start; without it they are kept in "
        + "users.acl in the store's directory at every change, or in the configuration file if that has "
        + "lines 'user NAME rule...'."),
    .yesNo(
      "protected-mode", .access, .any, \.access.isProtected,
      "Whether clients of other machines are refused while no password is asked for."),
    .choice(
      "acl-pubsub-default", .access, .any, form: "allchannels|resetchannels",
      \.access.channelDefault,
      "Which channels a user may use of whom nothing else is said; kept for tools, as there is no "
        + "publish/subscribe."),
    .integer(
      "acllog-max-len", .access, .any, \.access.logLength, in: 0...1_000_000,
      "How many refusals ACL LOG keeps."),
  ]
}
