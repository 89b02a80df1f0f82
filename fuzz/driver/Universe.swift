/// Every key that the workloads use. There are no others, so whatever else turns up was invented.
struct Universe {
  enum Kind { case plain, counter, list, account }

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
  }

  private mutating func add(_ name: String, _ kind: Kind = .plain) -> Int {
    numbers[name] = keys.count
    keys.append(Key(name: name, kind: kind))
    return keys.count - 1
  }

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
    case .plain, .account:
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
