import Base
import KVStore

/// Fields of a map by chance, for work that is bounded by how many are drawn.
///
/// Commands that remove what they draw, and all of EXEC and of scripts, draw while all writers wait. So the fields
/// that are visited are
///
///     listedCount at most     all of a map that has no more: every field is as likely as every other
///     8 for each drawn        where at least an eighth of the map is drawn, in one walk: every choice is as likely
///     74 for each drawn and   else, and 17 as a rule: leaps to random places (`RandomPlaces`), from each of which
///     600 more                some steps are walked
///
/// Of a large map any field may come, but fields behind a gap in the order of keys come more often than others,
/// and where many are drawn, some of them come from one neighbourhood. Where leaps find nothing new any more,
/// what follows the last place is taken, field by field: still each field of the map is visited once at most.
package struct RandomFields {
  static let listedCount = 1024
  /// Of how many fields behind a random place one is taken at most, and how many a leap takes one of.
  private static let stepCount = 32
  private static let spread = 4
  /// Leaps are dearer than steps: more fields than so many are drawn several at a leap.
  private static let leapLimit = 256

  private var map: FoundMap
  /// All fields, if they are few and some were asked for.
  private var listed: [[UInt8]] = []
  private var places: RandomPlaces?
  /// How many fields were visited, for tests.
  package private(set) var visitedCount = 0

  package init(of map: FoundMap) {
    self.map = map
  }

  /// Lends one field after another until `count` or false from `body`, each of them any of all.
  package mutating func repeated<V: EntryView & ~Copyable>(
    _ count: Int, in view: inout V,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    var left = count
    while left > 0, let field = try next(in: &view) {
      left -= 1
      if try !lend(field, in: &view, body) { return }
    }
  }

  /// Lends `count` different fields, or all if there are not as many, until false from `body`.
  package mutating func distinct<V: EntryView & ~Copyable>(
    _ count: Int, in view: inout V,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    guard map.count > Self.listedCount, count < map.count / 8 else {
      return try drawn(count, in: &view, body)
    }
    var seen: Set<[UInt8]> = []
    // A leap may bring nothing new; that many of them may not.
    let share = max(1, count / Self.leapLimit)
    var leapsLeft = 2 * (count / share) + 16
    while seen.count < count, leapsLeft > 0 {
      leapsLeft -= 1
      for field in try leap(taking: min(share, count - seen.count), in: &view)
      where seen.insert(field).inserted {
        if try !lend(field, in: &view, body) { return }
      }
    }
    try takeRest(count, &seen, in: &view, body)
  }

  private mutating func lend<V: EntryView & ~Copyable>(
    _ field: [UInt8], in view: inout V,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) -> Bool {
    try map.withValue(of: field.rawSpan, in: &view) { value throws(StoreError) in
      guard let value else { return false }
      return try body(field.rawSpan, value)
    }
  }

  /// In one walk, such that every choice of `count` fields is equally likely: each field is taken with the
  /// chance of those still wanted among those still to come. (Knuth, volume 2, algorithm S.)
  private mutating func drawn<V: EntryView & ~Copyable>(
    _ count: Int, in view: inout V,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    var wanted = min(count, map.count)
    var coming = map.count
    guard wanted > 0 else { return }
    try map.walk(in: &view) { field, value throws(StoreError) in
      let isTaken = coming <= wanted || Int.random(in: 0..<coming) < wanted
      coming -= 1
      guard isTaken else { return true }
      wanted -= 1
      return try body(field, value) && wanted > 0
    }
    visitedCount += map.count - coming
  }

  private mutating func next<V: EntryView & ~Copyable>(
    in view: inout V
  ) throws(StoreError) -> [UInt8]? {
    guard map.count > Self.listedCount else {
      if listed.isEmpty {
        try map.walk(in: &view) { field, _ in
          listed.append([UInt8](copying: field))
          return true
        }
        visitedCount += listed.count
      }
      return listed.randomElement()
    }
    return try leap(taking: 1, in: &view).first
  }

  /// At most `count` fields behind a random place: one of the first few, or of more about one of `spread`. One
  /// field at least.
  private mutating func leap<V: EntryView & ~Copyable>(
    taking count: Int, in view: inout V
  ) throws(StoreError) -> [[UInt8]] {
    if places == nil {
      guard let first = try ends(reverse: false, in: &view),
        let last = try ends(reverse: true, in: &view)
      else { return [] }
      places = RandomPlaces(between: first, and: last)
    }
    guard var places else { return [] }
    var toSkip = count > 1 ? 0 : Int.random(in: 0..<Self.stepCount)
    var taken: [[UInt8]] = []
    var skipped: [UInt8]?
    try map.walk(
      KeyRange(from: places.next()), limit: Self.stepCount + count * Self.spread, in: &view
    ) {
      field, _ in
      visitedCount += 1
      let isTaken = toSkip == 0 && (count == 1 || Int.random(in: 0..<Self.spread) == 0)
      toSkip = max(0, toSkip - 1)
      let field = [UInt8](copying: field)
      if isTaken { taken.append(field) } else { skipped = field }
      return taken.count < count
    }
    for field in taken.isEmpty ? [skipped ?? places.last] : taken { places.learn(field) }
    self.places = places
    return taken.isEmpty ? [skipped ?? places.last] : taken
  }

  /// What leaps have not found: the next fields behind the last of them, and then those at the beginning.
  private mutating func takeRest<V: EntryView & ~Copyable>(
    _ count: Int, _ seen: inout Set<[UInt8]>, in view: inout V,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    guard seen.count < count, let start = places?.latest else { return }
    var goesOn = true
    for range in [KeyRange(from: start), KeyRange(from: [], to: start)] where goesOn {
      var known = seen
      try map.walk(range, in: &view) { field, value throws(StoreError) in
        visitedCount += 1
        guard known.insert([UInt8](copying: field)).inserted else { return true }
        goesOn = try body(field, value) && known.count < count
        return goesOn
      }
      seen = known
    }
  }

  private mutating func ends<V: EntryView & ~Copyable>(
    reverse: Bool, in view: inout V
  ) throws(StoreError) -> [UInt8]? {
    var found: [UInt8]?
    try map.walk(reverse: reverse, limit: 1, in: &view) { field, _ in
      found = [UInt8](copying: field)
      return false
    }
    visitedCount += 1
    return found
  }
}

