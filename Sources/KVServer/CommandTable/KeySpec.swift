/// A key specification in Redis's sense: where some of a command's keys are, and how the command accesses them.
struct KeySpec: Sendable {
  struct Access: OptionSet, Sendable {
    let rawValue: UInt16

    /// In Redis's order; the index is the bit number.
    static let names = [
      "RO", "RW", "OW", "RM", "access", "insert", "update", "delete", "not_key", "incomplete",
      "variable_flags",
    ]

    /// What happens to the value: it is read, read and written, overwritten, or removed.
    static let readOnly = Access(rawValue: 1 << 0)
    static let readWrite = Access(rawValue: 1 << 1)
    static let overwrite = Access(rawValue: 1 << 2)
    static let remove = Access(rawValue: 1 << 3)
    /// What the user needs permission for: `access` reveals something about the value, the other three change
    /// it.
    static let access = Access(rawValue: 1 << 4)
    static let insert = Access(rawValue: 1 << 5)
    static let update = Access(rawValue: 1 << 6)
    static let delete = Access(rawValue: 1 << 7)
    /// The access depends on the other arguments.
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
            preconditionFailure("unknown key flag \(name)")
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
    /// The last key, counted from `index`; if negative, from the end of the arguments.
    var last: Int
    var step: Int
    /// If `last` is negative and this is above 1, only that fraction of the arguments from `index` on holds
    /// keys: 2 means a half, 3 a third.
    var limit = 0
  }

  /// Keys preceded by their count. The other positions count from `index`.
  struct Counted: Sendable, Equatable {
    var index: Int
    /// The position of the count.
    var number: Int
    var first: Int
    var step: Int
  }

  /// Nil if the positions depend on argument values.
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

  /// The indices of the keys in a request of `count` arguments. Nil if there are too few arguments, or if the
  /// positions depend on their values.
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

/// A key or key range that a request accesses.
struct KeyUse {
  enum Place {
    case argument(Int)
    case range(KeyRangeArguments)
  }

  /// The arguments that specify a key range.
  enum KeyRangeArguments {
    case bounds(start: Int, end: Int)
    case prefix(Int)
  }

  let place: Place
  let access: KeySpec.Access

  init(_ index: Int, _ access: KeySpec.Access) {
    place = .argument(index)
    self.access = access
  }

  init(_ range: KeyRangeArguments, _ access: KeySpec.Access) {
    place = .range(range)
    self.access = access
  }
}
