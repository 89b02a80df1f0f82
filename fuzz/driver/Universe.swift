/// Every key that the workloads use. There are no others, so whatever else turns up was invented.
///
/// What has a history of its own is a key here: a string, a field of a hash, a member of a set, and a hash that is
/// always written as a whole. `numbers` has the strings, `containers` the rest.
struct Universe {
  enum Kind { case plain, counter, list, account, mortal, member, whole }

  struct Key {
    let name: String
    let kind: Kind
  }

  /// Keys of one prefix, in the order of their bytes.
  struct Group {
    let prefix: String
    var keys: [Int]
  }

  private(set) var keys: [Key] = []
  private(set) var numbers: [String: Int] = [:]
  private(set) var hot: [Int] = []
  private(set) var cold: [Int] = []
  /// Deleted by prefix and read by range.
  private(set) var groups: [Group] = []
  /// Always written as a whole, with one stamp.
  private(set) var stamps: [Group] = []
  private(set) var counters: [Int] = []
  /// Pairs whose two lists are always equal.
  private(set) var lists: [[Int]] = []
  private(set) var accounts: [Int] = []
  /// Strings that expire, now and then.
  private(set) var mortals: [Int] = []
  /// Hashes and sets by their names; what they hold has histories field by field, or as a whole.
  private(set) var containers: [Container] = []
  private(set) var containerNumbers: [String: Int] = [:]
  private(set) var maps: [Int] = []
  private(set) var sets: [Int] = []
  /// Pairs of names between which hashes are renamed; the field count is the same in a pair.
  private(set) var wholes: [[Int]] = []
  /// Two strings and two hashes with counters whose sum is always 0.
  private(set) var purses: [Int] = []
  private(set) var purseStrings: [Int] = []
  private(set) var purseMaps: [Int] = []

  static let openingBalance = 1000

  init() {
    for index in 0..<5 { hot.append(add("hot:\(index)")) }
    for index in 0..<120 { cold.append(add("cold:\(index)")) }
    for group in 0..<4 {
      let prefix = "group:\(group):"
      groups.append(Group(prefix: prefix, keys: (10..<22).map { add(prefix + "\($0)") }))
    }
    for group in 0..<5 {
      let prefix = "stamp:\(group):"
      stamps.append(Group(prefix: prefix, keys: (10..<19).map { add(prefix + "\($0)") }))
    }
    for index in 0..<6 { counters.append(add("counter:\(index)", .counter)) }
    for index in 0..<4 {
      lists.append([add("list:\(index):a", .list), add("list:\(index):b", .list)])
    }
    for index in 10..<18 { accounts.append(add("account:\(index)", .account)) }
    for index in 0..<6 { mortals.append(add("mortal:\(index)", .mortal)) }
    for index in 0..<4 { maps.append(addContainer("map:\(index)", .hash, .plain, count: 9)) }
    for index in 0..<3 { sets.append(addContainer("set:\(index)", .set, .member, count: 8)) }
    for (index, count) in [6, 60, 2600].enumerated() {
      wholes.append(["a", "b"].map { addWhole("whole:\(index):\($0)", fieldCount: count) })
    }
    for index in 0..<2 { purseStrings.append(add("purse:\(index)", .counter)) }
    for index in 2..<4 {
      purseMaps.append(addContainer("purse:\(index)", .hash, .counter, count: 2))
    }
    purses = purseStrings + purseMaps.flatMap { containers[$0].cells }
  }

  private mutating func add(_ name: String, _ kind: Kind = .plain) -> Int {
    numbers[name] = keys.count
    return addCell(name, kind)
  }

  private mutating func addCell(_ name: String, _ kind: Kind) -> Int {
    keys.append(Key(name: name, kind: kind))
    return keys.count - 1
  }

  private mutating func addContainer(
    _ name: String, _ type: Container.RecordType, _ kind: Kind, count: Int
  ) -> Int {
    let fields = (10..<(10 + count)).map { "f\($0)" }
    let cells = fields.map { addCell("\(name)>\($0)", kind) }
    return enter(Container(name: name, type: type, fields: fields, cells: cells))
  }

  private mutating func addWhole(_ name: String, fieldCount: Int) -> Int {
    let fields = (10_000..<(10_000 + fieldCount)).map { "f\($0)" }
    let cell = addCell(name, .whole)
    return enter(Container(name: name, type: .whole, fields: fields, cells: [cell]))
  }

  private mutating func enter(_ container: Container) -> Int {
    containerNumbers[container.name] = containers.count
    containers.append(container)
    return containers.count - 1
  }

  /// Whether there may be such a key in the store.
  func hasKey(_ name: String) -> Bool { numbers[name] != nil || containerNumbers[name] != nil }

  /// Whether a key of the store may be gone at any time by itself.
  func isMortal(_ name: String) -> Bool {
    if let number = containerNumbers[name] { return containers[number].type == .whole }
    return numbers[name].map { keys[$0].kind == .mortal } ?? false
  }

  /// How many keys of the store there can be, and how many of them may expire.
  var storedCount: Int { numbers.count + containers.count }
  var mortalCount: Int { mortals.count + wholes.count * 2 }

  /// What the bytes of a key's value mean.
  func state(of bytes: [UInt8]?, key: Int) -> State {
    guard let bytes else { return .absent }
    switch keys[key].kind {
    case .counter:
      guard let number = Int(String(decoding: bytes, as: UTF8.self)) else { break }
      return State(kind: .number, number: number)
    case .list:
      guard let tokens = ListToken.parse(bytes), !tokens.isEmpty else { break }
      return .list(tokens)
    case .member: return .empty
    case .whole: break
    case .plain, .account, .mortal:
      if bytes.isEmpty, keys[key].kind == .plain { return .empty }
      guard let (client, operation, _) = StampedValue.parse(bytes, key: keys[key].name) else {
        break
      }
      return .stamped(client: client, operation: operation)
    }
    return State(kind: .unreadable)
  }

  /// The balance that an account's value tells, as the digits its payload begins with.
  func balance(of bytes: [UInt8], account: Int) -> Int? {
    guard let (_, _, payload) = StampedValue.parse(bytes, key: keys[account].name) else {
      return nil
    }
    return Int(String(decoding: payload.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self))
  }
}
