/// Where some of a command's keys stand, and what the command does with them.
struct KeySpec: Sendable {
  struct Access: OptionSet, Sendable {
    let rawValue: UInt16

    /// In the order in which Redis gives them; the place is the bit.
    static let names = [
      "RO", "RW", "OW", "RM", "access", "insert", "update", "delete", "not_key", "incomplete",
      "variable_flags",
    ]

    /// The value is only read; read and written; replaced; removed.
    static let readOnly = Access(rawValue: 1 << 0)
    static let readWrite = Access(rawValue: 1 << 1)
    static let overwrite = Access(rawValue: 1 << 2)
    static let remove = Access(rawValue: 1 << 3)
    /// What a user must be allowed: to learn something of the value, or to change it.
    static let access = Access(rawValue: 1 << 4)
    static let insert = Access(rawValue: 1 << 5)
    static let update = Access(rawValue: 1 << 6)
    static let delete = Access(rawValue: 1 << 7)
    /// What is done depends on the other arguments.
    static let variable = Access(rawValue: 1 << 10)

    static let reading: Access = [.readOnly, .access]
    static let replacing: Access = [.overwrite, .update]
    static let changing: Access = [.readWrite, .access, .update]
    static let removing: Access = [.remove, .delete]

    init(rawValue: UInt16) { self.rawValue = rawValue }

    init(named names: [Substring]) {
      self.init(
        rawValue: names.reduce(0) { bits, name in
          guard let index = Self.names.firstIndex(of: String(name)) else {
            preconditionFailure("\(name) is no flag of a key")
          }
          return bits | 1 << UInt16(index)
        })
    }

    var names: [String] {
      Self.names.indices.filter { rawValue & 1 << UInt16($0) != 0 }.map { Self.names[$0] }
    }

    var reads: Bool { contains(.access) }
    var writes: Bool { !isDisjoint(with: [.insert, .update, .delete]) }
  }

  struct Place: Sendable, Equatable {
    var index: Int
    /// Counted from `index`, or if negative from the end of the arguments.
    var last: Int
    var step: Int
    /// Above 1: only that part of the arguments is looked at, a half or a third.
    var limit = 0
  }

  /// Keys whose number is an argument; counted from `index`, where those begin that are about keys.
  struct Counted: Sendable, Equatable {
    var index: Int
    /// Where the number stands.
    var number: Int
    var first: Int
    var step: Int
  }

  /// Nil if it cannot be told without looking at the arguments.
  let place: Place?
  let counted: Counted?
  let access: Access
  var note: String?

  init(_ access: Access, at index: Int, last: Int = 0, step: Int = 1) {
    self.access = access
    place = Place(index: index, last: last, step: step)
    counted = nil
  }

  init(_ access: Access, at place: Place?) {
    self.access = access
    self.place = place
    counted = nil
  }

  init(_ access: Access, at counted: Counted) {
    self.access = access
    place = nil
    self.counted = counted
  }

  /// The indices of the keys in a request of `count` arguments, or nil if they cannot be told.
  func indices(count: Int) -> [Int]? {
    guard let place, place.index < count else { return nil }
    let last =
      if place.last >= 0 {
        place.index + place.last
      } else if place.limit > 1 {
        place.index + (count - place.index) / place.limit + place.last
      } else {
        count + place.last
      }
    guard last < count else { return nil }
    return Array(stride(from: place.index, through: last, by: place.step))
  }
}

/// A key, or a range of keys, that a request works on.
struct KeyUse {
  enum Place {
    case argument(Int)
    case range(KeyRangeText)
  }

  /// The arguments that a range of keys is spelled by.
  enum KeyRangeText {
    case bounds(start: Int, end: Int)
    case prefix(Int)
  }

  let place: Place
  let access: KeySpec.Access

  init(_ index: Int, _ access: KeySpec.Access) {
    place = .argument(index)
    self.access = access
  }

  init(_ range: KeyRangeText, _ access: KeySpec.Access) {
    place = .range(range)
    self.access = access
  }
}
