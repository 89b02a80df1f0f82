import Base
import KVData
import KVStore

/// SORT and SORT_RO of sets, which are the only values here whose elements have no order of their own to keep:
/// by themselves or by what stands at keys made from them, all as of one moment.
///
/// All elements are in memory meanwhile, and what they are sorted by, so there is a limit on how many they are, and
/// on the memory of all together.
enum Sort {
  static let commands: [Command] = [
    // A write by its flags, as in Redis, where it may store.
    Command(
      "sort", arity: -2, [.write, .scans], keys: .one, group: "generic",
      "Sort the elements in a list, set or sorted set", .cut(sort, sort)),
    Command(
      "sort_ro", arity: -2, [.readOnly, .scans], keys: .one, group: "generic",
      "Sort the elements in a list, set or sorted set. Read-only variant of SORT.",
      .cut(sortOnly, sortOnly)),
  ]

  private static let mostElements = 1_000_000
  /// What may be replied, of which each may need a look-up.
  private static let mostReplied = 10_000_000

  fileprivate struct Element {
    let name: [UInt8]
    var number = 0.0
    /// What it is compared by, where that is bytes; nothing is before everything.
    var text: [UInt8]?
  }

  static func sort<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try run(SortOptions(&call, request, mayStore: true), &view, &call, request)
  }

  static func sortOnly<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    try run(SortOptions(&call, request, mayStore: false), &view, &call, request)
  }

  /// The memory that elements take, of as much as they may.
  private struct Memory {
    let limit: Int
    private(set) var byteCount = 0
    var isFull: Bool { byteCount > limit }

    /// What is left for clients, and no more than a reply may take; of a script what its replies may take.
    init(_ call: borrowing Call) {
      let left = max(call.server.memory.left, ClientMemory.ungatedByteCount)
      limit = min(left, call.isInScript ? call.reply.limit : ReplyWriter.defaultLimit)
    }

    /// Whether there is room for so much more.
    mutating func take(_ count: Int) -> Bool {
      byteCount += count
      return !isFull
    }
  }

  private static func run<V: EntryView & ~Copyable>(
    _ options: SortOptions?, _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let options else { return }
    let start = call.reply.count
    // Keys of other partitions move the moment of what was read before: then all is read again.
    while try !reply(options, &view, &call, request) { call.reply.takeBack(to: start) }
  }

  /// False if it has to be done again.
  private static func reply<V: EntryView & ~Copyable>(
    _ options: SortOptions, _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) -> Bool {
    let set = try view.map(at: request.extracting(call[1]), type: .set)
    guard !options.stores else {
      call.reply.error("ERR SORT with STORE is not supported: it makes a list, and kvd has none")
      return true
    }
    guard let set else {
      call.reply.array(0)
      return true
    }
    guard set.count <= mostElements else {
      call.reply.error("ERR a set of more than \(mostElements) members cannot be sorted")
      return true
    }
    let replied = options.range(of: set.count).count
    guard replied * max(1, options.parts.count) <= mostReplied else {
      call.reply.error("ERR SORT replies with at most \(mostReplied) elements: use LIMIT")
      return true
    }
    var memory = Memory(call)
    var elements: [Element] = []
    try set.walk(in: &view) { member, _ in
      guard memory.take(member.byteCount + elementByteCount) else { return false }
      elements.append(Element(name: [UInt8](copying: member)))
      return true
    }
    guard !memory.isFull else { return refuse(memory, &call) }
    if options.order != .none {
      guard try weigh(&elements, options, &memory, &view) else { return false }
      guard !memory.isFull else { return refuse(memory, &call) }
      guard elements.allSatisfy({ !$0.number.isNaN }) else {
        call.reply.error("ERR One or more scores can't be converted into double")
        return true
      }
      try sort(&elements, options, &view)
    }
    let chosen = elements[options.range(of: elements.count)]
    call.reply.array(chosen.count * max(1, options.parts.count))
    for element in chosen where !call.reply.isOverflowing {
      try view.advance(by: 1)
      if options.parts.isEmpty { element.name.withRawBytes { call.reply.bulk($0) } }
      for part in options.parts where !call.reply.isOverflowing {
        switch part {
        case .element:
          try view.advance(by: 1)
          element.name.withRawBytes { call.reply.bulk($0) }
        case .value(nil): call.reply.null()
        case .value(let pattern?):
          let isOneMoment = try withValue(of: pattern, for: element.name, in: &view) { value in
            if let value { call.reply.bulk(value) } else { call.reply.null() }
          }
          guard isOneMoment else { return false }
        }
      }
    }
    return true
  }

  /// What an element takes beside the bytes of its name.
  private static let elementByteCount = MemoryLayout<Element>.stride + 32

  private static func refuse(_ memory: Memory, _ call: inout Call) -> Bool {
    call.reply.error(
      "ERR the members of the set and what they are sorted by take more than the \(memory.limit) bytes that "
        + "there are for them")
    return true
  }

  /// Gives each element what it is compared by; a number that is none becomes NaN. False if it has to be done
  /// again. Ends where memory is full.
  private static func weigh<V: EntryView & ~Copyable>(
    _ elements: inout [Element], _ options: SortOptions, _ memory: inout Memory, _ view: inout V
  ) throws(StoreError) -> Bool {
    for index in elements.indices where !memory.isFull {
      guard let pattern = options.weight else {
        // Bytes are shared with the name.
        try view.advance(by: WalkPace.steps(forByteCount: elements[index].name.count))
        elements[index].weigh(elements[index].name, options.order)
        continue
      }
      let isOneMoment = try withValue(of: pattern, for: elements[index].name, in: &view) { value in
        guard let value, options.order != .byBytes || memory.take(value.byteCount) else { return }
        elements[index].weigh([UInt8](copying: value), options.order)
      }
      guard isOneMoment else { return false }
    }
    return true
  }

  /// Each comparison counts as a step of a walk, or as more where there is much to compare: a million of elements whose
  /// first bytes are the same take longer to sort than to read.
  private static func sort<V: EntryView & ~Copyable>(
    _ elements: inout [Element], _ options: SortOptions, _ view: inout V
  ) throws(StoreError) {
    do {
      try elements.sort { one, other in
        let byteCount = min(one.comparedByteCount, other.comparedByteCount)
        try view.advance(by: WalkPace.steps(forByteCount: byteCount))
        return options.isDescending
          ? precedes(other, one, options) : precedes(one, other, options)
      }
    } catch let error as StoreError {
      throw error
    } catch {
      preconditionFailure("only a pace throws here")
    }
  }

  private static func precedes(_ one: Element, _ other: Element, _ options: SortOptions) -> Bool {
    if options.order == .byNumber {
      return one.number == other.number
        ? one.name.lexicographicallyPrecedes(other.name) : one.number < other.number
    }
    guard let text = one.text, let otherText = other.text else {
      return one.text == nil && other.text != nil
    }
    return text.lexicographicallyPrecedes(otherText)
  }

  /// Lends what stands at the key that `pattern` makes of `element`: a string, or a field of a hash. False, and
  /// nothing is lent, if the view is of a later moment now.
  private static func withValue<V: EntryView & ~Copyable>(
    of pattern: SortOptions.Pattern, for element: [UInt8], in view: inout V,
    _ body: (RawSpan?) -> Void
  ) throws(StoreError) -> Bool {
    let key = pattern.key(for: element)
    guard key.count <= Limits.keyByteCount else {
      body(nil)
      return true
    }
    try view.advance(by: 2)
    return try key.withRawBytes { (key) throws(StoreError) in
      guard try view.cover(key) else { return false }
      let type = try view.withEntry(of: key) { info, value -> RecordType? in
        guard let type = info?.recordType else { return nil }
        if type == .string, pattern.field == nil { body(value) }
        return type
      }
      switch (type, pattern.field) {
      case (.string, nil): break
      case (.map, let field?):
        var map = try view.map(at: key, type: .map)
        try field.withRawBytes { (field) throws(StoreError) in
          try map?.withValue(of: field, in: &view) { body($0) }
        }
      default: body(nil)
      }
      return true
    }
  }
}

extension Sort.Element {
  /// How many bytes a comparison may have to look at.
  fileprivate var comparedByteCount: Int { text?.count ?? name.count }

  fileprivate mutating func weigh(_ value: [UInt8], _ order: SortOptions.Order) {
    if order == .byBytes {
      text = value
    } else {
      let word = String(decoding: value, as: UTF8.self)
      number = word.isEmpty ? 0 : Double(word) ?? .nan
    }
  }
}
