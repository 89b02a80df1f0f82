/// Applies a configuration that was read again while the server runs.
extension ServerState {
  func reread(_ new: ServerOptions) {
    let log = options.log
    let old = live.current
    var changeCount = 0
    for setting in Settings.all where setting.text(new) != setting.text(old) {
      switch setting.change {
      case .never: break
      case .start:
        guard setting.text(new) != setting.text(options) else { break }
        // Logged at every reload until the server is restarted.
        log("'\(setting.name)' has a new value, which takes effect when kvd is restarted")
      case .any:
        take(setting, from: new, old)
        changeCount += 1
      }
    }
    if rereadUsers(new.access) { changeCount += 1 }
    if changeCount == 0 { log("configuration reloaded: no changes to apply") }
  }

  private func take(_ setting: Setting, from new: ServerOptions, _ old: ServerOptions) {
    do throws(SettingRefusal) {
      try change { (options) throws(SettingRefusal) in
        try setting.set([setting.text(new)], &options)
      }
      options.log(
        setting.isSecret
          ? "'\(setting.name)' was changed"
          : "'\(setting.name)' was changed from '\(setting.text(old))' to '\(setting.text(new))'")
    } catch {
      options.log("'\(setting.name)' was not changed: \(error.demand)")
    }
  }

  /// Returns whether anything was logged. Clients of users that no longer exist are closed; the permissions
  /// of others apply from their next request on.
  private func rereadUsers(_ access: AccessOptions) -> Bool {
    guard access.userLines.isEmpty || users.home == .configuration else {
      options.log(
        "the configuration file now has 'user' lines, which take effect when kvd is restarted")
      return true
    }
    let before = users.all
    do throws(Users.Failure) {
      try users.reread(access)
    } catch {
      options.log("users not reloaded: \(error.description)")
      return true
    }
    let after = users.all
    guard before.map(\.description) != after.map(\.description) else { return false }
    let names = Set(after.map(\.name))
    gate.kill(
      clients.all.filter { record in
        let name = record.labels.withLock { $0.user }
        return !names.contains(name) && before.contains { $0.name == name }
      })
    gate.change()
    wakeLoops()
    options.log("users reloaded: there are \(after.count) now")
    return true
  }
}
