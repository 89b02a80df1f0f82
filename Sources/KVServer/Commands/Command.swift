import KVStore

/// What a command is: its shape as COMMAND tells it, and the function that carries it out.
///
/// A class because it is looked up for every request: that costs one reference, not the copy of its parts.
final class Command: Sendable {
  typealias SessionHandler = @Sendable (inout Call, RawSpan) throws(StoreError) -> Void
  typealias ReadHandler = @Sendable (inout ReadView, inout Call, RawSpan) throws(StoreError) -> Void
  typealias EvaluationHandler =
    @Sendable (inout Evaluation, inout Call, RawSpan) throws(StoreError) -> Void

  enum Handler: Sendable {
    /// Concerns the connection or the server, or brings its own way of using the store.
    case session(SessionHandler)
    /// Reads keys; the second form runs inside EXEC.
    case read(ReadHandler, EvaluationHandler)
    /// Writes, as part of an evaluation. Every handler checks all it can refuse before it writes
    /// the first key, so that an error inside EXEC leaves nothing half done.
    case write(EvaluationHandler)
  }

  struct Flags: OptionSet, Sendable {
    let rawValue: Int
    static let write = Flags(rawValue: 1)
    static let readOnly = Flags(rawValue: 2)
    static let fast = Flags(rawValue: 4)
    static let admin = Flags(rawValue: 8)
    /// Refused while a transaction is being queued.
    static let noTransaction = Flags(rawValue: 16)
    /// Runs at once, even while a transaction is being queued.
    static let immediate = Flags(rawValue: 32)
    /// Reads its keys before it writes, so that they are worth touching first.
    static let readsFirst = Flags(rawValue: 64)
    /// The same, but only with more than three arguments (SET with options).
    static let readsFirstWithOptions = Flags(rawValue: 128)

    /// May look at many entries: other connections get their turn before the next command of this one.
    static let scans = Flags(rawValue: 256)
    /// Writes nothing but deletes, which a full disk takes too.
    static let deletes = Flags(rawValue: 512)

    /// The names that COMMAND gives them.
    static let names: [(Flags, String)] = [
      (.write, "write"), (.readOnly, "readonly"), (.admin, "admin"),
      (.noTransaction, "no_multi"), (.fast, "fast"),
    ]
  }

  /// Which arguments are keys. A negative `last` counts from the end; no keys if `first` is 0.
  struct Keys: Sendable {
    var first = 0
    var last = 0
    var step = 0
    static let none = Keys()
    static let one = Keys(first: 1, last: 1, step: 1)
    static let all = Keys(first: 1, last: -1, step: 1)
    static let pairs = Keys(first: 1, last: -1, step: 2)

    /// The index behind the last key of a request of `count` arguments.
    @inline(__always)
    func end(_ count: Int) -> Int { first == 0 ? 0 : (last < 0 ? count &+ last : last) &+ 1 }
  }

  let name: String
  /// The number of arguments with the name; if negative, the least number.
  let arity: Int
  let flags: Flags
  let keys: Keys
  /// Redis's group, for COMMAND DOCS.
  let group: String
  let summary: String
  let handler: Handler

  init(
    _ name: String, arity: Int, _ flags: Flags, keys: Keys = .none, group: String,
    _ summary: String, _ handler: Handler
  ) {
    self.name = name
    self.arity = arity
    self.flags = flags
    self.keys = keys
    self.group = group
    self.summary = summary
    self.handler = handler
  }

  /// The categories that COMMAND gives, which here follow from the flags and the group.
  var categories: [String] {
    var names: [String] = []
    if flags.contains(.write) { names.append("@write") }
    if flags.contains(.readOnly) { names.append("@read") }
    switch group {
    case "string": names.append("@string")
    case "generic": names.append("@keyspace")
    case "connection": names.append("@connection")
    case "transactions": names.append("@transaction")
    default: break
    }
    if flags.contains(.admin) { names += ["@admin", "@dangerous"] }
    names.append(flags.contains(.fast) ? "@fast" : "@slow")
    return names
  }

  @inline(__always)
  func accepts(argumentCount: Int) -> Bool {
    arity < 0 ? argumentCount >= -arity : argumentCount == arity
  }
}
