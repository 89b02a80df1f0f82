/// Finds the keys of commands for which their positions, or how they are accessed, depend on argument values.
enum KeyExtractors {
  /// Returns the keys among the arguments. Arguments that cannot be parsed contribute none.
  typealias Finder = @Sendable (_ arguments: [Range<Int>], _ request: RawSpan) -> [KeyUse]

  static func finder(for command: String) -> Finder? {
    switch command {
    case "set": set
    case "bitfield": bitField
    case "sintercard": counted
    case "sort": sort
    case "sort_ro": { _, _ in [KeyUse(1, .reading)] }
    case "kv.batch": batch
    case "eval", "evalsha", "fcall": { script($0, $1, .changing) }
    case "eval_ro", "evalsha_ro", "fcall_ro": { script($0, $1, .reading) }
    case "kv.range", "kv.revrange": { _, _ in [KeyUse(.bounds(start: 1, end: 2), .reading)] }
    case "kv.prefix": { _, _ in [KeyUse(.prefix(1), .reading)] }
    case "kv.delrange": { _, _ in [KeyUse(.bounds(start: 1, end: 2), .removing)] }
    case "kv.delprefix": { _, _ in [KeyUse(.prefix(1), .removing)] }
    default: nil
    }
  }

  /// SET only writes; with GET it also reads.
  @Sendable private static func set(_ arguments: [Range<Int>], _ request: RawSpan) -> [KeyUse] {
    let gets = arguments.dropFirst(3).contains { request.extracting($0).spells("GET") }
    return [KeyUse(1, gets ? .changing : .replacing)]
  }

  /// BITFIELD only reads if all its operations are GET.
  @Sendable private static func bitField(_ arguments: [Range<Int>], _ request: RawSpan)
    -> [KeyUse]
  {
    var index = 2
    while index < arguments.count {
      let word = request.extracting(arguments[index])
      let left = arguments.count - index - 1
      if word.spells("GET"), left >= 2 {
        index += 3
      } else if word.spells("SET") || word.spells("INCRBY"), left >= 3 {
        return [KeyUse(1, .changing)]
      } else if word.spells("OVERFLOW"), left >= 1 {
        index += 2
      } else {
        return [KeyUse(1, .changing)]
      }
    }
    return [KeyUse(1, .reading)]
  }

  /// A key count, followed by the keys, which are read.
  @Sendable private static func counted(
    _ arguments: [Range<Int>], _ request: RawSpan
  ) -> [KeyUse] {
    guard arguments.count > 2, let count = parseInteger(request.extracting(arguments[1])),
      count > 0, count <= arguments.count - 2
    else { return [] }
    return (2..<2 + Int(count)).map { KeyUse($0, .reading) }
  }

  /// SORT reads its key and writes the key of its last STORE option.
  @Sendable private static func sort(_ arguments: [Range<Int>], _ request: RawSpan) -> [KeyUse] {
    var store: Int?
    var index = 2
    while index < arguments.count {
      let word = request.extracting(arguments[index])
      let left = arguments.count - index - 1
      if word.spells("LIMIT") {
        index += 2
      } else if word.spells("GET") || word.spells("BY") {
        index += 1
      } else if word.spells("STORE"), left >= 1 {
        store = index + 1
        index += 1
      }
      index += 1
    }
    return [KeyUse(1, .reading)] + (store.map { [KeyUse($0, .replacing)] } ?? [])
  }

  /// The second argument after the name is the key count; the keys follow it.
  private static func script(
    _ arguments: [Range<Int>], _ request: RawSpan, _ access: KeySpec.Access
  ) -> [KeyUse] {
    guard arguments.count > 2, let count = parseInteger(request.extracting(arguments[2])),
      count > 0, count <= arguments.count - 3
    else { return [] }
    return (3..<(3 + Int(count))).map { KeyUse($0, access) }
  }

  /// A condition reads its key; a change replaces or removes it.
  @Sendable private static func batch(_ arguments: [Range<Int>], _ request: RawSpan) -> [KeyUse] {
    var uses: [KeyUse] = []
    var index = 1
    while index + 1 < arguments.count {
      let word = request.extracting(arguments[index])
      let left = arguments.count - index - 1
      if word.spells("SET"), left >= 2 {
        uses.append(KeyUse(index + 1, .replacing))
        index += 3
      } else if word.spells("DEL") {
        uses.append(KeyUse(index + 1, .removing))
        index += 2
      } else if word.spells("DELRANGE"), left >= 2 {
        uses.append(KeyUse(.bounds(start: index + 1, end: index + 2), .removing))
        index += 3
      } else if word.spells("DELPREFIX") {
        uses.append(KeyUse(.prefix(index + 1), .removing))
        index += 2
      } else if word.spells("IF"), left >= 2 {
        uses.append(KeyUse(index + 1, .reading))
        index += request.extracting(arguments[index + 2]).spells("SEQ") ? 4 : 3
      } else {
        break
      }
    }
    return uses
  }
}
