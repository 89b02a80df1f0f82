import Base
import KVStore

/// Draws random fields of a map, visiting a number of fields bounded by the number drawn.
///
/// Commands that remove what they draw, and everything in EXEC and scripts, draw while all writers wait. The number
/// of fields visited is
///
///     at most listedCount       if the map has no more: all are listed, and every field is equally likely
///     8 per field drawn         if at least an eighth of the map is drawn, in one walk: every choice is equally
///                               likely
///     74 per field drawn + 600  otherwise, and usually 17 per field: leaps to random places (`RandomPlaces`), each
///                               followed by a few steps
///
/// In a large map every field can be drawn, but fields after a gap in key order are drawn more often than others,
/// and if many are drawn, some come from the same neighbourhood. When leaps find no new fields, the fields after
/// the last place are taken in order. Even then each field of the map is visited at most once.
package struct RandomFields {
  static let listedCount = 1024
  /// The maximum number of fields from a random place to the one taken; and of how many fields a leap takes one.
  private static let stepCount = 32
  private static let spread = 4
  /// Leaps cost more than steps. To draw more fields than this, each leap takes several.
  private static let leapLimit = 256

  private var map: FoundMap
  /// All fields, if they are few and were requested.
  private var listed: [[UInt8]] = []
  private var places: RandomPlaces?
  /// The number of fields visited, for tests.
  package private(set) var visitedCount = 0

  package init(of map: FoundMap) {
    self.map = map
  }

  /// Lends up to `count` fields, each drawn from all fields, until `body` returns false.
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

  /// Lends `count` different fields, or all if there are fewer, until `body` returns false.
  package mutating func distinct<V: EntryView & ~Copyable>(
    _ count: Int, in view: inout V,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    guard map.count > Self.listedCount, count < map.count / 8 else {
      return try drawn(count, in: &view, body)
    }
    var seen: Set<[UInt8]> = []
    // A leap may find nothing new; this limits the number of leaps.
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

  /// Draws in one walk, so that every choice of `count` fields is equally likely: the probability of taking a field
  /// is the number still wanted divided by the number still to come. (Knuth, volume 2, algorithm S.)
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

  /// Up to `count` fields after a random place: for one field, one of the first few; for several, about one in
  /// `spread`. At least one field.
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

  /// Takes what leaps have not found: the fields after the last place, then those from the beginning.
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

/// Generates random places among fields of which only some are known. A place consists of the common prefix of the
/// first and last field, a random-length prefix of what follows it in a known field, and then random bytes between
/// the least and the greatest that known fields have at each position. So a cluster of fields after a gap is not
/// always entered at its first field.
struct RandomPlaces {
  private static let byteCount = 10
  private static let knownLimit = 64

  private let shared: [UInt8]
  private var spans: [ClosedRange<UInt8>?] = .init(repeating: nil, count: Self.byteCount)
  private var known: [[UInt8]] = []
  let last: [UInt8]
  /// The field found last.
  private(set) var latest: [UInt8]

  init(between first: [UInt8], and last: [UInt8]) {
    shared = Array(first.prefix(zip(first, last).prefix { $0 == $1 }.count))
    self.last = last
    latest = first
    if first.count == shared.count { spans[0] = 0...0 }
    learn(first)
    learn(last)
  }

  /// Records that `field` was found.
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

  /// A random place. There need not be a field at it or after it.
  func next() -> [UInt8] {
    let model = known.randomElement() ?? []
    let beginning = model.prefix(.random(in: 0...model.count))
    return shared + beginning
      + spans.dropFirst(beginning.count).map { UInt8.random(in: $0 ?? 0...255) }
  }
}
