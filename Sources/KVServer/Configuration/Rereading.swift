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
        log("'\(setting.name)' has another value now, which takes a restart of kvd")
      case .any:
        take(setting, from: new, old)
        changeCount += 1
      }
    }
    if rereadUsers(new.access) { changeCount += 1 }
    if changeCount == 0 { log("the configuration was read again: there was nothing to take over") }
  }

  private func take(_ setting: Setting, from new: ServerOptions, _ old: ServerOptions) {
    do throws(SettingRefusal) {
      try change { (options) throws(SettingRefusal) in
        try setting.set([setting.text(new)], &options)
      }
      options.log(
        setting.isSecret
          ? "'\(setting.name)' was changed"
          : "'\(setting.name)' is '\(setting.text(new))' now; it was '\(setting.text(old))'")
    } catch {
      options.log("'\(setting.name)' stays as it was: \(error.demand)")
    }
  }

  /// Returns whether anything was logged. Clients of users that no longer exist are closed; the permissions
  /// of others apply from their next request on.
  private func rereadUsers(_ access: AccessOptions) -> Bool {
    guard access.userLines.isEmpty || users.home == .configuration else {
      options.log("lines 'user' in the configuration file take a restart of kvd: none were there")
      return true
    }
    let before = users.all
    do throws(Users.Failure) {
      try users.reread(access)
    } catch {
      options.log("the users stay as they were: \(error.description)")
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
    options.log("the users were read again: there are \(after.count)")
    return true
  }
}
