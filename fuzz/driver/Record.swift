import Glibc

/// The driver's own record, in a file that outlives the daemon: a line before each request is sent
/// and a line after its reply was read.
///
///     K name                                          a key; its number is its place
///     P client operation time name effects            pending
///     A client operation time effects                 acknowledged, with what the reply told
///     R client operation time                         refused: nothing was done
///
/// An effect is `key:kind:…`; `?` stands for what no reply has told.
final class Record: Sendable {
  private let file: Int32

  init(path: String, universe: Universe) {
    file = System.openForAppending(path)
    System.append(universe.keys.map { "K \($0.name)\n" }.joined(), to: file)
  }

  deinit { close(file) }

  func pending(_ operation: Operation) {
    System.append(
      "P \(operation.client) \(operation.number) \(operation.invoked) \(operation.name)"
        + Self.text(of: operation.effects) + "\n", to: file)
  }

  func done(_ operation: Operation) {
    let letter = operation.outcome == .refused ? "R" : "A"
    System.append(
      "\(letter) \(operation.client) \(operation.number) \(operation.returned)"
        + Self.text(of: operation.effects) + "\n", to: file)
  }

  static func text(of effects: [Effect]) -> String {
    effects.map { " \($0.key):" + text(of: $0.change) }.joined()
  }

  private static func text(of change: Change) -> String {
    func optional<T>(_ value: T?) -> String { value.map { "\($0)" } ?? "?" }
    func text(_ state: State) -> String {
      "\(state.kind.rawValue):\(state.id):\(state.number):" + text(state.expiry)
    }
    func text(_ expiry: ClosedRange<Int>?) -> String {
      "\(expiry?.lowerBound ?? 0):\(expiry?.upperBound ?? 0)"
    }
    switch change {
    case .read(let state): return "r:" + text(state)
    case .write(let state): return "w:" + text(state)
    case .remove(let wasPresent): return "d:" + optional(wasPresent)
    case .add(let amount, let result): return "i:\(amount):" + optional(result)
    case .append(let token, let result): return "a:\(token):" + optional(result)
    case .writeIfAbsent(let state, let isDone): return "n:" + text(state) + ":" + optional(isDone)
    case .overwrite(let state): return "o:" + text(state)
    case .take(let state): return "t:" + text(state)
    case .setExpiry(let expiry, let isDone): return "e:" + text(expiry) + ":" + optional(isDone)
    case .persist(let isDone): return "p:" + optional(isDone)
    }
  }

  static func effect(_ text: Substring) -> Effect? {
    let parts = text.split(separator: ":")
    guard parts.count > 2, let key = Int(parts[0]) else { return nil }
    func expiry(at place: Int) -> ClosedRange<Int>? {
      guard parts.count > place + 1, let low = Int(parts[place]), let high = Int(parts[place + 1]),
        0 < low, low <= high
      else { return nil }
      return low...high
    }
    func state() -> State? {
      guard parts.count > 6, let raw = UInt8(parts[2]), let kind = State.Kind(rawValue: raw),
        let id = UInt64(parts[3]), let number = Int(parts[4])
      else { return nil }
      return State(kind: kind, id: id, number: number, expiry: expiry(at: 5))
    }
    let change: Change?
    switch parts[1] {
    case "r": change = state().map { .read($0) }
    case "w": change = state().map { .write($0) }
    case "d": change = .remove(wasPresent: Bool(String(parts[2])))
    case "i":
      guard parts.count > 3, let amount = Int(parts[2]) else { return nil }
      change = .add(amount, result: Int(parts[3]))
    case "a":
      guard parts.count > 3, let token = UInt64(parts[2]) else { return nil }
      change = .append(token, result: Int(parts[3]))
    case "n":
      guard parts.count > 7 else { return nil }
      change = state().map { .writeIfAbsent($0, isDone: Bool(String(parts[7]))) }
    case "o": change = state().map { .overwrite($0) }
    case "t": change = state().map { .take($0) }
    case "e":
      guard parts.count > 4 else { return nil }
      change = expiry(at: 2).map { .setExpiry($0, isDone: Bool(String(parts[4]))) }
    case "p": change = .persist(isDone: Bool(String(parts[2])))
    default: change = nil
    }
    return change.map { Effect(key: key, change: $0) }
  }

  /// The operations of a record as they stood at `time`: what was sent later is not there, and what
  /// was answered later has an unknown outcome.
  static func operations(in path: String, until time: UInt64) -> [Operation] {
    var operations: [Operation] = []
    var places: [UInt64: Int] = [:]
    for line in System.text(of: path).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 4, let client = Int(words[1]), let number = Int(words[2]),
        let stamp = UInt64(words[3]), stamp <= time
      else { continue }
      let id = UInt64(client) << 40 | UInt64(number)
      if words[0] == "P", words.count > 4 {
        places[id] = operations.count
        operations.append(
          Operation(
            client: client, number: number, name: String(words[4]), invoked: stamp,
            effects: words[5...].compactMap { effect($0) }))
      } else if let place = places[id] {
        operations[place].returned = stamp
        operations[place].outcome = words[0] == "R" ? .refused : .acknowledged
        operations[place].effects = words[4...].compactMap { effect($0) }
      }
    }
    return operations
  }
}