/// Random places among fields, of which only some are known: behind what the first and the last have in common, the
/// beginning of a known field, of any length, and then bytes between the least and the greatest that known fields have
/// there. So fields that lie close together behind a gap are not all taken for the first of them.
struct RandomPlaces {
  private static let byteCount = 10
  private static let knownLimit = 64

  private let shared: [UInt8]
  private var spans: [ClosedRange<UInt8>?] = .init(repeating: nil, count: Self.byteCount)
  private var known: [[UInt8]] = []
  let last: [UInt8]
  /// The field that was found last.
  private(set) var latest: [UInt8]

  init(between first: [UInt8], and last: [UInt8]) {
    shared = Array(first.prefix(zip(first, last).prefix { $0 == $1 }.count))
    self.last = last
    latest = first
    if first.count == shared.count { spans[0] = 0...0 }
    learn(first)
    learn(last)
  }

  /// `field` was found.
  mutating func learn(_ field: [UInt8]) {
    latest = field
    let rest = Array(field.dropFirst(shared.count).prefix(Self.byteCount))
    for (place, byte) in rest.enumerated() {
      let span = spans[place] ?? byte...byte
      spans[place] = min(span.lowerBound, byte)...max(span.upperBound, byte)
    }
    if known.count < Self.knownLimit {
      known.append(rest)
    } else {
      known[.random(in: 0..<Self.knownLimit)] = rest
    }
  }

  /// A place, at which there need not be a field, nor any behind it.
  func next() -> [UInt8] {
    let model = known.randomElement() ?? []
    let beginning = model.prefix(.random(in: 0...model.count))
    return shared + beginning
      + spans.dropFirst(beginning.count).map { UInt8.random(in: $0 ?? 0...255) }
  }
}
