/// Reads back what CONFIG REWRITE is about to write, as the next start will: a value set by a client must
/// neither set something else nor keep kvd from starting.
enum RewriteCheck {
  /// How the next start would differ from what is meant, or nil if it would read exactly `options` and
  /// `users`.
  ///
  /// - Parameters:
  ///   - text: the new contents of the file at `path`, which replace `old`.
  ///   - users: the users that the file declares; if empty, it must declare the same users as before.
  static func difference(
    _ text: [UInt8], of path: String, inPlaceOf old: [UInt8], from options: ServerOptions,
    users: [User] = []
  ) -> String? {
    var problems: [String] = []
    let read = Self.options(in: text, of: path, &problems)
    if let problem = problems.first { return "the new file cannot be read back: \(problem)" }
    for setting in Settings.changeable where setting.text(read) != setting.text(options) {
      return
        "'\(setting.name)' would have a different value after a restart; does an included file set it?"
    }
    guard !users.isEmpty else {
      var ignored: [String] = []
      let before = Self.options(in: old, of: path, &ignored).access.userLines
      let isSame = read.access.userLines.elementsEqual(before) {
        $0.name == $1.name && $0.words == $1.words
      }
      return isSame ? nil : "the new file would define different users after a restart"
    }
    do throws(Users.Failure) {
      let declared = try DeclaredUsers(table: .standard, channels: read.access.channelDefault)
        .users(in: read.access.userLines)
      return User.areSame(declared, as: users) ? nil : "users would be different after a restart"
    } catch {
      return "the users in the new file cannot be read back: \(error.description)"
    }
  }

  private static func options(
    in text: [UInt8], of path: String, _ problems: inout [String]
  ) -> ServerOptions {
    var options = ServerOptions()
    ConfigurationFile.read(text, of: path, into: &options, &problems)
    return options
  }
}
