/// What was done, for the last line of a run: a fault that never happened shows as a zero.
struct Tally {
  var rounds = 0
  var stores = 0
  var operations = 0
  /// How many of each kind were acknowledged.
  var acknowledged: [String: Int] = [:]
  var kills = 0
  var startKills = 0
  /// How often each crash point ended the daemon or a tool.
  var crashes: [String: Int] = [:]
  var pauses = 0
  var stops = 0
  var clockJumps = 0
  var fullDisks = 0
  var refusals = 0
  /// How often `kvd recover` lacked room.
  var unfinishedRecoveries = 0
  var bulkRounds = 0
  var stampRounds = 0
  var histories = 0
  var undecided = 0

  mutating func crashed(at point: String) {
    crashes[String(point.prefix { $0 != ":" }), default: 0] += 1
  }

  mutating func add(_ history: [Operation]) {
    operations += history.count
    for operation in history where operation.outcome == .acknowledged {
      acknowledged[operation.name, default: 0] += 1
    }
  }

  var acknowledgedText: String {
    acknowledged.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }

  func text(pointCount: Int) -> String {
    "\(rounds) rounds over \(stores) stores (\(bulkRounds) rounds with bulk keys, \(stampRounds) of "
      + "stamps), \(operations) operations, \(kills) kills, \(startKills) of them while starting, "
      + "\(crashes.values.reduce(0, +)) ends at \(crashes.count) of \(pointCount) crash points, "
      + "\(pauses) pauses, \(stops) clean stops, \(fullDisks) full disks with \(refusals) refusals "
      + "and \(unfinishedRecoveries) recoveries that lacked room, \(clockJumps) clock jumps, \(histories) histories (\(undecided) undecided)"
  }
}
