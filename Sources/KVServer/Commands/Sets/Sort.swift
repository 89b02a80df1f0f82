import Base
import KVData
import KVStore

/// SORT and SORT_RO, for sets only: kvd has no lists or sorted sets. Sorts the members by themselves, or by
/// values at keys derived from them, all in one consistent cut.
///
/// All members and the values they are sorted by are in memory meanwhile, so both their number and their total
/// size are limited.
enum Sort {
  static let commands: [Command] = [
    // Flagged as a write, as in Redis, where it may store its result.
    Command(
      "sort", arity: -2, [.write, .scans], keys: .one, group: "generic",
      "Sort the elements in a list, set or sorted set", .cut(sort, sort)),
    Command(
      "sort_ro", arity: -2, [.readOnly, .scans], keys: .one, group: "generic",
      "Sort the elements in a list, set or sorted set. Read-only variant of SORT.",
      .cut(sortOnly, sortOnly)),
  ]

  private static let maximumElementCount = 1_000_000
  /// The most elements of a reply; each may need a lookup.
  private static let maximumReplyCount = 10_000_000

  fileprivate struct Element {
    let name: [UInt8]
    var number = 0.0
    /// What it is compared by if that is bytes. Nil sorts before everything.
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

  /// The memory that elements take, and its limit.
  private struct Memory {
    let limit: Int
    private(set) var byteCount = 0
    var isFull: Bool { byteCount > limit }

    /// The limit is the memory left for clients, but at most what a reply may take; in a script, what the reply
    /// to one of its commands may take.
    init(_ call: borrowing Call) {
      let left = max(call.server.memory.left, BufferMemory.ungatedByteCount)
      limit = min(left, call.isInScript ? call.reply.limit : ReplyWriter.defaultLimit)
    }

    /// Adds `count` bytes. Returns whether the memory is within its limit.
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
    // Reading a key of another partition may move the cut to a later moment. Then everything is read again.
    while try !reply(options, &view, &call, request) { call.reply.takeBack(to: start) }
  }

  /// Returns false if it must be done again.
  private static func reply<V: EntryView & ~Copyable>(
    _ options: SortOptions, _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) -> Bool {
    let set = try view.map(at: request.extracting(call[1]), type: .set)
    guard !options.stores else {
      call.reply.error(
        "ERR SORT with STORE is not supported: it creates a list, and kvd has no lists")
      return true
    }
    guard let set else {
      call.reply.array(0)
      return true
    }
    guard set.count <= maximumElementCount else {
      call.reply.error("ERR a set of more than \(maximumElementCount) members cannot be sorted")
      return true
    }
    let replied = options.range(of: set.count).count
    guard replied * max(1, options.parts.count) <= maximumReplyCount else {
      call.reply.error("ERR SORT replies with at most \(maximumReplyCount) elements: use LIMIT")
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

  /// What an element takes besides the bytes of its name.
  private static let elementByteCount = MemoryLayout<Element>.stride + 32

  private static func refuse(_ memory: Memory, _ call: inout Call) -> Bool {
    call.reply.error(
      "ERR SORT needs more than its memory limit of \(memory.limit) bytes for the set's members and sort keys"
    )
    return true
  }

  /// Gives each element the value that it is compared by; text that is not a number becomes NaN. Stops where
  /// memory is full. Returns false if everything must be done again.
  private static func weigh<V: EntryView & ~Copyable>(
    _ elements: inout [Element], _ options: SortOptions, _ memory: inout Memory, _ view: inout V
  ) throws(StoreError) -> Bool {
    for index in elements.indices where !memory.isFull {
      guard let pattern = options.weight else {
        // The bytes are shared with the name, so they take no memory.
        try view.advance(by: ScanBudget.steps(forByteCount: elements[index].name.count))
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

  /// Each comparison counts as one step of a walk, or as more if there is much to compare: a million elements
  /// with a common beginning take longer to sort than to read.
  private static func sort<V: EntryView & ~Copyable>(
    _ elements: inout [Element], _ options: SortOptions, _ view: inout V
  ) throws(StoreError) {
    do {
      try elements.sort { one, other in
        let byteCount = min(one.comparedByteCount, other.comparedByteCount)
        try view.advance(by: ScanBudget.steps(forByteCount: byteCount))
        return options.isDescending
          ? precedes(other, one, options) : precedes(one, other, options)
      }
    } catch let error as StoreError {
      throw error
    } catch {
      preconditionFailure("only a ScanBudget throws here")
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

  /// Lends the value at the key that `pattern` makes of `element`: a string, or a field of a hash. Returns
  /// false, and lends nothing, if the cut has moved to a later moment.
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
      guard try view.cover(key, in: .keys) else { return false }
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
  /// The most bytes that a comparison may read.
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
