import Synchronization

/// One client of one round: a connection, a script that its seed decides, and the history it leaves.
final class Client {
  struct Plan: Sendable {
    let universe: Universe
    let record: Record
    let findings: Findings
    let time: ExpiryTime
    let port: Int
    let seed: UInt64
    let number: Int
    let firstOperation: Int
    let largestValue: Int
    let stop: StopFlag
    var role = Role.everything
    /// Bulk keys are there too, which FLUSHALL would have to tell their writer of.
    var hasBulk = false
    /// The disk may be full at times, and writes refused.
    var mayBeRefused = false
  }

  /// Set when the clients shall end between two operations.
  final class StopFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    func set() { flag.store(true, ordering: .sequentiallyConsistent) }
    var isSet: Bool { flag.load(ordering: .sequentiallyConsistent) }
  }

  enum Stop: Error {
    case ended
    /// There was no room for the write, and nothing was written.
    case refused
  }

  let plan: Plan
  let universe: Universe
  let connection: Connection
  var random: Random
  var history: [Operation] = []
  private var nextOperation: Int

  init?(_ plan: Plan) {
    guard let connection = Connection(port: plan.port) else { return nil }
    self.connection = connection
    self.plan = plan
    universe = plan.universe
    random = Random(plan.seed, UInt64(plan.number))
    nextOperation = plan.firstOperation
  }

  private(set) var refusedCount = 0

  /// Works until the daemon ends or the flag is set.
  func run() {
    while !plan.stop.isSet, attempt({ client throws(Stop) in try client.stepOfRole() }) != .ended {}
  }

  /// So many steps of a kind, as far as the daemon lives.
  func run(_ count: Int, _ step: (Client) throws(Stop) -> Void) {
    for _ in 0..<count where attempt(step) == .ended { return }
  }

  /// Whether something can be written within so many seconds.
  func canWrite(seconds: UInt64) -> Bool {
    let deadline = System.now() + seconds * 1_000_000_000
    while System.now() < deadline {
      switch attempt({ client throws(Stop) in try client.setOne() }) {
      case nil: return true
      case .refused: System.sleep(milliseconds: 20)
      case .ended: return false
      }
    }
    return false
  }

  /// One step; how it stopped, if it did. What was refused was not done.
  private func attempt(_ body: (Client) throws(Stop) -> Void) -> Stop? {
    do throws(Stop) {
      try body(self)
      return nil
    } catch {
      if error == .refused {
        refusedCount += 1
        if let last = history.indices.last, history[last].outcome == .unknown {
          end(last, .refused, [])
        }
      }
      return error
    }
  }

  /// Whether a reply says that there was no room, which only writes may be told.
  func isRefusal(_ reply: Reply, to name: [UInt8]) -> Bool {
    guard plan.mayBeRefused, case .error(let text) = reply,
      text.hasPrefix("MISCONF no space left")
    else { return false }
    let reads = [
      "GET", "MGET", "KV.PREFIX", "KV.RANGE", "KV.REVRANGE", "SCAN", "DBSIZE", "KEYS", "HGETALL",
      "HMGET", "HGET", "PEXPIRETIME",
    ]
    let name = String(decoding: name, as: UTF8.self)
    if reads.contains(name) { plan.findings.add("\(name) was refused on a full disk: \(text)") }
    return true
  }

  // MARK: Sending

  func takeNumber() -> Int {
    nextOperation += 1
    return nextOperation
  }

  /// Writes "pending" and enters the operation into the history; its place there.
  func begin(_ name: String, _ number: Int, _ effects: [Effect]) -> Int {
    let operation = Operation(
      client: plan.number, number: number, name: name, invoked: System.now(), effects: effects)
    plan.record.pending(operation)
    history.append(operation)
    return history.count - 1
  }

  func end(_ place: Int, _ outcome: Operation.Outcome, _ effects: [Effect]? = nil) {
    history[place].returned = System.now()
    history[place].outcome = outcome
    if let effects { history[place].effects = effects }
    plan.record.done(history[place])
  }

  func exchange(_ command: [[UInt8]]) throws(Stop) -> Reply {
    try send(Connection.encode(command))
    let reply = try receive(command[0])
    if isRefusal(reply, to: command[0]) { throw .refused }
    return reply
  }

  func send(_ bytes: [UInt8]) throws(Stop) {
    do throws(Connection.Failure) {
      try connection.send(bytes)
    } catch {
      throw .ended
    }
  }

  func receive(_ name: [UInt8]) throws(Stop) -> Reply {
    do throws(Connection.Failure) {
      return try connection.receive()
    } catch {
      let text = String(decoding: name, as: UTF8.self)
      switch error {
      case .ended: break
      case .timedOut: plan.findings.add("client \(plan.number): no reply to \(text) in a minute")
      case .garbled: plan.findings.add("client \(plan.number): a garbled reply to \(text)")
      }
      throw .ended
    }
  }

  /// Reports a reply that the command can never give. Some are the end of the connection.
  func unexpected(_ reply: Reply, to name: String) -> Stop {
    plan.findings.add("client \(plan.number): \(name) was answered \(reply.brief)")
    return .ended
  }

  // MARK: Words and values

  func name(_ key: Int) -> [UInt8] { Array(universe.keys[key].name.utf8) }

  func words(_ text: String...) -> [[UInt8]] { text.map { Array($0.utf8) } }

  /// A new value for a key, from empty to the largest, and the state it stands for.
  func value(for key: Int, operation: Int) -> (bytes: [UInt8], state: State) {
    let count: Int
    switch random.below(100) {
    case 0..<4 where universe.keys[key].kind == .plain: return ([], .empty)
    case 0..<60: count = random.below(200)
    case 60..<92: count = random.below(4000)
    case 92..<99: count = random.below(min(70_000, plan.largestValue))
    default: count = random.below(plan.largestValue)
    }
    return stamped(
      StampedValue.filler(count, client: plan.number, operation: operation), key, operation)
  }

  func stamped(
    _ payload: [UInt8], _ key: Int, _ operation: Int
  ) -> (bytes: [UInt8], state: State) {
    (
      StampedValue.make(
        client: plan.number, operation: operation, key: universe.keys[key].name, payload: payload),
      .stamped(client: plan.number, operation: operation)
    )
  }

  func state(_ reply: Reply, _ key: Int) throws(Stop) -> State {
    switch reply {
    case .bulk(let bytes):
      let state = universe.state(of: bytes, key: key)
      if state.kind == .unreadable {
        plan.findings.add(
          "\(universe.keys[key].name) holds \(bytes.count) bytes that nobody wrote")
      }
      return state
    case .null: return .absent
    default: throw unexpected(reply, to: "a read of \(universe.keys[key].name)")
    }
  }

  func reads(_ replies: [Reply], _ keys: [Int]) throws(Stop) -> [Effect] {
    var effects: [Effect] = []
    for (key, reply) in zip(keys, replies) {
      effects.append(Effect(key: key, change: .read(try state(reply, key))))
    }
    return effects
  }
}
