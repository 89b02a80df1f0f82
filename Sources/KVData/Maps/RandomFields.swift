import KVStore
import TxnWAL

/// Fields of a map by chance.
///
/// A map of up to `listedCount` fields is walked, and every field is as likely as every other. In a larger one
/// a random place between the first field and the last is looked up, and some steps are walked from
/// there: any field may come, but fields behind a gap come more often.
package struct RandomFields {
  private static let listedCount = 4096
  /// The most distinct fields that are looked up one by one: more are drawn in one walk over the map.
  private static let lookedUpCount = 1024
  private static let stepCount = 32

  private var map: FoundMap
  /// All fields, if they are few and some were asked for.
  private var listed: [[UInt8]] = []
  private var bounds: (first: [UInt8], last: [UInt8])?

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
      let goesOn = try map.withValue(of: field.rawSpan, in: &view) { value throws(StoreError) in
        guard let value else { return false }
        return try body(field.rawSpan, value)
      }
      if !goesOn { return }
    }
  }

  /// Lends `count` different fields, or all if there are not as many, until false from `body`.
  package mutating func distinct<V: EntryView & ~Copyable>(
    _ count: Int, in view: inout V,
    _ body: (_ field: RawSpan, _ value: RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    guard map.count > Self.listedCount, count <= min(Self.lookedUpCount, map.count / 8) else {
      return try drawn(count, in: &view, body)
    }
    var seen: Set<[UInt8]> = []
    while seen.count < count, let field = try next(in: &view) {
      guard seen.insert(field).inserted else { continue }
      let goesOn = try map.withValue(of: field.rawSpan, in: &view) { value throws(StoreError) in
        guard let value else { return false }
        return try body(field.rawSpan, value)
      }
      if !goesOn { return }
    }
  }

  /// In one walk, such that every choice of `count` fields is equally likely: each field is taken with the
  /// chance of those still wanted among those still to come. (Knuth, volume 2, algorithm S.)
  private func drawn<V: EntryView & ~Copyable>(
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
      }
      return listed.randomElement()
    }
    return try nearRandomPlace(in: &view)
  }

  private mutating func nearRandomPlace<V: EntryView & ~Copyable>(
    in view: inout V
  ) throws(StoreError) -> [UInt8]? {
    if bounds == nil {
      guard let first = try field(from: [], steps: 1, in: &view),
        let last = try field(from: [], steps: 1, reverse: true, in: &view)
      else { return nil }
      bounds = (first, last)
    }
    guard let bounds else { return nil }
    let place = Self.place(between: bounds.first, and: bounds.last)
    let steps = Int.random(in: 1...Self.stepCount)
    return try field(from: place, steps: steps, in: &view) ?? bounds.last
  }

  /// The field `steps` behind the beginning of what is at `lower` or behind; the last if there are fewer.
  private func field<V: EntryView & ~Copyable>(
    from lower: [UInt8], steps: Int, reverse: Bool = false, in view: inout V
  ) throws(StoreError) -> [UInt8]? {
    var left = steps
    var found: [UInt8]?
    try map.walk(KeyRange(from: lower), reverse: reverse, limit: steps, in: &view) { field, _ in
      left -= 1
      found = [UInt8](copying: field)
      return left > 0
    }
    return found
  }

  private static func place(between first: [UInt8], and last: [UInt8]) -> [UInt8] {
    let shared = zip(first, last).prefix { $0 == $1 }.count
    let low = shared < first.count ? first[shared] : 0
    let high = shared < last.count ? last[shared] : 255
    return first.prefix(shared) + [.random(in: min(low, high)...max(low, high))]
      + (0..<8).map { _ in UInt8.random(in: 0...255) }
  }
}
