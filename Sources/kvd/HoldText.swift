import KVStore

/// The holds on a store's log, for reports.
enum HoldText {
  /// Each hold with its name, position, and what it keeps; `lost` says why it keeps nothing any more.
  static func json(_ holds: [HoldSummary]) -> JSONText {
    .list(
      holds.map { hold in
        var fields: [(String, JSONText)] = [
          ("name", .text(hold.name)), ("lsn", .number(hold.position.rawValue)),
          ("bytes", .number(hold.byteCount)), ("created_ms", .number(hold.creationMilliseconds)),
          ("blocks_writes", .flag(hold.policy == .block)),
        ]
        if let loss = hold.loss { fields.append(("lost", .text("\(loss)"))) }
        return .object(fields)
      })
  }
}
