import KVStore

/// One command: its description for COMMAND, and the handler that runs it.
///
/// A class because every request looks its command up: that passes a reference instead of copying the fields.
final class Command: Sendable {
  typealias SessionHandler = @Sendable (inout Call, RawSpan) throws(StoreError) -> Void
  typealias ReadHandler = @Sendable (inout ReadView, inout Call, RawSpan) throws(StoreError) -> Void
  typealias EvaluationHandler =
    @Sendable (inout Evaluation, inout Call, RawSpan) throws(StoreError) -> Void

  enum Handler: Sendable {
    /// Concerns the connection or the server, or accesses the store in its own way.
    case session(SessionHandler)
    /// Reads keys. The second handler runs inside EXEC and scripts.
    case read(ReadHandler, EvaluationHandler)
    /// Writes, as part of an evaluation. A handler makes every check that can refuse the command before its
    /// first write, so that an error inside EXEC leaves nothing half done.
    case write(EvaluationHandler)
    /// The same for fields of the map at the first argument. `fields` tells which arguments are fields; they
    /// are prefetched before the evaluation.
    case edit(_ fields: Keys, EvaluationHandler)
    /// Writes after a preparation step, which other writers wait for only inside EXEC and scripts. The first
    /// handler prepares: it sees only the request, and leaves its result in the call.
    case prepared(SessionHandler, EvaluationHandler)
  }

  struct Flags: OptionSet, Sendable {
    let rawValue: Int
    static let write = Flags(rawValue: 1)
    static let readOnly = Flags(rawValue: 2)
    static let fast = Flags(rawValue: 4)
    static let admin = Flags(rawValue: 8)
    /// Refused between MULTI and EXEC.
    static let noTransaction = Flags(rawValue: 16)
    /// Runs immediately, even between MULTI and EXEC.
    static let immediate = Flags(rawValue: 32)
    /// Reads its keys before it writes, so they are prefetched.
    static let readsFirst = Flags(rawValue: 64)
    /// The same, but only with more than three arguments (SET with options).
    static let readsFirstWithOptions = Flags(rawValue: 128)

    /// May visit many entries. Other connections are served before the next command of this one.
    static let scans = Flags(rawValue: 256)
    /// Looks up many keys or fields if the request names many.
    static let looksUpMany = Flags(rawValue: 32768)
    /// Writes only deletes, which are accepted on a full disk too.
    static let deletes = Flags(rawValue: 512)

    /// Has subcommands.
    static let container = Flags(rawValue: 1024)
    /// May write, depending on the script.
    static let mayWrite = Flags(rawValue: 4096)
    /// Runs a script. The keys of the request are passed to it as the client wrote them, not as engine keys.
    static let script = Flags(rawValue: 8192)
    /// May need more memory: refused while the process exceeds `maxmemory`.
    static let takesMemory = Flags(rawValue: 16384)
    /// Allowed before the client has authenticated.
    static let noAuthentication = Flags(rawValue: 2048)

    /// Their names in COMMAND.
    static let names: [(Flags, String)] = [
      (.write, "write"), (.readOnly, "readonly"), (.admin, "admin"),
      (.noTransaction, "no_multi"), (.fast, "fast"),
    ]
  }

  /// Whether the command stores nothing, so that it need not be refused on a full disk.
  var storesNothing: Bool {
    flags.contains(.deletes) || flags.isDisjoint(with: [.write, .mayWrite])
  }

  /// Which arguments are keys. A negative `last` counts from the end. If `first` is 0, there are none.
  struct Keys: Sendable {
    var first = 0
    var last = 0
    var step = 0
    static let none = Keys()
    static let one = Keys(first: 1, last: 1, step: 1)
    static let all = Keys(first: 1, last: -1, step: 1)
    static let both = Keys(first: 1, last: 2, step: 1)
    /// The key of a subcommand: the argument after its name.
    static let subject = Keys(first: 2, last: 2, step: 1)
    static let pairs = Keys(first: 1, last: -1, step: 2)

    /// The index after the last key of a request of `count` arguments.
    @inline(__always)
    func end(_ count: Int) -> Int { first == 0 ? 0 : (last < 0 ? count &+ last : last) &+ 1 }
  }

  /// For a subcommand, the container's name comes first: `client|list`.
  let name: String
  /// The number of arguments, including the name. A negative arity is a minimum.
  let arity: Int
  let flags: Flags
  let keys: Keys
  /// Redis's group, for COMMAND DOCS.
  let group: String
  let summary: String
  let handler: Handler
  /// The fields that `.edit` names; `.none` for other handlers. Separate, because reading a case of `handler` counts a
  /// reference.
  let editedFields: Keys
  let subcommands: [Command]
  let facts: CommandFacts
  private let finder: KeyExtractors.Finder?

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
    editedFields = if case .edit(let fields, _) = handler { fields } else { .none }
    self.subcommands = subcommands
    facts =
      CommandFacts.byName[name]
      ?? Self.facts(arity, flags, categories: categories, keySpecs: keySpecs)
    var allFlags = flags
    if !subcommands.isEmpty { allFlags.insert(.container) }
    if facts.flags.contains("no_auth") { allFlags.insert(.noAuthentication) }
    if facts.flags.contains("denyoom") { allFlags.insert(.takesMemory) }
    self.flags = allFlags
    finder = KeyExtractors.finder(for: name)
  }

  /// A container: a command that needs one of its subcommands.
  convenience init(
    container name: String, group: String, _ summary: String, subcommands: [Command]
  ) {
    self.init(
      name, arity: -2, [], group: group, summary, subcommands: subcommands,
      .session { (call, _) in ContainerCommand.unknown(&call, name) })
  }

  /// The facts that follow from the flags, by Redis's rules.
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

  /// The keys of a request and how each is accessed. Nil if they cannot be determined from the arguments.
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
