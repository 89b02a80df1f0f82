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
    /// The same for some fields of the map at the first argument: those that `fields` tells of are worth
    /// touching first.
    case edit(_ fields: Keys, EvaluationHandler)
    /// Writes what is prepared first, for which other writers need not wait: that part sees the request alone, and
    /// leaves what it finds in the call.
    case prepared(SessionHandler, EvaluationHandler)
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
    /// Looks up many keys or fields where a request names many.
    static let looksUpMany = Flags(rawValue: 32768)
    /// Writes nothing but deletes, which a full disk takes too.
    static let deletes = Flags(rawValue: 512)

    /// Has subcommands.
    static let container = Flags(rawValue: 1024)
    /// May write, as scripts do.
    static let mayWrite = Flags(rawValue: 4096)
    /// Runs a script: the keys of the request are for the script, as the client wrote them.
    static let script = Flags(rawValue: 8192)
    /// May make the server need more memory.
    static let takesMemory = Flags(rawValue: 16384)
    /// Is carried out before the client has told who it is.
    static let noAuthentication = Flags(rawValue: 2048)

    /// The names that COMMAND gives them.
    static let names: [(Flags, String)] = [
      (.write, "write"), (.readOnly, "readonly"), (.admin, "admin"),
      (.noTransaction, "no_multi"), (.fast, "fast"),
    ]
  }

  /// Whether it puts nothing into the store, so that a full disk need not refuse it.
  var putsNothing: Bool {
    flags.contains(.deletes) || flags.isDisjoint(with: [.write, .mayWrite])
  }

  /// Which arguments are keys. A negative `last` counts from the end; no keys if `first` is 0.
  struct Keys: Sendable {
    var first = 0
    var last = 0
    var step = 0
    static let none = Keys()
    static let one = Keys(first: 1, last: 1, step: 1)
    static let all = Keys(first: 1, last: -1, step: 1)
    static let both = Keys(first: 1, last: 2, step: 1)
    /// The key that a subcommand is about.
    static let subject = Keys(first: 2, last: 2, step: 1)
    static let pairs = Keys(first: 1, last: -1, step: 2)

    /// The index behind the last key of a request of `count` arguments.
    @inline(__always)
    func end(_ count: Int) -> Int { first == 0 ? 0 : (last < 0 ? count &+ last : last) &+ 1 }
  }

  /// A subcommand's has its container's before it, as in `client|list`.
  let name: String
  /// The number of arguments with the name; if negative, the least number.
  let arity: Int
  let flags: Flags
  let keys: Keys
  /// Redis's group, for COMMAND DOCS.
  let group: String
  let summary: String
  let handler: Handler
  let subcommands: [Command]
  let facts: CommandFacts
  private let finder: KeyFinders.Finder?

  /// `categories` and `keySpecs` are for commands that Redis does not have.
  init(
    _ name: String, arity: Int, _ flags: Flags, keys: Keys = .none, group: String,
    _ summary: String, categories: Categories = [], keySpecs: [KeySpec] = [],
    subcommands: [Command] = [], _ handler: Handler
  ) {
    self.name = name
    self.arity = arity
    self.keys = keys
    self.group = group
    self.summary = summary
    self.handler = handler
    self.subcommands = subcommands
    facts =
      CommandFacts.byName[name]
      ?? Self.facts(arity, flags, categories: categories, keySpecs: keySpecs)
    var allFlags = flags
    if !subcommands.isEmpty { allFlags.insert(.container) }
    if facts.flags.contains("no_auth") { allFlags.insert(.noAuthentication) }
    if facts.flags.contains("denyoom") { allFlags.insert(.takesMemory) }
    self.flags = allFlags
    finder = KeyFinders.finder(for: name)
  }

  /// A command that is nothing without one of its subcommands.
  convenience init(
    container name: String, group: String, _ summary: String, subcommands: [Command]
  ) {
    self.init(
      name, arity: -2, [], group: group, summary, subcommands: subcommands,
      .session { (call, _) in ContainerCommand.unknown(&call, name) })
  }

  /// What follows from the flags, by Redis's rules.
  private static func facts(
    _ arity: Int, _ flags: Flags, categories: Categories, keySpecs: [KeySpec]
  ) -> CommandFacts {
    var facts = CommandFacts()
    facts.arity = arity
    facts.flags = Flags.names.filter { flags.contains($0.0) }.map(\.1)
    facts.categories = categories
    if flags.contains(.write) { facts.categories.insert(.write) }
    if flags.contains(.readOnly) { facts.categories.insert(.read) }
    if flags.contains(.admin) { facts.categories.formUnion([.admin, .dangerous]) }
    facts.categories.insert(flags.contains(.fast) ? .fast : .slow)
    facts.keySpecs = keySpecs
    return facts
  }

  /// Whether requests of this command may name keys.
  var hasKeys: Bool { finder != nil || !facts.keySpecs.isEmpty }

  /// The keys of a request with what is done with each; nil if its arguments make no sense.
  func keyUses(_ arguments: [Range<Int>], in request: RawSpan) -> [KeyUse]? {
    if let finder { return finder(arguments, request) }
    var uses: [KeyUse] = []
    for spec in facts.keySpecs {
      guard let indices = spec.indices(count: arguments.count) else { return nil }
      for index in indices { uses.append(KeyUse(index, spec.access)) }
    }
    return uses
  }

  @inline(__always)
  func accepts(argumentCount: Int) -> Bool {
    arity < 0 ? argumentCount >= -arity : argumentCount == arity
  }
}
